import { join } from 'node:path';
import type { Io } from './io.ts';
import { resolvePath } from './paths.ts';

const manifestName = /\.(ya?ml|json)$/;

/**
 * The files a path stands for: itself, or all manifests below it, sorted. Hidden files and folders (`.git`) and `node_modules` are left out;
 * symbolic links to folders are not followed, so there is no circle.
 */
export function findManifests(io: Io, path: string): string[] {
  const stats = io.files.statSync(resolvePath(io, path), { throwIfNoEntry: false });
  if (stats === undefined || !stats.isDirectory()) return [path];
  const found: string[] = [];
  const entries = io.files.readdirSync(resolvePath(io, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    const inside = join(path, entry.name);
    if (entry.isDirectory()) found.push(...findManifests(io, inside));
    else if (manifestName.test(entry.name)) found.push(inside);
  }
  return found;
}
