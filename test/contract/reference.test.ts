import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('docs/reference says what --help of every program and the table of reasons say', async () => {
  // Rejects with what the script says on standard error.
  await promisify(execFile)(process.execPath, [join(root, 'scripts/reference.ts'), '--check']);
});
