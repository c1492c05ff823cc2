/** Asks Go: builds the program beside this file once and sends it requests in bulk. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

export type OracleOperation = 'toJSON' | 'typed' | 'toYAML' | 'string' | 'float' | 'json';
export interface OracleRequest {
  readonly op: OracleOperation;
  readonly input: string | Uint8Array;
}
export type OracleAnswer = { readonly output: string } | { readonly error: string };

const folder = import.meta.dirname;
const binary = path.join(folder, '..', '..', 'node_modules', '.cache', 'yaml-oracle', 'yaml-oracle');

/** Undefined if there is no Go on this machine; throws if the program does not build. */
export function buildOracle(): string | undefined {
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  mkdirSync(path.dirname(binary), { recursive: true });
  const build = spawnSync('go', ['build', '-o', binary, '.'], { cwd: folder, encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`go build in test/yaml failed:\n${build.stderr}`);
  return binary;
}

/** One answer per request, in order. */
export async function askOracle(program: string, requests: readonly OracleRequest[]): Promise<OracleAnswer[]> {
  const child = spawn(program, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = new Promise((resolve, reject) => {
    child.on('close', resolve);
    child.on('error', reject);
  });
  for (const { op, input } of requests) {
    child.stdin.write(`${JSON.stringify({ op, in: Buffer.from(input).toString('base64') })}\n`);
  }
  child.stdin.end();
  await closed;
  const lines = Buffer.concat(chunks).toString('utf8').trim().split('\n');
  if (lines.length !== requests.length)
    throw new Error(`the oracle answered ${lines.length} of ${requests.length} requests`);
  return lines.map((line) => {
    const { out, error } = JSON.parse(line) as { out: string | null; error?: string };
    return error === undefined ? { output: Buffer.from(out ?? '', 'base64').toString('utf8') } : { error };
  });
}
