import {
  type DocumentEdit,
  decryptItems,
  detectText,
  encodeText,
  isSealedSecretsError,
  keyIdAnnotation,
  planEdit,
  type SealedSecret,
  SealedSecretsError,
  type SealingCertificate,
  type SourceDocument,
  scopeOf,
  sealValue,
  type UnsealingKey,
  valueAt,
} from '@waxwing/shared';
import type { Controller } from '../cluster.ts';
import { readInput, sealedSecretIn } from '../documents.ts';
import { inputOf, openInput, readAll } from '../input.ts';
import type { Io } from '../io.ts';
import { mentionsSealedSecret } from '../keys/repository.ts';
import { deliver, prepareOutput } from '../output.ts';
import { createSpool } from '../spool.ts';
import { reencrypt } from './reencrypt.ts';

/** New ciphertexts of the stale items of an object; current items are not in it. */
export type Reseal = (sealedSecret: SealedSecret) => Promise<ReadonlyMap<string, string>>;

/** What became of one object. */
export interface ResealResult {
  readonly file: string;
  /** `namespace/name`; empty for a file that cannot be read. */
  readonly object: string;
  readonly action: 'sealed again' | 'current' | 'failed';
  readonly items: number;
  /** Why it failed. */
  readonly reason?: string;
}

const fileLimitBytes = 1024 * 1024 * 1024;

/**
 * Seals the stale items of one file again. Only ciphertexts (and the key hint, where there is one) change; the file is replaced as a whole or
 * stays as it was, and only if something in it was stale. Objects that fail are told and stay as they are.
 */
export async function resealFile(io: Io, file: string, keyId: string, reseal: Reseal): Promise<ResealResult[]> {
  const bytes = await readAll(openInput(io, file), fileLimitBytes);
  if (!mentionsSealedSecret(bytes)) return [];
  try {
    return await resealText(io, file, bytes, keyId, reseal);
  } catch (error) {
    // One broken file, such as a chart's template, must not keep the others from being sealed again.
    if (!isSealedSecretsError(error)) throw error;
    return [{ file, object: '', action: 'failed', items: 0, reason: error.message }];
  }
}

async function resealText(
  io: Io,
  file: string,
  bytes: Uint8Array,
  keyId: string,
  reseal: Reseal,
): Promise<ResealResult[]> {
  const detected = detectText(bytes, { source: file });
  const input = inputOf(file, bytes);
  const results: ResealResult[] = [];
  let text = '';
  let done = 0;
  try {
    for await (const document of readInput(input, { nothingFound: '', acceptUtf16: true })) {
      if (valueAt(document.value, ['kind']) !== 'SealedSecret') continue;
      const { result, renewed } = await resealDocument(file, document, keyId, reseal);
      results.push(result);
      text += detected.text.slice(done, document.start) + renewed;
      done = document.end;
    }
  } catch (error) {
    if (!isSealedSecretsError(error, 'EmptyInput')) throw error;
  }
  if (results.some(({ action }) => action === 'sealed again')) {
    const spool = createSpool(io);
    spool.append(encodeText(text + detected.text.slice(done), detected));
    await deliver(io, prepareOutput(io, file), spool);
  }
  return results;
}

async function resealDocument(
  file: string,
  document: SourceDocument,
  keyId: string,
  reseal: Reseal,
): Promise<{ result: ResealResult; renewed: string }> {
  let object = `document ${document.index + 1}`;
  try {
    const sealedSecret = sealedSecretIn(document);
    object = `${sealedSecret.metadata.namespace}/${sealedSecret.metadata.name}`;
    if (sealedSecret.spec.data !== undefined) {
      throw new SealedSecretsError('DeprecatedFormat', 'it has the deprecated spec.data: seal the Secret again');
    }
    const ciphertexts = await reseal(sealedSecret);
    if (ciphertexts.size === 0)
      return { result: { file, object, action: 'current', items: 0 }, renewed: document.text };
    const edits = planEdits(sealedSecret, ciphertexts, keyId);
    const renewed = planEdit(document.text, edits, { source: document.source }).text;
    return { result: { file, object, action: 'sealed again', items: ciphertexts.size }, renewed };
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    return { result: { file, object, action: 'failed', items: 0, reason: error.message }, renewed: document.text };
  }
}

function planEdits(
  sealedSecret: SealedSecret,
  ciphertexts: ReadonlyMap<string, string>,
  keyId: string,
): DocumentEdit[] {
  const edits: DocumentEdit[] = Array.from(ciphertexts, ([item, value]) => ({
    op: 'set',
    path: ['spec', 'encryptedData', item],
    value,
  }));
  if (sealedSecret.metadata.annotations.has(keyIdAnnotation)) {
    edits.push({ op: 'set', path: ['metadata', 'annotations', keyIdAnnotation], value: keyId });
  }
  return edits;
}

/** Offline, with the private keys of a backup: which key an item needs is proven by decrypting it. */
export function offlineReseal(
  keys: readonly UnsealingKey[],
  certificate: SealingCertificate,
  io: Pick<Io, 'randomBytes'>,
): Reseal {
  const current = keys.find(({ publicKey }) => publicKey.equals(certificate.publicKey));
  const sealer = { publicKey: certificate.publicKey, randomBytes: io.randomBytes };
  return async (sealedSecret) => {
    const { metadata } = sealedSecret;
    const { items, keyIds, failures } = await decryptItems(sealedSecret, keys);
    if (failures.length > 0) {
      const names = failures.map(({ item }) => item).join(', ');
      const advice =
        current === undefined ? '; the backup lacks the key of the certificate, so they may be current already' : '';
      throw new SealedSecretsError('UnknownKey', `no key of the backup opens ${names}${advice}`);
    }
    const place = { scope: scopeOf(metadata.annotations), namespace: metadata.namespace, name: metadata.name };
    const stale = [...items].filter(([item]) => current === undefined || keyIds.get(item) !== current.id);
    return new Map(stale.map(([item, value]) => [item, sealValue(value, place, sealer)]));
  };
}

/**
 * Through the controller, which does not tell which key opened an item: objects whose hint names the current key are left alone, all others
 * are sealed again.
 */
export function controllerReseal(controller: Controller, keyId: string): Reseal {
  return async (sealedSecret) => {
    if (sealedSecret.metadata.annotations.get(keyIdAnnotation) === keyId) return new Map();
    return (await reencrypt(sealedSecret, controller)).spec.encryptedData;
  };
}
