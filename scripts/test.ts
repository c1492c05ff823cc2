import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Reporter, TestModule } from 'vitest/node';
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
}

/**
 * Most tests wait more than they compute: for processes to start, for an API server, for a controller to look again. With two files per core leases
 * run out for want of CPU.
 */
const filesPerCore = 1.5;

/** Runs these projects of `vitest.config.ts`, so many files side by side, and counts for each of them. */
async function runProjects(projects: readonly string[], maxWorkers: number): Promise<SuiteResult[]> {
  const results = new Map<string, SuiteResult>(
    projects.map((name) => [name, { name, passed: 0, failed: 0, skipped: 0 }]),
  );
  let outside = 0;
  const counter: Reporter = {
    onTestRunEnd(modules, unhandledErrors, reason) {
      for (const module of modules) addModule(results, module);
      const failed = [...results.values()].reduce((sum, result) => sum + result.failed, 0);
      outside = unhandledErrors.length + (reason !== 'passed' && failed + unhandledErrors.length === 0 ? 1 : 0);
    },
  };
  // Loaded here, because it decides about colours when it is loaded.
  const { startVitest } = await import('vitest/node');
  const vitest = await startVitest([], {
    run: true,
    root,
    project: [...projects],
    reporters: ['default', counter],
    // The long ones tell what they counted, which belongs to their result.
    silent: projects.includes('long') ? false : 'passed-only',
    maxWorkers,
  });
  await vitest.close();
  if (outside === 0) return [...results.values()];
  return [...results.values(), { name: 'outside of tests', passed: 0, failed: outside, skipped: 0 }];
}

/** A file that broke off outside of its tests counts as one failure more than they say. */
function addModule(results: Map<string, SuiteResult>, module: TestModule): void {
  const { name } = module.project;
  const before = results.get(name) ?? { name, passed: 0, failed: 0, skipped: 0 };
  const states = Array.from(module.children.allTests(), (test) => test.result().state);
  const count = (state: string) => states.filter((other) => other === state).length;
  const failed = count('failed');
  results.set(name, {
    name,
    passed: before.passed + count('passed'),
    failed: before.failed + (failed === 0 && !module.ok() ? 1 : failed),
    skipped: before.skipped + count('skipped') + count('pending'),
  });
}

/** What must hold between the suites: nothing skipped in CI, and both API servers saw the same tests. */
function findOmissions(results: readonly SuiteResult[], inCi: boolean): string[] {
  const omissions: string[] = [];
  for (const { name, skipped } of results) {
    if (skipped > 0 && inCi) omissions.push(`${skipped} tests of "${name}" were skipped`);
  }
  const perServer = results.filter(({ name }) => name === 'embedded' || name === 'real');
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
  // A log file is read by people, too.
  if (!process.stdout.isTTY) process.env['NO_COLOR'] = '1';
  const blocker = goToolsBlocker();
  if (blocker !== undefined && inCi) throw new Error(blocker);
  // The Go builds take minutes on a fresh machine; the checks need none of them and run meanwhile.
  const tools = blocker === undefined ? buildGoTools() : Promise.resolve();
  tools.catch(() => {});
  const started = performance.now();
  await buildBundles();
  console.log('== checks');
  const checks = { name: 'checks', skipped: 0, ...(await runChecks()) };
  // Contracts among the unit tests run helm, kubectl and promtool.
  await tools;
  console.log(`\n== tests${blocker === undefined ? '' : `, without the real API server: ${blocker}`}`);
  const projects = ['unit', 'embedded', ...(blocker === undefined ? ['real'] : [])];
  const results = [checks, ...(await runProjects(projects, Math.round(availableParallelism() * filesPerCore)))];
  // One after the other: what is measured must not share the machine.
  if (values.long) results.push(...(await runProjects(['long'], 1)));
  report(results, findOmissions(results, inCi), (performance.now() - started) / 1000);
}

function report(results: readonly SuiteResult[], omissions: readonly string[], seconds: number): void {
  console.log('');
  for (const { name, passed, failed, skipped } of results) {
    console.log(`${name.padEnd(24)} ${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
  console.log(`${'took'.padEnd(24)} ${Math.round(seconds)} s`);
  for (const omission of omissions) console.log(`FAILED: ${omission}`);
  const total = (pick: (result: SuiteResult) => number) => results.reduce((sum, result) => sum + pick(result), 0);
  const failed = total((result) => result.failed) + omissions.length;
  const skipped = total((result) => result.skipped);
  console.log(
    `${total((result) => result.passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  process.exit(failed === 0 ? 0 : 1);
}

await main();
