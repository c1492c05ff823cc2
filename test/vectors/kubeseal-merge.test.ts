import { readDocuments, type TemplateRenderer, type UnsealingKey } from '@waxwing/shared';
import { createTemplateEffects, createTemplateRenderer } from '@waxwing/shared/rendering';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeyRings, loadVectors } from './load.ts';
import { type CommandCase, comparableSecret, runCommandCase, unsealAll, withoutCiphertexts } from './run-kubeseal.ts';
import { kubesealWaiver } from './waivers.ts';

interface MergeCase extends CommandCase {
  readonly target: string;
  readonly after: string;
  readonly keys: readonly string[];
  readonly unsealed: unknown;
  readonly files: Readonly<Record<string, { readonly text: string }>>;
}

let ring: (ids: readonly string[]) => UnsealingKey[];
let render: TemplateRenderer;
beforeAll(async () => {
  render = createTemplateRenderer(await createTemplateEffects({ withCostlyFunctions: false }));
  ring = await loadKeyRings();
});

async function unseal(text: string, row: MergeCase): Promise<unknown> {
  return (await unsealAll(text, ring(row.keys), render))[0];
}

const cases = loadVectors<MergeCase>('objects/merge.json');

describe('kubeseal --merge-into', () => {
  test.for(cases)('$name', async (row) => {
    const outcome = await runCommandCase(row);
    expect({ ...outcome, filesAfter: Object.keys(outcome.filesAfter) }).toEqual({
      exit: 0,
      stdout: '',
      stderr: '',
      filesAfter: [row.target],
      removed: [],
    });
    const after = outcome.filesAfter[row.target] ?? '';
    if (kubesealWaiver(row.name) === undefined) expect(withoutCiphertexts(after)).toBe(withoutCiphertexts(row.after));
    else expect(valuesOf(withoutCiphertexts(after))).toEqual(valuesOf(withoutCiphertexts(row.after)));
  });

  test.for(cases)('leaves the untouched items of $name alone, and everything opens', async (row) => {
    const before = row.files[row.target]?.text ?? '';
    const after = (await runCommandCase(row)).filesAfter[row.target] ?? '';
    const changed = [...itemsOf(after)].filter(([item, ciphertext]) => itemsOf(before).get(item) !== ciphertext);
    const wanted = [...itemsOf(row.after)].filter(([item, ciphertext]) => itemsOf(before).get(item) !== ciphertext);
    expect(changed.map(([item]) => item).sort()).toEqual(wanted.map(([item]) => item).sort());
    expect(comparableSecret(await unseal(after, row))).toEqual(comparableSecret(row.unsealed));
    expect(comparableSecret(await unseal(row.after, row))).toEqual(comparableSecret(row.unsealed));
  });

  test.for(cases.filter(({ name }) => kubesealWaiver(name) !== undefined))('keeps the format of $name', async (row) => {
    const before = row.files[row.target]?.text ?? '';
    const after = (await runCommandCase(row)).filesAfter[row.target] ?? '';
    expect(after.replace(/,?\n +"?added"?: .*/, '')).toBe(before);
    expect(after).not.toBe(before);
  });
});

function valuesOf(text: string): unknown[] {
  return Array.from(readDocuments(text), ({ value }) => value);
}

function itemsOf(text: string): Map<string, unknown> {
  const [document] = readDocuments(text);
  const spec = document?.value instanceof Map ? document.value.get('spec') : undefined;
  const items = spec instanceof Map ? spec.get('encryptedData') : undefined;
  return new Map(items instanceof Map ? items : []);
}
