import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './markdown.ts';

const page = 'docs/operations/faults.md';

it('every row of the page of faults names a test that there is', async () => {
  const rows = (await readFile(join(root, page), 'utf8')).split('\n').filter((line) => line.startsWith('| '));
  const faults = rows.filter((row) => !/^\| (---|What goes wrong) /.test(row));
  expect(faults.length).toBeGreaterThan(30);
  const wrong: string[] = [];
  for (const row of faults) {
    const tests = [...row.matchAll(/\[`([^`]+)`\]\(([^)]+)\)/g)];
    if (tests.length === 0) wrong.push(`no test: ${row}`);
    for (const [, title = '', file = ''] of tests) {
      const source = await readFile(join(root, 'docs/operations', file), 'utf8');
      const titles = [...source.matchAll(/^ *(?:it|\]\)|\] as const\))(?:\.\w+)*\(\n? *(['"`])(.*?)\1,/gm)].map(
        ([, , text]) => text,
      );
      const cases = [...source.matchAll(/^ +\['(.*?)', /gm)].map(([, text]) => text);
      if (![...titles, ...cases].some((text) => text?.includes(title))) wrong.push(`${file}: ${title}`);
    }
  }
  expect(wrong).toEqual([]);
});
