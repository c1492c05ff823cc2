import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

const limitBytes = 1024 * 1024 * 1024;

/** A tar.gz by GNU tar and gzip of names in a folder, without anything that depends on the machine: the same content gives the same bytes. */
export function writeArchive(file: string, folder: string, names: readonly string[], sourceDateEpoch: number): void {
  const tar = execFileSync(
    'tar',
    [
      ...['--create', '--format=ustar', '--sort=name', `--mtime=@${sourceDateEpoch}`, '--owner=0', '--group=0'],
      ...['--numeric-owner', '--mode=u+rw,go+r,go-w', '--directory', folder, ...names],
    ],
    { maxBuffer: limitBytes },
  );
  writeFileSync(file, execFileSync('gzip', ['--no-name', '--best'], { input: tar, maxBuffer: limitBytes }));
}
