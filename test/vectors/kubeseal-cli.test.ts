import { describe, expect, test } from 'vitest';
import { loadVectors } from './load.ts';
import { type CommandCase, type CommandOutcome, runCommandCase } from './run-kubeseal.ts';
import { kubesealWaiver, kubesealWaivers } from './waivers.ts';

interface CliCase extends CommandCase {
  readonly exit: number;
  readonly stdout?: string;
  readonly stdoutMatches?: string;
  readonly stderr?: string;
  readonly stderrMatches?: string;
  readonly filesAfter?: Readonly<Record<string, string>>;
  readonly filesAfterMatch?: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
}

const cases = loadVectors<CliCase>('cli/cli.json');
const waived = cases.filter(({ name }) => kubesealWaiver(name) !== undefined);

function assertText(actual: string, exact: string | undefined, expression: string | undefined): void {
  if (exact !== undefined) expect(actual).toBe(exact);
  if (expression !== undefined) expect(actual).toMatch(new RegExp(expression));
}

describe('kubeseal answers as upstream', () => {
  test.for(cases.filter((row) => !waived.includes(row)))('$name', async (row) => {
    const outcome = await runCommandCase(row);
    expect(outcome.exit, outcome.stderr).toBe(row.exit);
    assertText(outcome.stdout, row.stdout, row.stdoutMatches);
    // Texts of the operating system and of Go's library: only the sense is asked for.
    if (row.tags?.includes('os-text')) expect(outcome.stderr).toMatch(/^error: .+\n/);
    else assertText(outcome.stderr, row.stderr, row.stderrMatches);
    for (const [path, expression] of Object.entries(row.filesAfterMatch ?? {})) {
      expect(outcome.filesAfter[path]).toMatch(new RegExp(expression));
    }
    if (row.filesAfterMatch === undefined) expect(outcome.filesAfter).toEqual(row.filesAfter ?? {});
    expect(outcome.removed).toEqual([]);
  });
});

function assertWaived(row: CliCase, outcome: CommandOutcome): void {
  const waiver = kubesealWaiver(row.name);
  expect(outcome.exit, outcome.stderr).toBe(waiver?.exit ?? row.exit);
  if (waiver?.stdout === undefined) assertText(outcome.stdout, row.stdout, row.stdoutMatches);
  else if (outcome.exit === 0) expect(outcome.stdout).toContain(waiver.stdout);
  else expect(outcome.stdout).toBe(waiver.stdout);
  if (waiver?.stderr === undefined) assertText(outcome.stderr, row.stderr, row.stderrMatches);
  else expect(outcome.stderr).toMatch(waiver.stderr);
  expect(Object.keys(outcome.filesAfter)).toEqual(Object.keys(waiver?.filesAfter ?? {}));
  for (const [path, content] of Object.entries(waiver?.filesAfter ?? {})) {
    expect(outcome.filesAfter[path]).toMatch(content);
  }
  expect(outcome.removed).toEqual([]);
}

describe('kubeseal differs on purpose', () => {
  test.for(waived)('$name', async (row) => {
    assertWaived(row, await runCommandCase(row));
  });

  test('and only where a vector says otherwise', () => {
    const names = new Set(
      ['cli/cli.json', 'objects/seal.json', 'objects/raw.json', 'objects/merge.json'].flatMap((file) =>
        loadVectors<{ name: string }>(file).map(({ name }) => name.replace(/-\d+$/, '')),
      ),
    );
    expect(Object.keys(kubesealWaivers).filter((name) => !names.has(name))).toEqual([]);
  });
});
