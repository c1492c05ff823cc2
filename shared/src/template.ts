import { isTruthy, skipSetOwnerReferencesAnnotation } from './api/annotations.ts';
import type { ObjectMeta, OwnerReference, SealedSecret, Secret } from './api/sealed-secret.ts';
import type { DecryptedItems, ItemFailure } from './decrypt.ts';
import { compareBytewise, encodeUtf8 } from './encoding.ts';
import { isSealedSecretsError, type SealedSecretsError } from './errors.ts';

/**
 * What became of an entry: its value or, free of values, why it has none: `TemplateError`, or `TemplateTimeout` where another time there may be time
 * enough.
 */
export type RenderedEntry = Uint8Array | SealedSecretsError;

/**
 * Renders the entries of `spec.template.data` of one object, which share one budget. Entries that come after the one that used it up are missing
 * in the answer.
 *
 * @param entries texts by the name of the entry, which is the name of the template in error texts
 * @param data the context of all of them
 * @throws SealedSecretsError `RendererBusy` where nothing could be rendered because too much else is.
 */
export type TemplateRenderer = (
  entries: ReadonlyMap<string, string>,
  data: ReadonlyMap<string, Uint8Array>,
) => ReadonlyMap<string, RenderedEntry> | Promise<ReadonlyMap<string, RenderedEntry>>;

/** Revision of the rules in this file and the engine behind them. Raise it when the same object would give another Secret. */
export const rendererRevision = 1;

/**
 * Builds the Secret from decrypted items and the template (specification 1.5). Decrypted items win over template entries of the same name, a
 * `null` entry omits the item, and every entry is rendered even where its result is not used, so that its errors are told.
 * The Secret is only worth something where there are no failures.
 *
 * @param base the decoded Secret of the deprecated format, used instead of items and template
 */
export async function buildSecret(
  sealedSecret: SealedSecret,
  decrypted: Pick<DecryptedItems, 'items' | 'failures'>,
  render: TemplateRenderer,
  base?: Secret,
): Promise<{ secret: Secret; failures: ItemFailure[] }> {
  const { template } = sealedSecret.spec;
  const metadata = secretMetadata(sealedSecret, base?.metadata ?? template.metadata);
  if (base !== undefined) return { secret: { ...base, metadata }, failures: [] };
  const data = new Map(decrypted.items);
  const failures: ItemFailure[] = [];
  const context = templateContext(sealedSecret, decrypted);
  const entries = new Map<string, string>();
  for (const [entry, text] of template.data) {
    if (text === null) data.delete(entry);
    else entries.set(entry, text);
  }
  for (const [entry, rendered] of entries.size === 0 ? [] : await render(entries, context)) {
    if (isSealedSecretsError(rendered)) failures.push({ item: entry, code: rendered.code, message: rendered.message });
    else if (!sealedSecret.spec.encryptedData.has(entry)) data.set(entry, rendered);
  }
  const secret: Secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    ...(template.immutable === undefined ? {} : { immutable: template.immutable }),
    data,
    type: template.type,
  };
  return { secret, failures: failures.sort((a, b) => compareBytewise(a.item, b.item)) };
}

/**
 * What templates see: the decrypted items, also those that `null` omits, and the source text of the other entries. An item that did not
 * decrypt is empty; one that is no base64 is absent.
 */
function templateContext(
  sealedSecret: SealedSecret,
  decrypted: Pick<DecryptedItems, 'items' | 'failures'>,
): Map<string, Uint8Array> {
  const context = new Map(decrypted.items);
  for (const { item, code } of decrypted.failures) if (code !== 'MalformedItem') context.set(item, new Uint8Array());
  for (const [entry, text] of sealedSecret.spec.template.data) {
    if (text !== null && !context.has(entry)) context.set(entry, encodeUtf8(text));
  }
  return context;
}

/** The owner reference that ties a Secret to its SealedSecret. */
export function ownerReferenceOf(sealedSecret: SealedSecret): OwnerReference {
  return {
    apiVersion: sealedSecret.apiVersion,
    kind: sealedSecret.kind,
    name: sealedSecret.metadata.name,
    uid: sealedSecret.metadata.uid ?? '',
    controller: true,
  };
}

function secretMetadata(sealedSecret: SealedSecret, metadata: ObjectMeta): ObjectMeta {
  const { name, namespace } = sealedSecret.metadata;
  const keepsOwners = isTruthy(sealedSecret.spec.template.metadata.annotations, skipSetOwnerReferencesAnnotation);
  return {
    ...metadata,
    name,
    namespace,
    ownerReferences: keepsOwners ? metadata.ownerReferences : [ownerReferenceOf(sealedSecret)],
  };
}
