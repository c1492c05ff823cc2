import {
  type Condition,
  forbiddenTypeReason,
  isSealedSecretsError,
  isTruthy,
  managedAnnotation,
  patchAnnotation,
  property,
  readSealedSecret,
  type SealedSecret,
  type SealedSecretsError,
  scopeOf,
  skipSetOwnerReferencesAnnotation,
  syncedCondition,
  textAt,
  textsAt,
} from '@waxwing/shared';
import { byteStringFromText, parseTemplate, TemplateError } from '@waxwing/shared/gotemplate';
import { type LintRule, lintSealedSecret } from '../lint.ts';
import { lintTemplate } from '../template-lint.ts';

/** Why an object is not synced, in words of ours: the message of upstream may quote values. */
export interface SyncFailure {
  /** Our reason, or what upstream's message speaks of. */
  readonly kind: 'key' | 'not-managed' | 'immutable' | 'template' | 'malformed' | 'other';
  /** For people. */
  readonly text: string;
}

/** What has to be known of a SealedSecret once its page is gone: no ciphertext. */
export interface ObjectFacts {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** `Unknown` where no status speaks of the current generation. */
  readonly synced: 'True' | 'False' | 'Unknown';
  /** Of one that is not synced. */
  readonly failure: SyncFailure | undefined;
  readonly isTerminating: boolean;
  /** Why it can never open; undefined for most. */
  readonly invalid: string | undefined;
  /** What its Secret is to be, from the template. */
  readonly type: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** Names of the entries that its Secret is to have; undefined where they are inside of a ciphertext. */
  readonly entries: ReadonlySet<string> | undefined;
  /** Our controller has recorded what it wrote. */
  readonly isRecorded: boolean;
  /** The scope of the template, where it names another than metadata does. */
  readonly otherScope: string | undefined;
  /** Entries whose template gives another result each time. */
  readonly volatile: readonly string[];
  /** Items that a null in the applied manifest omits, and the object in the cluster does not. */
  readonly droppedNulls: readonly string[];
}

/** An object as it was read: what is remembered of it, and the whole, if it can be decoded. */
export interface ReadObject {
  readonly facts: ObjectFacts;
  readonly sealedSecret: SealedSecret | undefined;
}

export function readObject(raw: unknown): ReadObject {
  const decoded = decode(raw);
  if (!isSealedSecretsError(decoded)) {
    return { facts: { ...factsOf(decoded), droppedNulls: droppedNullsOf(raw) }, sealedSecret: decoded };
  }
  const blank = readSealedSecret({ status: property(raw, 'status') });
  const place = { namespace: textAt(raw, 'metadata', 'namespace'), name: textAt(raw, 'metadata', 'name') };
  const facts = factsOf({ ...blank, metadata: { ...blank.metadata, ...place } });
  const invalid = decoded.violations.map(({ path, message }) => `${path} ${message}`).join('; ') || decoded.message;
  return { facts: { ...facts, invalid }, sealedSecret: undefined };
}

function decode(raw: unknown): SealedSecret | SealedSecretsError {
  try {
    return readSealedSecret(raw);
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    return error;
  }
}

function factsOf(sealedSecret: SealedSecret): ObjectFacts {
  const { metadata, spec, status } = sealedSecret;
  const { template } = spec;
  const condition = status?.conditions.find(({ type }) => type === syncedCondition);
  const isCurrent = status?.observedGeneration === undefined || status.observedGeneration === metadata.generation;
  const synced = condition === undefined || !isCurrent ? 'Unknown' : condition.status;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid ?? '',
    synced,
    failure: synced === 'False' && condition !== undefined ? failureOf(condition) : undefined,
    isTerminating: metadata.deletionTimestamp !== undefined,
    invalid: findInvalid(sealedSecret),
    // The deprecated format has a template that means nothing.
    type: spec.data === undefined ? template.type : '',
    labels: template.metadata.labels,
    annotations: template.metadata.annotations,
    entries: spec.data === undefined ? entriesOf(sealedSecret) : undefined,
    isRecorded: status?.secret !== undefined,
    otherScope: otherScopeOf(sealedSecret),
    volatile: volatileEntriesOf(sealedSecret),
    droppedNulls: [],
  };
}

/** Our messages name no value, and upstream's may: a failing template quotes what it was given. Only what it speaks of is told. */
function failureOf({ reason, message = '' }: Condition): SyncFailure {
  if (reason !== undefined && reason !== '') return { kind: kindOfReason(reason), text: `${reason}: ${message}` };
  const known: readonly (readonly [RegExp, SyncFailure['kind'], string])[] = [
    [/no key could decrypt secret/, 'key', 'no key opened it'],
    [/already exists and is not managed/, 'not-managed', 'a Secret of this name exists and is not managed'],
    [/immutable/, 'immutable', 'the Secret, or its type, cannot be changed'],
    [/template: /, 'template', 'a template failed'],
    [/illegal base64|too short|message authentication/, 'malformed', 'an item is malformed'],
  ];
  const [, kind, text] = known.find(([words]) => words.test(message)) ?? [];
  return { kind: kind ?? 'other', text: text ?? 'another failure' };
}

function kindOfReason(reason: string): SyncFailure['kind'] {
  const kinds: Readonly<Record<string, SyncFailure['kind']>> = {
    UnknownKey: 'key',
    SealedForOtherName: 'key',
    ScopeAnnotationMissing: 'key',
    ScopeMismatch: 'key',
    NotManaged: 'not-managed',
    ImmutableSecret: 'immutable',
    TemplateError: 'template',
    TemplateTimeout: 'template',
    MalformedItem: 'malformed',
    InvalidObject: 'malformed',
  };
  return kinds[reason] ?? 'other';
}

/** Checks of `waxwing lint` that the controller would fail at. */
const fatalRules: readonly LintRule[] = [
  'item-name',
  'not-base64',
  'not-an-envelope',
  'template-syntax',
  'template-function',
];

function findInvalid(sealedSecret: SealedSecret): string | undefined {
  const problems: string[] = [];
  lintSealedSecret(sealedSecret, lintTemplate, (rule, path, message) => {
    if (fatalRules.includes(rule)) problems.push(`${path.at(-1)}: ${message}`);
  });
  return problems.length === 0 ? undefined : problems.slice(0, 3).join('; ');
}

function entriesOf({ spec: { encryptedData, template } }: SealedSecret): Set<string> {
  const entries = new Set(encryptedData.keys());
  for (const [name, text] of template.data) {
    if (text === null) entries.delete(name);
    else entries.add(name);
  }
  return entries;
}

/** Sealing writes the scope to both places, so that another one in the template was true once. */
function otherScopeOf({ metadata, spec }: SealedSecret): string | undefined {
  const written = scopeOf(spec.template.metadata.annotations);
  return written === 'strict' || written === scopeOf(metadata.annotations) ? undefined : written;
}

function volatileEntriesOf({ spec: { encryptedData, template } }: SealedSecret): string[] {
  return [...template.data].flatMap(([name, text]) =>
    text?.includes('{{') === true && !encryptedData.has(name) && isVolatile(name, text) ? [name] : [],
  );
}

function isVolatile(name: string, text: string): boolean {
  try {
    return parseTemplate({ name: byteStringFromText(name), text: byteStringFromText(text) }).isVolatile;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return false;
  }
}

/** The manifest as kubectl keeps it: ciphertext only, as the object itself. */
function droppedNullsOf(raw: unknown): string[] {
  const applied = textsAt(raw, 'metadata', 'annotations').get('kubectl.kubernetes.io/last-applied-configuration');
  if (applied === undefined || !applied.includes('null')) return [];
  const path = ['spec', 'template', 'data'];
  const [written, kept] = [parseJson(applied), raw].map((object) => path.reduce(property, object));
  if (typeof written !== 'object' || written === null) return [];
  const items = ['spec', 'encryptedData'].reduce(property, raw);
  return Object.entries(written).flatMap(([name, text]) =>
    text === null && property(kept, name) === undefined && property(items, name) !== undefined ? [name] : [],
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether opening it tells something that is not known from its status. */
export function isWorthTrying({ synced, otherScope, isTerminating, invalid }: ObjectFacts): boolean {
  if (isTerminating || invalid !== undefined) return false;
  return synced === 'False' || otherScope !== undefined;
}

/** The template asks for no owner. */
export function keepsOwners({ annotations }: ObjectFacts): boolean {
  return isTruthy(annotations, skipSetOwnerReferencesAnnotation);
}

/** The template lets the Secret be updated without an owner. */
export function permitsUpdates({ annotations }: ObjectFacts): boolean {
  return isTruthy(annotations, managedAnnotation) || isTruthy(annotations, patchAnnotation);
}

export function isForbidden({ type }: ObjectFacts): boolean {
  return forbiddenTypeReason(type) !== undefined;
}
