import { encryptionLabel, scopeOf } from './api/scope.ts';
import type { SealedSecret, Secret } from './api/sealed-secret.ts';
import { readSecret } from './api/validate.ts';
import { type Envelope, hybridDecrypt, parseEnvelope } from './crypto/hybrid.ts';
import type { UnsealingKey } from './crypto/private-key.ts';
import { type DecryptOptions, decryptItems, type ItemFailure, undecryptable } from './decrypt.ts';
import { decodeBase64, decodeUtf8 } from './encoding.ts';
import type { ErrorCode, Violation } from './errors.ts';
import { SealedSecretsError } from './errors.ts';
import { explainUndecryptable } from './explain.ts';
import type { TemplateRenderer } from './template.ts';
import { buildSecret } from './template.ts';

export interface UnsealOptions extends DecryptOptions {
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
  const decrypted = await decryptItems(sealedSecret, options.keys, options);
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
  const { failures } = await decryptItems(sealedSecret, options.keys, options);
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
  // What would fail again is worth more than what only took too long.
  const lasting = failures.find(({ code }) => code !== 'TemplateTimeout') ?? (failures[0] as ItemFailure);
  const code = explained?.code ?? lasting.code;
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
    case 'TemplateTimeout':
      return 'It is tried again. Let the entries generate fewer keys, certificates and password hashes, or do less.';
    case 'TemplateError':
      return 'Try the template offline: waxwing template FILE';
    default:
      return undefined;
  }
}
