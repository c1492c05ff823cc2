import { readFileSync } from 'node:fs';
import { templateFunctions } from '@waxwing/shared/gotemplate';
import { describe, expect, test } from 'vitest';
import { deterministicFunctions, nodeKinds } from '../gotemplate/generator.ts';

/** The README of the template engine says which test covers what; this keeps it true. */

const readme = readFileSync(new URL('../../shared/src/gotemplate/README.md', import.meta.url), 'utf8');
const vectors: { name: string; template: string }[] = JSON.parse(
  readFileSync(new URL('../vectors/templates/templates.json', import.meta.url), 'utf8'),
);
const groupOf = (name: string): string => name.replace(/-\d+$/, '');
const groups = Map.groupBy(vectors, ({ name }) => groupOf(name));

/** Rows of the table under a heading, as cells. */
function rowsUnder(heading: string): string[][] {
  const section = readme.split(`\n### ${heading}\n`)[1]?.split('\n#')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  // A pipe inside back quotes belongs to the cell.
  return lines.slice(2).map((line) => line.slice(2, -2).split(/ \| (?=(?:[^`]*`[^`]*`)*[^`]*$)/));
}

const codes = (cell: string | undefined): string[] =>
  Array.from((cell ?? '').matchAll(/`([^`]+)`/g), (match) => match[1] ?? '');

describe('the table of functions', () => {
  const rows = new Map(rowsUnder('Functions').map((row) => [codes(row[0])[0] ?? '', row]));

  test('has a line for every function, and no other', () => {
    expect([...rows.keys()].sort()).toEqual([...templateFunctions.keys()].sort());
  });

  test('gives their parameters', () => {
    for (const [name, { parameters, variadic }] of templateFunctions) {
      const types = [
        ...parameters.map((type) => type.name),
        ...(variadic === undefined ? [] : [`...${variadic.name}`]),
      ];
      expect(codes(rows.get(name)?.[1]), name).toEqual([`(${types.join(', ')})`]);
    }
  });

  test('names groups of vectors that call the function', () => {
    for (const [name, row] of rows) {
      const named = codes(row[3]);
      expect(named.length, name).toBeGreaterThan(0);
      for (const group of named) {
        const calls =
          groups.get(group)?.filter(({ template }) => new RegExp(`(?<![.\\w"$])${name}(?!\\w)`).test(template)) ?? [];
        expect(calls.length, `${name} in ${group}`).toBeGreaterThan(0);
      }
    }
  });

  test('says which functions the differential check calls', () => {
    const said = [...rows].filter(([, row]) => row[4]?.trim() === 'yes').map(([name]) => name);
    expect(said.sort()).toEqual([...deterministicFunctions].sort());
  });
});

describe('the table of the language', () => {
  const rows = rowsUnder('Language');

  test('has a line for every node kind, and no other', () => {
    expect(rows.map((row) => row[3]?.trim()).sort()).toEqual([...nodeKinds].sort());
  });

  test('names groups that exist', () => {
    for (const row of rows) for (const group of codes(row[2])) expect(groups.has(group), group).toBe(true);
  });

  test('names every group of the language', () => {
    const named = new Set(rows.flatMap((row) => codes(row[2])));
    const languageGroups = [...groups.keys()].filter((group) => group.startsWith('lang-') && group !== 'lang-errors');
    expect(languageGroups.filter((group) => !named.has(group))).toEqual([]);
  });
});
