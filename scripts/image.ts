import { chmod, copyFile, lutimes, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');

/** What goes into the image, and where it is laid out. */
interface ImageParts {
  /** Folder that becomes the root of the image; it may hold what the program is linked with. */
  readonly out: string;
  /** Folder with the controller's bundle. */
  readonly bundle: string;
  /** Node executable of the image's architecture. */
  readonly node: string;
  /** Further files for /usr/local/share/waxwing: licence, bill of materials. */
  readonly documents: readonly string[];
  /** Path of the root as the running program sees it; `/` in an image, the folder itself where it is run in place. */
  readonly seenAs: string;
  /** Time of every file, in seconds since the epoch, so that two builds give the same layers. */
  readonly sourceDateEpoch: number;
}

/**
 * Lays out the image: `controller` and `node` in /usr/local/bin, the bundle in /usr/local/lib/waxwing. `controller` is the bundle's entry
 * with a line that names the interpreter, since there is no shell to start it with. That line has no `--disable-sigusr1`: it would
 * also keep the signal from the program, which renews its key on it and keeps the inspector shut by itself.
 */
async function layOutImage(parts: ImageParts): Promise<void> {
  const prefix = join(parts.out, 'usr/local');
  const binaries = join(prefix, 'bin');
  const program = join(prefix, 'lib/waxwing');
  const documents = join(prefix, 'share/waxwing');
  for (const folder of [binaries, program, documents]) await mkdir(folder, { recursive: true });
  for (const name of await readdir(parts.bundle)) await placeFile(join(parts.bundle, name), program, 0o644);
  const entry = join(program, 'controller.cjs');
  // One option is all such a line can carry; this one can only be set at the start (controller/DESIGN.md, Memory).
  const interpreter = `#!${join(parts.seenAs, 'usr/local/bin/node')} --max-semi-space-size=16\n`;
  await writeFile(entry, interpreter + (await readFile(entry, 'utf8')));
  await chmod(entry, 0o755);
  await symlink('../lib/waxwing/controller.cjs', join(binaries, 'controller'));
  await placeFile(parts.node, binaries, 0o755, 'node');
  for (const document of parts.documents) await placeFile(document, documents, 0o644);
  await setTimes(parts.out, parts.sourceDateEpoch);
}

async function placeFile(source: string, folder: string, mode: number, name = basename(source)): Promise<void> {
  await copyFile(source, join(folder, name));
  await chmod(join(folder, name), mode);
}

async function setTimes(folder: string, seconds: number): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await setTimes(path, seconds);
    else await lutimes(path, seconds, seconds);
  }
  await lutimes(folder, seconds, seconds);
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      bundle: { type: 'string', default: join(root, 'controller/dist') },
      node: { type: 'string', default: process.execPath },
      document: { type: 'string', multiple: true, default: [] },
      'seen-as': { type: 'string', default: '/' },
    },
  });
  if (values.out === undefined) throw new Error('--out is missing: the folder that becomes the root of the image.');
  await layOutImage({
    out: resolve(values.out),
    bundle: resolve(values.bundle),
    node: resolve(values.node),
    documents: values.document,
    seenAs: values['seen-as'],
    sourceDateEpoch: Number(process.env['SOURCE_DATE_EPOCH'] ?? 0),
  });
}
