import {
  assertDecryptable,
  isSealedSecretsError,
  readObject,
  readSealedSecret,
  type SealedSecret,
  secretDocument,
  type TemplateRenderer,
  type UnsealingKey,
  unsealSecret,
} from '@waxwing/shared';
import { createTemplateEffects, createTemplateRenderer } from '@waxwing/shared/rendering';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadKeyRings, loadVectors } from './load.ts';
import { unsealWaivers } from './waivers.ts';

type ErrorClass =
  | 'decrypt'
  | 'base64'
  | 'template-parse'
  | 'template-exec'
  | 'several'
  | 'v1-deprecated'
  | 'v1-conflict'
  | 'v1-decode'
  | 'decode';

interface Failure {
  class: ErrorClass;
  items?: { class: ErrorClass; names: string[]; message: string }[];
  message?: string;
}

interface Case {
  name: string;
  keys: string[];
  manifest: string;
  acceptV1?: boolean;
  secret?: Record<string, unknown>;
  error?: Failure;
  verify?: 'ok' | 'refused' | 'unreadable';
}

let ring: (ids: readonly string[]) => UnsealingKey[];
let render: TemplateRenderer;
beforeAll(async () => {
  ring = await loadKeyRings();
  render = createTemplateRenderer(await createTemplateEffects({ withCostlyFunctions: true }));
});

/** The object as the Kubernetes decoder takes it; kind and apiVersion may be missing, as offline recovery accepts them. */
function decode(manifest: string): SealedSecret {
  return readSealedSecret(readObject(manifest).value, { keepType: true });
}

/** A recorded Secret and ours, made comparable: `null` and `""` are both the empty value, no data equals empty data. */
function comparable(secret: Record<string, unknown>): Record<string, unknown> {
  const { data, ...rest } = secret as { data?: Record<string, string | null> };
  const values = Object.entries(data ?? {}).map(([key, value]) => [key, value ?? ''] as const);
  return { ...rest, data: new Map(values.sort(([a], [b]) => (a < b ? -1 : 1))) };
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(Array.from(value, ([key, entry]) => [key, plain(entry)]));
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' ? Number(value) : value;
}

/** Which codes of ours say what upstream's class says. */
const codesOf: Readonly<Record<Exclude<ErrorClass, 'several'>, readonly string[]>> = {
  decrypt: ['UnknownKey', 'SealedForOtherName', 'ScopeAnnotationMissing', 'ScopeMismatch', 'MalformedItem'],
  base64: ['MalformedItem'],
  'template-parse': ['TemplateError'],
  'template-exec': ['TemplateError'],
  'v1-deprecated': ['DeprecatedFormat'],
  'v1-conflict': ['InvalidObject'],
  'v1-decode': ['InvalidObject'],
  decode: ['InvalidObject', 'InvalidDocument', 'EmptyInput', 'InvalidEncoding'],
};

describe('objects/unseal.json', () => {
  test.each(loadVectors<Case>('objects/unseal.json'))('$name', async (vector) => {
    const options = { keys: ring(vector.keys), render, acceptV1: vector.acceptV1 ?? false };
    const outcome = await (async () => unsealSecret(decode(vector.manifest), options))().catch(
      (error: unknown) => error,
    );
    const waiver = unsealWaivers[vector.name];
    if (waiver !== undefined) {
      expect(outcome).toMatchObject({ code: waiver.code });
      return;
    }
    if (vector.secret !== undefined) {
      if (outcome instanceof Error) throw outcome;
      const { secret } = outcome as Awaited<ReturnType<typeof unsealSecret>>;
      expect(comparable(plain(secretDocument(secret)) as Record<string, unknown>)).toEqual(comparable(vector.secret));
      return;
    }
    if (!isSealedSecretsError(outcome)) throw outcome instanceof Error ? outcome : new Error('it was unsealed');
    const failure = vector.error as Failure;
    const classes = failure.class === 'several' ? (failure.items ?? []).map((item) => item.class) : [failure.class];
    expect(classes.flatMap((name) => (name === 'several' ? [] : codesOf[name]))).toContain(outcome.code);
    const failedItems = new Set(outcome.violations.map(({ path }) => path));
    for (const { names } of failure.items ?? []) {
      for (const name of names) expect(failedItems).toContain(`spec.encryptedData[${JSON.stringify(name)}]`);
    }
  });

  test.each(loadVectors<Case>('objects/unseal.json').filter(({ verify }) => verify !== undefined))(
    '$name: what a check of the items alone says',
    async (vector) => {
      const options = { keys: ring(vector.keys), acceptV1: vector.acceptV1 ?? false };
      let answer = 'ok';
      let sealedSecret: SealedSecret | undefined;
      try {
        sealedSecret = decode(vector.manifest);
      } catch (error) {
        if (!isSealedSecretsError(error)) throw error;
        answer = 'unreadable';
      }
      if (sealedSecret !== undefined) {
        await assertDecryptable(sealedSecret, options).catch((error: unknown) => {
          if (!isSealedSecretsError(error)) throw error;
          answer = 'refused';
        });
      }
      expect(answer).toBe(unsealWaivers[vector.name] === undefined ? vector.verify : 'unreadable');
    },
  );
});
