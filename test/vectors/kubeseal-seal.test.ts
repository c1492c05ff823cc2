import type { UnsealingKey } from '@waxwing/shared';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeyRings, loadVectors } from './load.ts';
import { type CommandCase, comparableSecret, runCommandCase, unsealAll, withoutCiphertexts } from './run-kubeseal.ts';
import { kubesealWaiver } from './waivers.ts';

interface SealCase extends CommandCase {
  readonly key: string;
  readonly stdout?: string;
  readonly filesAfter?: Readonly<Record<string, string>>;
  readonly unsealed: readonly unknown[];
}

let ring: (ids: readonly string[]) => UnsealingKey[];
beforeAll(async () => {
  ring = await loadKeyRings();
});

function resultOf(outcome: { stdout?: string; filesAfter?: Readonly<Record<string, string>> }): string {
  return outcome.stdout || (Object.values(outcome.filesAfter ?? {})[0] ?? '');
}

function noTemplates(): never {
  throw new Error('sealing makes no templates');
}

/** Upstream carries them on; nothing of ours reads them (FIX 17). */
function withoutManagedFields(secret: unknown): unknown {
  const { metadata, ...rest } = secret as { metadata: { managedFields?: unknown } };
  const { managedFields, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

const cases = loadVectors<SealCase>('objects/seal.json');
const waived = cases.filter(({ name }) => kubesealWaiver(name) !== undefined);

describe('kubeseal seals', () => {
  test.for(cases.filter((row) => !waived.includes(row)))('$name', async (row) => {
    const outcome = await runCommandCase(row);
    expect({ exit: outcome.exit, stderr: outcome.stderr }).toEqual({ exit: 0, stderr: '' });
    expect(outcome.stdout === '').toBe((row.stdout ?? '') === '');
    expect(Object.keys(outcome.filesAfter)).toEqual(Object.keys(row.filesAfter ?? {}));
    expect(withoutCiphertexts(resultOf(outcome))).toBe(withoutCiphertexts(resultOf(row)));
    const wanted = row.unsealed.map(comparableSecret);
    expect(await unsealAll(resultOf(outcome), ring([row.key]), noTemplates)).toEqual(wanted);
  });

  test.for(cases)("opens upstream's result of $name", async (row) => {
    const wanted = row.unsealed.map(comparableSecret).map(withoutManagedFields);
    expect(await unsealAll(resultOf(row), ring([row.key]), noTemplates)).toEqual(wanted);
  });
});

describe('kubeseal differs on purpose', () => {
  test.for(waived.filter(({ name }) => name.startsWith('managed-fields-kept')))('$name', async (row) => {
    const { exit, stdout, stderr } = await runCommandCase(row);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    const { managedFields, ...metadata } = JSON.parse(row.stdout ?? '').spec.template.metadata;
    expect(managedFields).toBeDefined();
    expect(JSON.parse(stdout).spec.template.metadata).toEqual(metadata);
  });

  test.for(waived.filter(({ name }) => !name.startsWith('managed-fields-kept')))('$name', async (row) => {
    const waiver = kubesealWaiver(row.name);
    const { exit, stdout, stderr, filesAfter } = await runCommandCase(row);
    expect({ exit, stdout, filesAfter }).toEqual({ exit: waiver?.exit, stdout: waiver?.stdout, filesAfter: {} });
    expect(stderr).toMatch(waiver?.stderr ?? /never/);
  });
});
