import type { SealingCertificate, UnsealingKey } from '@waxwing/shared';
import { keyIdOf } from '@waxwing/shared';
import type { Config } from '@waxwing/shared/settings';
import { isActive, type KeyEntry, type KeyRing } from '../keys/key-ring.ts';
import { type Finding, finding } from './finding.ts';

/** What is known of the keys of a cluster. */
export interface KeysState {
  /** Of the controller, where key Secrets live. */
  readonly namespace: string;
  readonly ring: KeyRing;
  /** Prefix and order of keys. In very old installations a Secret that is called as the prefix is a key without any label. */
  readonly settings: Pick<Config['keys'], 'prefix' | 'orderPriority'>;
  /** What the controller that runs hands out; undefined where it was not asked, or did not answer. */
  readonly served: SealingCertificate | undefined;
  /** The controller, for findings about the process. */
  readonly controller: { readonly namespace: string; readonly name: string };
  readonly nowMs: number;
}

/** The keys that our controller would use, the one that seals first. */
export function usableKeys(ring: KeyRing, { prefix, orderPriority }: KeysState['settings']): KeyEntry[] {
  const used = ring.entries.filter((entry) => isActive(entry) || entry.secret.metadata.name === prefix);
  const newnessMs = ({ key }: KeyEntry) =>
    orderPriority === 'CertNotBefore' ? key.certificate.notBefore.getTime() : key.createdMs;
  return used.toSorted((a, b) => Number(b.key.primary) - Number(a.key.primary) || newnessMs(b) - newnessMs(a));
}

/** Different ones, to try in this order. */
export function unsealingKeysIn(entries: readonly KeyEntry[]): UnsealingKey[] {
  return [...new Set(entries.map(({ unsealing }) => unsealing))];
}

/** What is wrong with the keys, or will be different. */
export function findKeyProblems(state: KeysState): Finding[] {
  const { ring, namespace } = state;
  const usable = usableKeys(ring, state.settings);
  if (usable.length === 0 && ring.invalid.length === 0)
    return [finding('no-keys', { namespace, name: `${state.settings.prefix}*` })];
  const at = (entry: { readonly name: string }, code: Finding['code'], detail: string) =>
    finding(code, { namespace, name: entry.name }, detail);
  return [
    ...ring.invalid.map((entry) => at(entry, invalidCode(entry), entry.violations.join('; '))),
    ...findExpired(usable, state),
    ...findPrimaries(usable, state),
    ...findServed(usable, state),
    ...usable
      .filter(({ key }) => key.backup !== 'verified')
      .map(({ id, key }) => at(key, 'key-not-backed-up', `key ${id}, backup ${key.backup}`)),
  ];
}

function invalidCode({ primary, isMismatch }: KeyRing['invalid'][number]): Finding['code'] {
  if (primary) return 'key-primary-unusable';
  return isMismatch ? 'key-mismatch' : 'key-invalid';
}

function findExpired([sealing]: readonly KeyEntry[], { nowMs, namespace }: KeysState): Finding[] {
  if (sealing === undefined || sealing.key.certificate.notAfter.getTime() >= nowMs) return [];
  const date = sealing.key.certificate.notAfter.toISOString().slice(0, 10);
  return [finding('key-expired', { namespace, name: sealing.key.name }, `key ${sealing.id}, on ${date}`)];
}

function findPrimaries(usable: readonly KeyEntry[], { namespace, ring }: KeysState): Finding[] {
  const valid = usable.filter(({ key }) => key.primary).map(({ key, id }) => ({ name: key.name, detail: `key ${id}` }));
  const invalid = ring.invalid.filter(({ primary }) => primary).map(({ name }) => ({ name, detail: 'holds no key' }));
  const code = valid.length + invalid.length > 1 ? 'key-several-primaries' : 'key-primary';
  const marked = code === 'key-primary' ? valid : [...valid, ...invalid];
  return marked.map(({ name, detail }) => finding(code, { namespace, name }, detail));
}

/** Compares what the process hands out with what our rule makes of the Secrets. */
function findServed(usable: readonly KeyEntry[], { served, controller, ring, namespace }: KeysState): Finding[] {
  if (served === undefined) return [];
  const spki = served.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const [sealing] = usable;
  if (sealing?.key.spki === spki) return [];
  const today = `today key ${keyIdOf(served.publicKey)}`;
  const known = ring.entries.find(({ key }) => key.spki === spki);
  if (known === undefined) return [finding('sealing-key-without-secret', controller, today)];
  if (sealing === undefined) return [];
  const why = usable.includes(known) ? '' : `, whose Secret ${known.key.name} is out of use`;
  const detail = `${today}${why}; afterwards key ${sealing.id}`;
  return [finding('sealing-key-changes', { namespace, name: sealing.key.name }, detail)];
}
