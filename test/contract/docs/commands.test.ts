import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { goToolsBlocker } from '../../apiserver/real/build.ts';
import { type Block, markdownFiles, type Page, parsePage, root } from './markdown.ts';
import { hasCommands, runPage, wordOf } from './run-page.ts';

const missing = goToolsBlocker(['kubectl', 'helm']);
const skipped = missing !== undefined && !process.env['CI'];
if (skipped) console.warn(`The commands of the documentation are not run: ${missing}`);

const pages = new Map<string, Page>();
for (const path of await markdownFiles()) pages.set(path, parsePage(await readFile(join(root, path), 'utf8')));

describe.skipIf(skipped).concurrent('the commands of', () => {
  for (const [path, page] of pages) {
    if (!page.blocks.some(hasCommands)) continue;
    it(path, { timeout: 300_000 }, async () => {
      expect((await runPage(path, page)).failure).toBeUndefined();
    });
  }
});

describe.skipIf(skipped).concurrent('a page', () => {
  const run = (markdown: string) => runPage('page.md', parsePage(`<!-- clusters: none -->\n${markdown}`));

  it('whose command fails is told with file, line and what was printed', async () => {
    const { failure } = await run('```sh\ncd ..\n```\n\n```sh\necho seen\nfalse\n```\n');
    expect(failure).toMatch(/^page\.md:6: the commands ended with 1:\nseen\n/);
  });

  it('whose command prints something else than is shown is told with the line that is missing', async () => {
    const block = (shown: string) => run(`\`\`\`sh\necho one two three\n\`\`\`\n\n\`\`\`text\n${shown}\n\`\`\`\n`);
    expect((await block('one ... three')).failure).toBeUndefined();
    expect((await block('one ... four')).failure).toMatch(/^page\.md:6: not printed: one \.\.\. four/);
  });

  it('whose command succeeds although it has to fail is told', async () => {
    expect((await run('<!-- fails: 4 -->\n\n```sh\n(exit 4)\n```\n')).failure).toBeUndefined();
    expect((await run('<!-- fails: 4 -->\n\n```sh\ntrue\n```\n')).failure).toMatch(/^page\.md:4: /);
  });

  it('has one shell: what a block sets is there in the next, hidden commands included', async () => {
    const pages = [
      '```sh\nX=1\n```\n<!-- before: Y=2 -->\n<!-- after: not [ $Y = 3 ] -->\n```sh\n[ $X$Y = 12 ]\n```\n',
    ];
    expect((await run(pages.join('\n'))).failure).toBeUndefined();
    expect((await run('<!-- after: not true -->\n```sh\ntrue\n```\n')).failure).toMatch(/^page\.md:3: /);
  });
});

describe('the blocks of the documentation', () => {
  const blocks = [...pages].flatMap(([path, page]) =>
    page.blocks.map((block) => ({ ...block, where: `${path}:${block.line}` })),
  );

  it('say in which language they are', () => {
    expect(blocks.filter(({ language }) => language === '').map(({ where }) => where)).toEqual([]);
  });

  it('are commands that run, or name what they need that tests do not have', () => {
    const languages = ['sh', 'yaml', 'json', 'text', 'ts', 'go'];
    expect(blocks.filter(({ language }) => !languages.includes(language)).map(({ where }) => where)).toEqual([]);
    const reasons = blocks.map((block) => wordOf(block, 'not run')).filter((reason) => reason !== undefined);
    expect(reasons.filter((reason) => !/^needs /.test(reason))).toEqual([]);
  });

  it('have words for the test only where they are obeyed', () => {
    const obeyed = (block: Block) => [
      ...(hasCommands(block) ? ['before', 'after', 'fails'] : []),
      ...(block.language === 'sh' ? ['not run'] : []),
      ...(block.language === 'text' ? ['shown by'] : []),
      'file',
      'clusters',
    ];
    for (const block of blocks) {
      const words = block.comments.flatMap((comment) => /^([a-z ]+):/.exec(comment)?.[1] ?? []);
      for (const comment of block.comments) expect(comment, block.where).not.toMatch(/^(\w+: *)?! /m);
      expect(obeyed(block), block.where).toEqual(expect.arrayContaining(words));
    }
  });

  it('are YAML where they say so', () => {
    for (const { language, text, where } of blocks) {
      if (language !== 'yaml') continue;
      for (const document of parseAllDocuments(text)) expect(document.errors, where).toEqual([]);
    }
  });

  it('show the files of the repository as they are', async () => {
    let shown = 0;
    for (const block of blocks) {
      const file = wordOf(block, 'file');
      if (file === undefined) continue;
      shown++;
      expect(block.text, `${block.where}: ${file}`).toBe(await readFile(join(root, file), 'utf8'));
    }
    expect(shown).toBeGreaterThan(3);
  });
});
