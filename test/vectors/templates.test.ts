import { readFileSync } from 'node:fs';
import {
  byteStringFromBytes,
  byteStringFromText,
  bytesFromByteString,
  renderTemplate,
  TemplateError,
  textFromByteString,
} from '@waxwing/shared/gotemplate';
import { createTemplateEffects } from '@waxwing/shared/rendering';
import { describe, expect, test } from 'vitest';

/** The templates recorded from upstream: one test per group, which names every case that differs. */

interface TemplateVector {
  readonly name: string;
  readonly template: string;
  readonly key?: string;
  readonly data: Record<string, string>;
  readonly dataBase64?: Record<string, string>;
  readonly output?: string;
  readonly outputBase64?: string;
  readonly matches?: string;
  readonly error?: 'parse' | 'exec';
}

const file = new URL('./templates/templates.json', import.meta.url);
const vectors: TemplateVector[] = JSON.parse(readFileSync(file, 'utf8'));
const effects = await createTemplateEffects({ withCostlyFunctions: true });

function contextOf(vector: TemplateVector): Map<string, string> {
  const context = new Map<string, string>();
  for (const [key, value] of Object.entries(vector.data))
    context.set(byteStringFromText(key), byteStringFromText(value));
  for (const [key, value] of Object.entries(vector.dataBase64 ?? {})) {
    context.set(byteStringFromText(key), byteStringFromBytes(Buffer.from(value, 'base64')));
  }
  return context;
}

function render(vector: TemplateVector): { output: string } | { error: string; message: string } {
  try {
    const name = byteStringFromText(vector.key ?? 'tpl');
    return {
      output: renderTemplate({ name, text: byteStringFromText(vector.template), data: contextOf(vector), effects }),
    };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw new Error(`${vector.name}: not a TemplateError`, { cause: error });
    return { error: error.kind, message: error.message };
  }
}

/** What differs from the recorded outcome, or nothing. */
function differenceOf(vector: TemplateVector): string | undefined {
  const outcome = render(vector);
  const describeCase = (expected: string, got: string): string =>
    `${vector.name}: ${vector.template}\n  expected ${expected}\n  got      ${got}`;
  if ('error' in outcome) {
    if (outcome.error === vector.error) return undefined;
    return describeCase(
      vector.error ?? JSON.stringify(vector.output ?? vector.matches),
      `${outcome.error}: ${outcome.message}`,
    );
  }
  const text = textFromByteString(outcome.output);
  if (vector.error !== undefined) return describeCase(`an error (${vector.error})`, JSON.stringify(text));
  if (vector.matches !== undefined) {
    return new RegExp(vector.matches).test(text) ? undefined : describeCase(vector.matches, JSON.stringify(text));
  }
  const expected =
    vector.outputBase64 === undefined ? Buffer.from(vector.output ?? '') : Buffer.from(vector.outputBase64, 'base64');
  if (expected.equals(bytesFromByteString(outcome.output))) return undefined;
  return describeCase(JSON.stringify(vector.output ?? expected.toString('latin1')), JSON.stringify(text));
}

const groups = Map.groupBy(vectors, ({ name }) => name.replace(/-\d+$/, ''));

describe('templates recorded from upstream', () => {
  test('there are 3,620 of them', () => {
    expect(vectors.length).toBe(3620);
  });

  for (const [group, cases] of groups) {
    test(`${group} (${cases.length})`, () => {
      expect(cases.map(differenceOf).filter((difference) => difference !== undefined)).toEqual([]);
    });
  }
});
