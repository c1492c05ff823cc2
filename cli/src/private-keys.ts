import {
  type DocumentMap,
  type DocumentValue,
  decodeUtf8,
  foldFieldName,
  importUnsealingKey,
  isDocumentMap,
  isSealedSecretsError,
  parsePrivateKey,
  readDocuments,
  readSecret,
  SealedSecretsError,
  type SourceDocument,
  type UnsealingKey,
} from '@waxwing/shared';
import { readFile } from './input.ts';
import type { Io } from './io.ts';

const keyFileLimitBytes = 64 * 1024 * 1024;
const keyItem = 'tls.key';

/**
 * Reads private keys from files: a PEM private key (its first one counts), Secrets, or Lists of Secrets, in JSON or YAML and as many
 * documents as there are. Labels and certificates are not looked at. A key that stands in several files is returned once.
 *
 * @throws SealedSecretsError `UnreadableFile`, `InvalidDocument`, `InvalidKey`; `NoKeys` for a file without any key.
 */
export async function readPrivateKeys(io: Io, names: readonly string[]): Promise<UnsealingKey[]> {
  const keys = new Map<string, UnsealingKey>();
  for (const name of names) {
    for (const pem of await keysInFile(io, name)) {
      const key = await importUnsealingKey(pem);
      keys.set(key.id, key);
    }
  }
  return [...keys.values()];
}

type PrivateKey = NonNullable<ReturnType<typeof parsePrivateKey>>;

async function keysInFile(io: Io, name: string): Promise<PrivateKey[]> {
  const bytes = await readFile(io, name, keyFileLimitBytes);
  const pem = parsePemKey(bytes, name);
  if (pem !== undefined) return [pem];
  const keys: PrivateKey[] = [];
  try {
    for (const document of readDocuments(bytes, { source: name })) {
      for (const secret of secretsOf(document)) keys.push(keyOfSecret(secret, document));
    }
  } catch (error) {
    // Text that is no document is no key file; where exactly it stops being a document helps nobody.
    if (keys.length > 0 || !isSealedSecretsError(error) || !unreadable.includes(error.code)) throw error;
  }
  if (keys.length > 0) return keys;
  throw new SealedSecretsError('NoKeys', `${name}: no private key found`, {
    hint: 'Expected a PEM private key, or key Secrets as kubectl get secret -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml prints them.',
  });
}

const unreadable: readonly string[] = ['InvalidDocument', 'InvalidEncoding'];

function parsePemKey(bytes: Uint8Array, name: string): PrivateKey | undefined {
  try {
    return parsePrivateKey(decodeUtf8(bytes) ?? '');
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidKey')) throw error;
    throw new SealedSecretsError(
      error.code,
      `${name}: ${error.message}`,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

function secretsOf(document: SourceDocument): DocumentMap[] {
  const { value } = document;
  if (!isDocumentMap(value)) return [];
  const items = fieldOf(value, 'items');
  const kind = fieldOf(value, 'kind') ?? '';
  // A client library prints Lists without kind.
  const isList = kind === 'List' || kind === 'SecretList' || (kind === '' && Array.isArray(items));
  if (!isList) return [value];
  return Array.isArray(items) ? items.filter(isDocumentMap) : [];
}

function fieldOf(map: DocumentMap, name: string): DocumentValue | undefined {
  const folded = foldFieldName(name);
  for (const [key, value] of map) if (foldFieldName(key) === folded) return value;
  return undefined;
}

function keyOfSecret(value: DocumentMap, document: SourceDocument): PrivateKey {
  // Upstream looks at `data` alone; `stringData` would be merged into it.
  const stringData = fieldOf(value, 'stringData');
  const dataOnly = new Map([...value].filter(([key]) => foldFieldName(key) !== foldFieldName('stringData')));
  const place = `${document.source}: document ${document.index + 1}`;
  const { metadata, data } = readSecret(dataOnly, { source: place, lenient: document.format });
  const pem = data.get(keyItem);
  if (pem === undefined) {
    const hint =
      isDocumentMap(stringData) && stringData.has(keyItem)
        ? `The key stands under stringData: put it, base64 encoded, under data.`
        : 'Give key Secrets only, or the PEM of the key itself.';
    throw new SealedSecretsError(
      'NoKeys',
      `${place}: secret ${metadata.name} must contain a '${keyItem}' key under data`,
      { hint },
    );
  }
  return parseKeyItem(pem, `${place}, secret ${metadata.name}`);
}

/** The two failures are told in upstream's words; where the key stands is in the hint. */
function parseKeyItem(pem: Uint8Array, place: string): PrivateKey {
  let key: PrivateKey | undefined;
  try {
    key = parsePrivateKey(decodeUtf8(pem) ?? '');
  } catch (error) {
    if (!isSealedSecretsError(error, 'InvalidKey')) throw error;
    throw new SealedSecretsError('InvalidKey', 'unexpected private key type *ecdsa.PrivateKey', {
      hint: `${place}: ${error.message}. ${error.hint ?? ''}`,
    });
  }
  if (key !== undefined) return key;
  throw new SealedSecretsError('InvalidKey', 'data does not contain a valid RSA or ECDSA private key', {
    hint: `${place}: ${keyItem} holds no PEM private key.`,
  });
}
