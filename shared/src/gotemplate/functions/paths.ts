import { alias, define, param, type TemplateFunction } from './definition.ts';

/** Slash-separated paths (Go's `path`); the `os` functions are the same on the systems a controller runs on. */

/** The shortest path that means the same, without looking at any file system. */
function cleanPath(path: string): string {
  const isRooted = path.startsWith('/');
  const kept: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (!isRooted) kept.push('..');
  }
  return (isRooted ? '/' : '') + kept.join('/') || '.';
}

function baseOf(path: string): string {
  if (path === '') return '.';
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end--;
  if (end === 0) return '/';
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}

function extensionOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  return dot < 0 ? '' : name.slice(dot);
}

const base = define('base', [param.string], (_, path) => baseOf(path));
const dir = define('dir', [param.string], (_, path) => cleanPath(path.slice(0, path.lastIndexOf('/') + 1)));
const clean = define('clean', [param.string], (_, path) => cleanPath(path));
const ext = define('ext', [param.string], (_, path) => extensionOf(path));
const isAbs = define('isAbs', [param.string], (_, path) => path.startsWith('/'));

export const pathFunctions: readonly TemplateFunction[] = [
  base,
  dir,
  clean,
  ext,
  isAbs,
  alias('osBase', base),
  alias('osDir', dir),
  alias('osClean', clean),
  alias('osExt', ext),
  alias('osIsAbs', isAbs),
];
