import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ApiServerKind } from '../test/apiserver/harness.ts';
import { goTool, goTools, goToolsBlocker } from '../test/apiserver/real/build.ts';
import { runChecks } from './check.ts';

const root = join(import.meta.dirname, '..');

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface SuiteResult extends Counts {
  readonly name: string;
  readonly seconds: number;
}

/** What vitest's JSON reporter writes, as far as it is read here. */
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
}

async function runSuite(
  name: string,
  project: string,
  reportFolder: string,
  kind?: ApiServerKind,
): Promise<SuiteResult> {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const reportFile = join(reportFolder, `${name.replaceAll(/\W+/g, '-')}.json`);
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--silent=passed-only',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
  ];
  const environment = {
    ...process.env,
    ...(kind === undefined ? {} : { WAXWING_API_SERVER: kind }),
    // A log file is read by people, too.
    ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
  };
  const code = await new Promise<number>((resolve) => {
    spawn(process.execPath, args, { cwd: root, stdio: 'inherit', env: environment }).on('close', (status) =>
      resolve(status ?? 1),
    );
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  return { name, seconds, ...(await readCounts(reportFile, code)) };
}

/** A run that broke off, or failed outside of a test, counts as one failure more than its tests say. */
async function readCounts(reportFile: string, code: number): Promise<Counts> {
  let report: VitestReport | undefined;
  try {
    report = JSON.parse(await readFile(reportFile, 'utf8')) as VitestReport;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const failed = report.numFailedTests + (code !== 0 && report.numFailedTests === 0 ? 1 : 0);
  return { passed: report.numPassedTests, failed, skipped: report.numPendingTests + report.numTodoTests };
}

/** What must hold between the suites: nothing skipped in CI, and both API servers saw the same tests. */
function findOmissions(results: readonly SuiteResult[], inCi: boolean): string[] {
  const omissions: string[] = [];
  for (const { name, skipped } of results) {
    if (skipped > 0 && inCi) omissions.push(`${skipped} tests of "${name}" were skipped`);
  }
  const perServer = results.filter(({ name }) => name.startsWith('integration'));
  const counts = new Set(perServer.map(({ passed, failed, skipped }) => passed + failed + skipped));
  if (counts.size > 1) {
    omissions.push(
      `the API servers saw different tests: ${perServer.map((r) => `${r.name} ${r.passed + r.failed}`).join(', ')}`,
    );
  }
  return omissions;
}

/** The scenarios run what people run. */
async function buildBundles(): Promise<void> {
  const child = spawn(process.execPath, [join(root, 'scripts/build.ts')], { cwd: root, stdio: 'inherit' });
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error('the bundles cannot be built');
}

/** One after the other: each build uses all cores. */
async function buildGoTools(): Promise<void> {
  for (const tool of goTools) await goTool(tool);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { long: { type: 'boolean', default: false } } });
  const inCi = process.env['CI'] === 'true';
  if (values.long) for (const name of ['WAXWING_TEMPLATE_SEED', 'WAXWING_YAML_SEED']) process.env[name] ??= 'random';
  const blocker = goToolsBlocker();
  if (blocker !== undefined && inCi) throw new Error(blocker);
  // The Go builds take minutes on a fresh machine; the checks need none of them and run meanwhile.
  const tools = blocker === undefined ? buildGoTools() : Promise.resolve();
  tools.catch(() => {});
  const reportFolder = await mkdtemp(join(tmpdir(), 'waxwing-test-'));
  const results: SuiteResult[] = [];
  try {
    await buildBundles();
    const started = performance.now();
    console.log('== checks');
    const checks = await runChecks();
    results.push({ name: 'checks', skipped: 0, seconds: Math.round((performance.now() - started) / 1000), ...checks });
    // Contracts among the unit tests run helm, kubectl and promtool.
    await tools;
    results.push(await runSuite('unit', 'unit', reportFolder));
    if (values.long) {
      results.push(await runSuite('long', 'long', reportFolder));
    }
    results.push(await runSuite('integration, embedded API server', 'integration', reportFolder, 'embedded'));
    if (blocker === undefined) {
      results.push(await runSuite('integration, real API server', 'integration', reportFolder, 'real'));
    } else {
      console.log(`\nThe real API server is skipped: ${blocker}`);
    }
  } finally {
    await rm(reportFolder, { recursive: true, force: true });
  }
  report(results, findOmissions(results, inCi));
}

function report(results: readonly SuiteResult[], omissions: readonly string[]): void {
  console.log('');
  for (const { name, passed, failed, skipped, seconds } of results) {
    console.log(`${name.padEnd(36)} ${passed} passed, ${failed} failed, ${skipped} skipped, ${seconds} s`);
  }
  for (const omission of omissions) console.log(`FAILED: ${omission}`);
  const total = (pick: (result: SuiteResult) => number) => results.reduce((sum, result) => sum + pick(result), 0);
  const failed = total((result) => result.failed) + omissions.length;
  const skipped = total((result) => result.skipped);
  console.log(
    `${total((result) => result.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  process.exitCode = failed === 0 ? 0 : 1;
}

await main();
