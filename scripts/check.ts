import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

interface Check {
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
}

/** Everything that is checked without running the code; `pnpm check` runs just these. */
const checks: readonly Check[] = [
  { name: 'format, lint, import directions', script: '@biomejs/biome/bin/biome', args: ['ci', '.'] },
  { name: 'types', script: 'typescript/bin/tsc', args: ['-b'] },
  { name: 'unused files, exports, dependencies', script: 'knip/bin/knip.js', args: [] },
];

function run(check: Check): Promise<{ check: Check; output: string; passed: boolean }> {
  const child = spawn(process.execPath, [join(root, 'node_modules', check.script), ...check.args], { cwd: root });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ check, output, passed: code === 0 }));
  });
}

/** Runs all checks at once; prints one line each and the output of what failed. */
export async function runChecks(): Promise<{ passed: number; failed: number }> {
  const results = await Promise.all(checks.map(run));
  for (const { check, output, passed } of results) {
    console.log(`${passed ? 'ok    ' : 'FAILED'} ${check.name}`);
    if (!passed) console.log(output.trimEnd());
  }
  const failed = results.filter((result) => !result.passed).length;
  return { passed: results.length - failed, failed };
}

if (import.meta.main) {
  const { failed } = await runChecks();
  process.exitCode = failed === 0 ? 0 : 1;
}
