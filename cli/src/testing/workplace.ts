import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificate } from '@waxwing/shared';
import { seededRandomBytes, testKey } from '@waxwing/shared/testing';
import { runWaxwing } from '../program.ts';
import { createTestIo, type TestIoOptions } from './test-io.ts';

/** What a run of `waxwing` came to. */
export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A temporary folder in which `waxwing` is run without a process of its own. */
export interface Workplace {
  readonly folder: string;
  at(name: string): string;
  write(name: string, content: string | Uint8Array, mode?: number): void;
  read(name: string): string;
  /** Names in the folder, sorted. */
  files(): string[];
  run(argv: readonly string[], options?: Partial<TestIoOptions>): Promise<Outcome>;
  dispose(): void;
}

const dayMs = 24 * 3600 * 1000;

export function createWorkplace(): Workplace {
  const folder = fs.mkdtempSync(join(tmpdir(), 'waxwing-cli-'));
  const at = (name: string) => join(folder, name);
  return {
    folder,
    at,
    write: (name, content, mode = 0o644) => fs.writeFileSync(at(name), content, { mode }),
    read: (name) => fs.readFileSync(at(name), 'utf8'),
    files: () => fs.readdirSync(folder).sort(),
    async run(argv, options = {}) {
      const io = createTestIo({ workingFolder: folder, env: { TMPDIR: folder }, ...options });
      const exit = await runWaxwing(argv, io);
      return { exit, stdout: io.written.stdout, stderr: io.written.stderr };
    },
    dispose: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

/** A certificate of the key of the tests, valid for a year from now or expired years ago. */
export async function testCertificate(state: 'valid' | 'expired' = 'valid'): Promise<string> {
  const { privateKey, publicKey } = testKey();
  const notBefore = state === 'valid' ? new Date(Date.now() - dayMs) : new Date(Date.UTC(2020, 0, 1));
  const validForMs = state === 'valid' ? 365 * dayMs : dayMs;
  return await issueCertificate({
    privateKey,
    publicKey,
    commonName: '',
    notBefore,
    validForMs,
    randomBytes: seededRandomBytes(1),
  });
}
