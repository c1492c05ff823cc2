import { isAbsolute, join } from 'node:path';
import type { Io } from './io.ts';

/** The absolute path of a path as a person wrote it. Not normalised: the system resolves `..` after symbolic links. */
export function resolvePath(io: Pick<Io, 'workingFolder'>, path: string): string {
  return isAbsolute(path) ? path : join(io.workingFolder, path);
}

/** The home folder as Kubernetes tools find it; undefined when there is none. */
export function homeFolder(env: Io['env']): string | undefined {
  const home = env['HOME'] || env['USERPROFILE'];
  return home === undefined || home === '' ? undefined : home;
}
