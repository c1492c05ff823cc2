import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const root = join(import.meta.dirname, '../../..');

/** Every Markdown file that git knows or would know, by path below the repository. */
export async function markdownFiles(): Promise<string[]> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'];
  const { stdout } = await promisify(execFile)('git', args, { cwd: root });
  return stdout.split('\n').filter((path) => path !== '');
}

/** A fenced block. */
export interface Block {
  /** What stands behind the opening fence, such as `sh`. */
  readonly language: string;
  readonly text: string;
  /** Line of the opening fence, counted from 1. */
  readonly line: number;
  /** The HTML comments between the block before and this one, without their brackets. */
  readonly comments: readonly string[];
}

/** A Markdown file, as far as the tests look into it. */
export interface Page {
  readonly blocks: readonly Block[];
  /** The text without fenced blocks, code spans and comments: where links are. Lines stay in place. */
  readonly prose: string;
  /** Texts of the headings, in order. */
  readonly headings: readonly string[];
  /** Every HTML comment outside of fences. */
  readonly comments: readonly string[];
}

/** Reads fences (also indented ones, as in lists) and HTML comments that begin a line. */
export function parsePage(markdown: string): Page {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  const comments: string[] = [];
  const prose: string[] = [];
  const headings: string[] = [];
  let above: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const fence = /^(\s*)(`{3,})(\S*)\s*$/.exec(line);
    const isComment = line.trimStart().startsWith('<!--');
    if (fence === null && !isComment) {
      const heading = /^#+ (.+)$/.exec(line)?.[1];
      if (heading !== undefined) headings.push(heading);
      prose.push(line.replaceAll(/`[^`]*`/g, '``'));
      continue;
    }
    const start = i;
    const isEnd = (text: string) => (fence === null ? text.includes('-->') : text.trim() === fence[2]);
    if (fence !== null) i++;
    while (i < lines.length && !isEnd(lines[i] as string)) i++;
    prose.push(...lines.slice(start, i + 1).map(() => ''));
    if (fence === null) {
      const text = lines.slice(start, i + 1).join('\n');
      const comment = text.replace(/^\s*<!--/, '').replace(/-->\s*$/, '');
      comments.push(comment.trim());
      above.push(comment.trim());
      continue;
    }
    const indent = (fence[1] as string).length;
    const text = lines
      .slice(start + 1, i)
      .map((inner) => `${inner.slice(Math.min(indent, inner.length - inner.trimStart().length))}\n`)
      .join('');
    blocks.push({ language: fence[3] as string, text, line: start + 1, comments: above });
    above = [];
  }
  return { blocks, prose: prose.join('\n'), headings, comments };
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: Page): Set<string> {
  const anchors = new Set<string>();
  for (const title of page.headings) {
    const anchor = title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`;
    anchors.add(unique);
  }
  return anchors;
}

/** Targets of inline links, images and reference definitions. */
export function linksOf(page: Page): string[] {
  const inline = page.prose.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g);
  const definitions = page.prose.matchAll(/^\s*\[[^\]]+\]:\s+<?(\S+?)>?\s*$/gm);
  return [...inline, ...definitions].map(([, target = '']) => target);
}
