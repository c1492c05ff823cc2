import { encryptionLabel, scopeOf } from './api/scope.ts';
import type { SealedSecret, Secret } from './api/sealed-secret.ts';
import { readSecret } from './api/validate.ts';
import type { Envelope } from './crypto/hybrid.ts';
import { hybridDecrypt, parseEnvelope } from './crypto/hybrid.ts';
import type { UnsealingKey } from './crypto/private-key.ts';
import { compareBytewise, decodeBase64, decodeUtf8 } from './encoding.ts';
import type { ErrorCode, Violation } from './errors.ts';
import { isSealedSecretsError, SealedSecretsError } from './errors.ts';
import { explainUndecryptable } from './explain.ts';
import type { TemplateRenderer } from './template.ts';
import { buildSecret } from './template.ts';

/** Why one item or template entry did not make it into the Secret. */
export interface ItemFailure {
  readonly item: string;
  readonly code: ErrorCode;
  /** Without the name of the item, so that equal failures can be told once. */
  readonly message: string;
}

/** The items of a SealedSecret after decryption; nothing is rendered. */
export interface DecryptedItems {
  readonly items: ReadonlyMap<string, Uint8Array>;
  /** Id of the key that opened each item. */
  readonly keyIds: ReadonlyMap<string, string>;
  readonly failures: readonly ItemFailure[];
  /** How often a private key was used: the cost of the object. */
  readonly attempts: number;
}

const undecryptable = 'no key could decrypt secret';

/**
 * Decrypts every item with the keys in the order given. Order is only a matter of speed: the key that opened an item is tried first for
 * the rest of the object. Items are worked on in parallel once a key has been found.
 */
export async function decryptItems(sealedSecret: SealedSecret, keys: readonly UnsealingKey[]): Promise<DecryptedItems> {
  const { metadata, spec } = sealedSecret;
  const label = encryptionLabel(scopeOf(metadata.annotations), metadata.namespace, metadata.name);
  const failures: ItemFailure[] = [];
  const items = new Map<string, Uint8Array>();
  const keyIds = new Map<string, string>();
  let attempts = 0;
  let preferred: UnsealingKey | undefined;

  const decryptItem = async (item: string, ciphertext: string) => {
    const envelope = parseItem(item, ciphertext, failures);
    if (envelope === undefined) return;
    const first = preferred;
    for (const key of first === undefined ? keys : [first, ...keys.filter((candidate) => candidate !== first)]) {
      attempts++;
      const plaintext = await hybridDecrypt(envelope, key.unwrapKey, label);
      if (plaintext === undefined) continue;
      preferred = key;
      items.set(item, plaintext);
      keyIds.set(item, key.id);
      return;
    }
    failures.push({ item, code: 'UnknownKey', message: undecryptable });
  };

  const waiting = [...spec.encryptedData];
  // One by one until a key is known; then its pool threads can all work.
  while (waiting.length > 0 && preferred === undefined && keys.length > 1) {
    const [item, ciphertext] = waiting.shift() as [string, string];
    await decryptItem(item, ciphertext);
  }
  await Promise.all(waiting.map(([item, ciphertext]) => decryptItem(item, ciphertext)));
  return { items: inOrderOf(spec.encryptedData, items), keyIds, failures: sortFailures(failures), attempts };
}

function parseItem(item: string, ciphertext: string, failures: ItemFailure[]): Envelope | undefined {
  let bytes: Uint8Array;
  try {
    bytes = decodeBase64(ciphertext);
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidEncoding')) throw error;
    failures.push({ item, code: 'MalformedItem', message: error.message });
    return undefined;
  }
  const envelope = parseEnvelope(bytes);
  if (envelope === undefined) failures.push({ item, code: 'UnknownKey', message: undecryptable });
  return envelope;
}

function inOrderOf<T>(order: ReadonlyMap<string, unknown>, values: ReadonlyMap<string, T>): Map<string, T> {
  const result = new Map<string, T>();
  for (const key of order.keys()) if (values.has(key)) result.set(key, values.get(key) as T);
  return result;
}

function sortFailures(failures: ItemFailure[]): ItemFailure[] {
  return failures.sort((a, b) => compareBytewise(a.item, b.item));
}

export interface UnsealOptions {
  /** Candidate keys; the order is a hint. */
  readonly keys: readonly UnsealingKey[];
  readonly render: TemplateRenderer;
  /** Whether the deprecated `spec.data` format is opened. */
  readonly acceptV1: boolean;
}

/** The Secret a SealedSecret stands for, and what opening it took. */
export interface Unsealed {
  readonly secret: Secret;
  readonly keyIds: ReadonlyMap<string, string>;
  readonly attempts: number;
}

/**
 * Opens a SealedSecret: decrypt every item, render the template, build the Secret. All failures are reported together.
 *
 * @throws SealedSecretsError with the code of the worst failure; `violations` names every item. Its message begins with upstream's words
 *   and goes on with what was looked for and what to do next.
 */
export async function unsealSecret(sealedSecret: SealedSecret, options: UnsealOptions): Promise<Unsealed> {
  if (sealedSecret.spec.data !== undefined) return unsealLegacy(sealedSecret, options);
  const decrypted = await decryptItems(sealedSecret, options.keys);
  const built = await buildSecret(sealedSecret, decrypted, options.render);
  const failures = [...decrypted.failures, ...built.failures];
  if (failures.length > 0) throw await unsealError(sealedSecret, failures, options.keys);
  return { secret: built.secret, keyIds: decrypted.keyIds, attempts: decrypted.attempts };
}

/**
 * Whether every item can be opened: what `/v1/verify` answers. Nothing is rendered, so a broken template is no failure here.
 *
 * @throws SealedSecretsError like {@link unsealSecret}.
 */
export async function assertDecryptable(
  sealedSecret: SealedSecret,
  options: Omit<UnsealOptions, 'render'>,
): Promise<void> {
  if (sealedSecret.spec.data !== undefined) {
    await decryptLegacy(sealedSecret, options);
    return;
  }
  const { failures } = await decryptItems(sealedSecret, options.keys);
  if (failures.length > 0) throw await unsealError(sealedSecret, failures, options.keys);
}

/** Opens the deprecated format: one envelope around the JSON of a whole Secret. Name, namespace and owner are forced as always. */
async function unsealLegacy(sealedSecret: SealedSecret, options: UnsealOptions): Promise<Unsealed> {
  const { secret, keyId, attempts } = await openLegacy(sealedSecret, options);
  const built = await buildSecret(sealedSecret, { items: new Map(), failures: [] }, options.render, secret);
  return { secret: built.secret, keyIds: new Map([['', keyId]]), attempts };
}

/** Decrypts `spec.data` and reads the Secret in it. */
export async function openLegacy(
  sealedSecret: SealedSecret,
  options: Omit<UnsealOptions, 'render'>,
): Promise<{ secret: Secret; keyId: string; attempts: number }> {
  const { plaintext, keyId, attempts } = await decryptLegacy(sealedSecret, options);
  const text = decodeUtf8(plaintext);
  try {
    return { secret: readSecret(JSON.parse(text ?? '')), keyId, attempts };
  } catch {
    // The parser's own message would quote the plaintext.
    throw new SealedSecretsError('InvalidObject', 'spec.data opens, but holds no Secret');
  }
}

async function decryptLegacy(
  sealedSecret: SealedSecret,
  options: Omit<UnsealOptions, 'render'>,
): Promise<{ plaintext: Uint8Array; keyId: string; attempts: number }> {
  const { metadata, spec } = sealedSecret;
  if (!options.acceptV1) {
    throw new SealedSecretsError(
      'DeprecatedFormat',
      'spec.data is the deprecated v1 format, which is not accepted here',
      {
        summary: "using deprecated 'data' field, use 'encryptedData' or flip the feature flag",
        hint: 'Seal the Secret again to get encryptedData, or start the controller with --accept-deprecated-v1-data=true.',
      },
    );
  }
  if (spec.encryptedData.size > 0) {
    throw new SealedSecretsError('InvalidObject', 'spec.data and spec.encryptedData are set at the same time', {
      hint: 'Remove spec.data, the deprecated one.',
    });
  }
  const label = encryptionLabel(scopeOf(metadata.annotations), metadata.namespace, metadata.name);
  const envelope = parseEnvelope(decodeBase64(spec.data ?? ''));
  let attempts = 0;
  for (const key of envelope === undefined ? [] : options.keys) {
    attempts++;
    const plaintext = await hybridDecrypt(envelope as Envelope, key.unwrapKey, label);
    if (plaintext !== undefined) return { plaintext, keyId: key.id, attempts };
  }
  throw new SealedSecretsError('UnknownKey', undecryptable);
}

/** One error for all failures of an object: equal messages are told once, with the sorted names behind them. */
async function unsealError(
  sealedSecret: SealedSecret,
  failures: readonly ItemFailure[],
  keys: readonly UnsealingKey[],
): Promise<SealedSecretsError> {
  const grouped = Map.groupBy(failures, (failure) => failure.message);
  const texts = Array.from(grouped, ([message, group]) => `${message} (${group.map(({ item }) => item).join(', ')})`);
  const undecrypted = failures.find((failure) => failure.code === 'UnknownKey');
  const explained = undecrypted && (await explainUndecryptable(sealedSecret, undecrypted.item, keys));
  const code = explained?.code ?? (failures[0] as ItemFailure).code;
  const hint = explained?.hint ?? hintFor(code);
  const summary = texts.join('; ');
  const message = summary + (explained === undefined ? '' : `: ${explained.message}`);
  const violations: Violation[] = failures.map(({ item, message: text }) => ({
    path: `spec.encryptedData[${JSON.stringify(item)}]`,
    message: text,
  }));
  return new SealedSecretsError(code, message, { ...(hint === undefined ? {} : { hint }), summary, violations });
}

function hintFor(code: ErrorCode): string | undefined {
  switch (code) {
    case 'MalformedItem':
      return 'The item is not base64: it was cut or edited. Seal its value again.';
    case 'TemplateError':
      return 'Try the template offline: waxwing template FILE';
    default:
      return undefined;
  }
}
