import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { runKubeseal } from '@waxwing/cli/kubeseal';
import { createTestIo } from '@waxwing/cli/testing';
import {
  formatJson,
  readDocuments,
  readSealedSecret,
  secretDocument,
  type TemplateRenderer,
  type UnsealingKey,
  unsealSecret,
} from '@waxwing/shared';
import { readVectorFile } from './load.ts';

/** A command line of the vectors; the README says what the fields mean. */
export interface CommandCase {
  readonly name: string;
  readonly argv: readonly string[] | null;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, VectorFile>>;
  readonly stdin?: string;
  readonly stdinBase64?: string;
}

type VectorFile = { readonly text: string } | { readonly base64: string } | { readonly copy: string };

export interface CommandOutcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Files that were made or changed, as text. */
  readonly filesAfter: Readonly<Record<string, string>>;
  /** Files that are gone. */
  readonly removed: readonly string[];
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: what stands in the vectors for the folder of a case
const folderPlaceholder = '${DIR}';

/** Runs a case in a folder of its own, without a process of its own. */
export async function runCommandCase(row: CommandCase): Promise<CommandOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'waxwing-vector-'));
  try {
    const insert = (text: string) => text.replaceAll(folderPlaceholder, folder);
    const extract = (text: string) => text.replaceAll(folder, folderPlaceholder);
    for (const [path, file] of Object.entries(row.files ?? {})) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), contentOf(file, insert));
    }
    const before = snapshot(folder);
    const env = Object.fromEntries(Object.entries(row.env ?? {}).map(([name, value]) => [name, insert(value)]));
    const io = createTestIo({
      workingFolder: folder,
      env: { HOME: join(folder, 'home'), TMPDIR: folder, TZ: 'UTC', ...env },
      stdin: row.stdinBase64 === undefined ? (row.stdin ?? '') : Buffer.from(row.stdinBase64, 'base64'),
    });
    const exit = await runKubeseal((row.argv ?? []).map(insert), io, 'v0.0.0-test');
    const after = snapshot(folder);
    const changed = [...after].filter(([path, content]) => before.get(path) !== content);
    return {
      exit,
      stdout: extract(io.written.stdout),
      stderr: extract(io.written.stderr),
      filesAfter: Object.fromEntries(changed.map(([path, content]) => [path, extract(content)])),
      removed: [...before.keys()].filter((path) => !after.has(path)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function contentOf(file: VectorFile, insert: (text: string) => string): string | Buffer {
  if ('text' in file) return insert(file.text);
  return 'base64' in file ? Buffer.from(file.base64, 'base64') : readVectorFile(file.copy);
}

function snapshot(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  return new Map(files.map((path) => [relative(folder, path), readFileSync(path, 'utf8')]));
}

/** Ciphertexts are random; their length is not. */
export function withoutCiphertexts(text: string): string {
  return text.replace(/\bA[A-Za-z][A-Za-z0-9+/]{200,}=*/g, (ciphertext) => `<ciphertext of ${ciphertext.length}>`);
}

/** Opens everything a text holds, in the shape of the vectors. */
export async function unsealAll(
  text: string,
  keys: readonly UnsealingKey[],
  render: TemplateRenderer,
): Promise<unknown[]> {
  const secrets: unknown[] = [];
  for (const { value } of readDocuments(text)) {
    const { secret } = await unsealSecret(readSealedSecret(value), { keys, render, acceptV1: false });
    secrets.push(comparableSecret(JSON.parse(formatJson(secretDocument(secret)))));
  }
  return secrets;
}

/** A Secret as the vectors write it: `null` and the empty text are one, and so are absent and empty data. */
export function comparableSecret(secret: unknown): unknown {
  const { data, ...rest } = secret as { data?: Record<string, string | null> };
  const entries = Object.entries(data ?? {}).map(([name, value]) => [name, value ?? '']);
  return { ...rest, data: Object.fromEntries(entries) };
}
