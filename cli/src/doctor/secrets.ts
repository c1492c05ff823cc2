import {
  appliedConfigurationAnnotations,
  isTruthy,
  listAt,
  managedAnnotation,
  type ObjectMeta,
  patchAnnotation,
  property,
  readSecret,
  standingOf,
  textAt,
} from '@waxwing/shared';
import { type Finding, finding, listNames } from './finding.ts';
import { keepsOwners, type ObjectFacts } from './sealed-secrets.ts';

/** What a table of Secrets tells: metadata, type and the number of entries. No value was sent for it. */
export interface SecretFacts {
  readonly metadata: ObjectMeta;
  readonly type: string;
  readonly entryCount: number;
  /** Names of the entries, from the managed fields; undefined where these do not account for all of them. */
  readonly entries: ReadonlySet<string> | undefined;
  /** Somebody set `immutable`; the value is not sent, and nobody writes false. */
  readonly isImmutable: boolean;
}

/** Asks for a table: it has type and number of entries, which metadata alone does not, and no data. */
export const tableOfMetadata = 'application/json;as=Table;g=meta.k8s.io;v=v1';

/** A row of the table. @param columns its column definitions */
export function secretOf(row: unknown, columns: readonly unknown[]): SecretFacts {
  const cells = listAt(row, 'cells');
  const cell = (name: string) => cells[columns.findIndex((column) => textAt(column, 'name') === name)];
  const raw = ['object', 'metadata'].reduce(property, row);
  const { metadata } = readSecret({ metadata: raw });
  const annotations = new Map(metadata.annotations);
  // These hold whole Secrets.
  for (const name of appliedConfigurationAnnotations) annotations.delete(name);
  const entryCount = Number(cell('Data'));
  return {
    metadata: { ...metadata, annotations },
    type: String(cell('Type')),
    entryCount,
    entries: entriesIn(raw, entryCount),
    isImmutable: managedFieldsOf(raw).some((fields) => property(fields, 'f:immutable') !== undefined),
  };
}

/** Every manager lists the entries that it wrote, and entries that are gone leave the lists. */
function entriesIn(metadata: unknown, count: number): ReadonlySet<string> | undefined {
  const names = new Set<string>();
  for (const fields of managedFieldsOf(metadata)) {
    for (const field of Object.keys(property(fields, 'f:data') ?? {})) {
      if (field.startsWith('f:')) names.add(field.slice(2));
    }
  }
  return names.size === count ? names : undefined;
}

function managedFieldsOf(metadata: unknown): unknown[] {
  return listAt(metadata, 'managedFields').map((manager) => property(manager, 'fieldsV1'));
}

/** What the first start changes in a Secret that the controller may write. Values are not compared. */
export function findDrift(facts: ObjectFacts, secret: SecretFacts): Finding[] {
  const { annotations } = secret.metadata;
  const isPatched = isTruthy(annotations, patchAnnotation);
  const isOwned = standingOf(facts, secret.metadata) === 'owned';
  if (isTruthy(annotations, managedAnnotation) && !isPatched && !isOwned && !keepsOwners(facts)) {
    return [finding('secret-taken-over', facts)];
  }
  // Inside of a ciphertext: nothing to compare with.
  if (facts.entries === undefined) return [];
  // With a record of what we wrote, what others added stays, and nothing is made anew.
  const keepsOthers = isPatched || facts.isRecorded;
  const entries = findEntries(facts, facts.entries, secret, keepsOthers);
  const isVolatile = facts.volatile.length > 0 && !facts.isRecorded;
  if (secret.isImmutable && (entries.length > 0 || isVolatile)) {
    const why = [
      ...entries.map(({ detail }) => detail),
      ...(isVolatile ? [`new values for ${listNames(facts.volatile)}`] : []),
    ];
    return [finding('secret-immutable', facts, why.join('; '))];
  }
  return [
    ...entries,
    ...(isVolatile ? [finding('template-volatile', facts, listNames(facts.volatile))] : []),
    ...findMetadata(facts, secret, keepsOthers),
  ];
}

function findEntries(
  facts: ObjectFacts,
  expected: ReadonlySet<string>,
  { entries, entryCount }: SecretFacts,
  keepsOthers: boolean,
): Finding[] {
  if (entries === undefined) {
    const difference = entryCount - expected.size;
    const counts = `has ${entryCount}, the SealedSecret defines ${expected.size}`;
    if (difference < 0) return [finding('secret-entries-missing', facts, counts)];
    return difference > 0 && !keepsOthers ? [finding('secret-entries-extra', facts, counts)] : [];
  }
  const missing = [...expected].filter((name) => !entries.has(name));
  const extra = keepsOthers ? [] : [...entries].filter((name) => !expected.has(name));
  return [
    ...(missing.length > 0 ? [finding('secret-entries-missing', facts, `without ${listNames(missing)}`)] : []),
    ...(extra.length > 0 ? [finding('secret-entries-extra', facts, `with ${listNames(extra)}`)] : []),
  ];
}

function findMetadata(facts: ObjectFacts, { metadata }: SecretFacts, keepsOthers: boolean): Finding[] {
  const parts = (['labels', 'annotations'] as const).flatMap((field) => {
    const [wanted, found] = [facts[field], metadata[field]];
    const restored = [...wanted].filter(([name, value]) => found.get(name) !== value).map(([name]) => name);
    const removed = keepsOthers ? [] : [...found.keys()].filter((name) => !wanted.has(name));
    return [
      ...(restored.length > 0 ? [`${field} ${listNames(restored)}: not as in the template`] : []),
      ...(removed.length > 0 ? [`${field} ${listNames(removed)}: not in the template`] : []),
    ];
  });
  return parts.length === 0 ? [] : [finding('secret-metadata', facts, parts.join('; '))];
}
