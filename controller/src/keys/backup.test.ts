import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupWrittenAnnotation, issueCertificate, parseKeySecret, SealedSecretsError } from '@waxwing/shared';
import { decryptAge } from '@waxwing/shared/age';
import { testKey } from '@waxwing/shared/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConfigMapsApi } from '../kube/api.ts';
import { backupItem, createKeyBackup, type KeyBackupOptions } from './backup.ts';
import type { KeyDraft } from './manager.ts';

// A pair made by age-keygen for this test.
const recipient = 'age1je2jd9z6lvc2k3h60c3wkraefwlm7dxry336jmqxl2pswl0d9y4qpgw8df';
const identity = 'AGE-SECRET-KEY-18XS2KA79KFQVWFHPVLLF89JTHS0SJTZ0FA09W4U94JW0FRZ4Q4WQ63X8AN';
const random = (length: number) => randomBytes(length);

let draft: KeyDraft;
let folder: string;
beforeAll(async () => {
  const { privateKey, publicKey } = testKey();
  const validity = { notBefore: new Date(), validForMs: 86_400_000 };
  draft = {
    privateKey,
    certificatePem: await issueCertificate({ privateKey, publicKey, commonName: '', ...validity, randomBytes: random }),
  };
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxwing-backup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** ConfigMaps in memory. */
function configMaps(change: (data: ReadonlyMap<string, string>) => ReadonlyMap<string, string> = (data) => data) {
  const stored = new Map<string, ReadonlyMap<string, string>>();
  const api: ConfigMapsApi = {
    create: async ({ namespace, name }, _metadata, data) => void stored.set(`${namespace}/${name}`, change(data)),
    get: async ({ namespace, name }) => stored.get(`${namespace}/${name}`),
  };
  return { api, stored };
}

function backup(overrides: Partial<KeyBackupOptions> & { configMaps: ConfigMapsApi }) {
  const results: boolean[] = [];
  const run = createKeyBackup({
    recipients: [recipient],
    folder: undefined,
    secret: {
      namespace: 'kube-system',
      prefix: 'sealed-secrets-key',
      labels: new Map([['team', 'a']]),
      annotations: new Map(),
    },
    randomBytes: random,
    nowMs: () => Date.UTC(2026, 0, 2),
    onResult: (worked) => results.push(worked),
    ...overrides,
  });
  return { run, results };
}

describe('the backup of a new key', () => {
  test('is an age file around a List with the key Secret, in a ConfigMap', async () => {
    const { api, stored } = configMaps();
    const { run, results } = backup({ configMaps: api });
    const annotations = await run(draft);
    const [[name, data]] = [...stored] as [[string, ReadonlyMap<string, string>]];
    expect(name).toMatch(/^kube-system\/waxwing-key-[0-9a-f]{16}$/);
    const plain = await decryptAge(Buffer.from(data.get(backupItem) ?? ''), {
      identities: [identity],
      passphrases: [],
    });
    const list = JSON.parse(Buffer.from(plain).toString()) as { kind: string; items: unknown[] };
    expect(list.kind).toBe('List');
    expect(parseKeySecret(list.items[0])).toMatchObject({ certificate: { pem: draft.certificatePem } });
    expect(annotations.get(backupWrittenAnnotation)).toMatch(/^2026-01-02T00:00:00Z sha256:[0-9a-f]{64}$/);
    expect(results).toEqual([true]);
  });

  test('is also a file that only the owner can read', async () => {
    const { api, stored } = configMaps();
    await backup({ configMaps: api, folder }).run(draft);
    const files = readdirSync(folder);
    expect(files).toEqual([expect.stringMatching(/^kube-system-key-[0-9a-f]{16}\.age$/)]);
    expect(readFileSync(join(folder, files[0] as string), 'utf8')).toBe([...stored.values()][0]?.get(backupItem));
  });

  test('that was not stored as written fails, so that the key is never activated', async () => {
    const { api } = configMaps((data) => new Map([...data].map(([item, text]) => [item, text.slice(0, -20)])));
    const { run, results } = backup({ configMaps: api });
    await expect(run(draft)).rejects.toMatchObject({ code: 'BackupFailed' });
    expect(results).toEqual([false]);
  });

  test('fails when the folder cannot be written, and leaves nothing there', async () => {
    const { api } = configMaps();
    const missing = join(folder, 'not-mounted');
    await expect(backup({ configMaps: api, folder: missing }).run(draft)).rejects.toThrow(
      /was not activated: cannot write .*not-mounted/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test('that is forbidden names the permission that is missing', async () => {
    const forbidden: ConfigMapsApi = {
      create: () => Promise.reject(new SealedSecretsError('ApiForbidden', 'cannot create configmaps')),
      get: async () => undefined,
    };
    await expect(backup({ configMaps: forbidden }).run(draft)).rejects.toMatchObject({
      hint: expect.stringContaining('configmaps'),
    });
  });

  test('never shows the private key in an error', async () => {
    const body = (draft.privateKey.export({ type: 'pkcs1', format: 'pem' }) as string).split('\n')[3] as string;
    const failing: ConfigMapsApi = {
      create: () => Promise.reject(new Error('disk full')),
      get: async () => undefined,
    };
    const error = (await backup({ configMaps: failing })
      .run(draft)
      .catch((caught: unknown) => caught)) as Error;
    expect(`${error.message} ${error.stack}`).not.toContain(body);
  });
});
