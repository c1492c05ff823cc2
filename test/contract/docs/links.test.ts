import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';
import { anchorsOf, linksOf, markdownFiles, type Page, parsePage, root } from './markdown.ts';

const pages = new Map<string, Page>();
for (const path of await markdownFiles()) pages.set(path, parsePage(await readFile(join(root, path), 'utf8')));

/** What is wrong with a link of a page; undefined for a good one, and for those that leave the repository. */
function problemOf(path: string, target: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target))
    return /^(https|mailto):/.test(target) ? undefined : 'neither https nor relative';
  const [file = '', anchor] = decodeURIComponent(target).split('#');
  const found = file === '' ? path : relative(root, join(root, dirname(path), file));
  if (found.startsWith('..')) return 'leads out of the repository';
  if (!existsSync(join(root, found))) return 'there is no such file';
  if (anchor === undefined) return undefined;
  const page = pages.get(found);
  if (page === undefined) return 'the file has no headings';
  return anchorsOf(page).has(anchor) ? undefined : 'there is no such heading';
}

it('every link in a Markdown file leads somewhere', () => {
  const links = [...pages].flatMap(([path, page]) => linksOf(page).map((target) => ({ path, target })));
  expect(links.length).toBeGreaterThan(100);
  const bad = links.flatMap(({ path, target }) => {
    const problem = problemOf(path, target);
    return problem === undefined ? [] : [`${path}: ${target}: ${problem}`];
  });
  expect(bad).toEqual([]);
});

it('every page of docs can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const path of reached) {
    for (const target of linksOf(pages.get(path) ?? parsePage(''))) {
      const [file = ''] = target.split('#');
      if (file === '' || /^[a-z]+:/i.test(file)) continue;
      const found = relative(root, join(root, dirname(path), file));
      if (pages.has(found)) reached.add(found);
    }
  }
  const wanted = [...pages.keys()].filter((path) => path.startsWith('docs/') && !path.startsWith('docs/examples/'));
  expect(wanted.filter((path) => !reached.has(path))).toEqual([]);
});

it('anchors are made as GitHub makes them', () => {
  const page = parsePage('# One, two & `three`\n## Same\n## Same\n```text\n# no heading\n```\n');
  expect([...anchorsOf(page)]).toEqual(['one-two--three', 'same', 'same-1']);
});
