import { controllerOf, standingOf } from '@waxwing/shared';
import { type Finding, finding, listNames } from './finding.ts';
import { isForbidden, keepsOwners, type ObjectFacts, permitsUpdates } from './sealed-secrets.ts';
import { findDrift, type SecretFacts } from './secrets.ts';
import type { Trial } from './trial.ts';

/** What the outlook of an object rests on besides itself. */
export interface Surroundings {
  /** `absent`: there is none. `unread`: Secrets could not be listed. */
  readonly secret: SecretFacts | 'absent' | 'unread';
  /** Undefined where it was not tried. */
  readonly trial: Trial | undefined;
  /** `--allow-service-account-tokens` */
  readonly allowsCredentialTypes: boolean;
}

/** Everything that will be different for one SealedSecret. */
export function findForObject(facts: ObjectFacts, surroundings: Surroundings): Finding[] {
  if (facts.isTerminating) return [finding('object-terminating', facts)];
  if (facts.invalid !== undefined) return [finding('object-invalid', facts, facts.invalid)];
  const obstacle = findObstacle(facts, surroundings);
  return [...findInSpec(facts), ...(obstacle === undefined ? findWithoutObstacle(facts, surroundings) : [obstacle])];
}

function findInSpec(facts: ObjectFacts): Finding[] {
  const { entries, droppedNulls } = facts;
  return [
    ...(entries === undefined ? [finding('deprecated-data', facts)] : []),
    ...(droppedNulls.length > 0 ? [finding('null-dropped', facts, listNames(droppedNulls))] : []),
  ];
}

/** What keeps the Secret from being written: the object itself, or what is there under its name. */
function findObstacle(facts: ObjectFacts, { secret, trial, allowsCredentialTypes }: Surroundings): Finding | undefined {
  if (trial?.opens === false) {
    return finding(facts.synced === 'False' ? 'object-keeps-failing' : 'object-breaks', facts, trial.text);
  }
  if (secret === 'unread') return undefined;
  if (secret === 'absent') {
    const isRefused = isForbidden(facts) && !allowsCredentialTypes;
    return isRefused ? finding('type-refused', facts, `type ${facts.type}`) : undefined;
  }
  switch (standingOf(facts, secret.metadata)) {
    case 'terminating':
      return finding('secret-terminating', facts);
    case 'leftover':
      return finding('secret-leftover', facts);
    case 'foreign':
      return findForeign(facts, secret);
    default:
      return findOtherType(facts, secret);
  }
}

function findForeign(facts: ObjectFacts, { metadata }: SecretFacts): Finding {
  const controller = controllerOf(metadata);
  if (keepsOwners(facts) && !permitsUpdates(facts) && controller === undefined) return finding('owner-skipped', facts);
  const owner = controller === undefined ? 'without an owner' : `controlled by ${controller.kind} ${controller.name}`;
  // What is red today and stays red is no surprise of the swap.
  return facts.synced === 'False'
    ? finding('object-keeps-failing', facts, `NotManaged: a Secret of this name exists, ${owner}`)
    : finding('secret-foreign', facts, owner);
}

function findOtherType(facts: ObjectFacts, { type }: SecretFacts): Finding | undefined {
  if (facts.type === '' || facts.type === type) return undefined;
  const types = `type ${type} in the cluster, ${facts.type} in the SealedSecret`;
  return facts.synced === 'False'
    ? finding('object-keeps-failing', facts, `ImmutableSecret: ${types}`)
    : finding('secret-type', facts, types);
}

function findWithoutObstacle(facts: ObjectFacts, { secret, trial }: Surroundings): Finding[] {
  if (facts.synced === 'False') return [findRetried(facts, trial)];
  const untried = facts.otherScope !== undefined && trial === undefined;
  return [
    ...(untried ? [finding('scope-contradiction', facts, `${facts.otherScope} in the template`)] : []),
    ...findInSecret(facts, secret),
  ];
}

/** Decrypting was tried, rendering and writing were not: what failed there may fail again. */
function findRetried(facts: ObjectFacts, trial: Trial | undefined): Finding {
  const { kind, text } = facts.failure ?? { kind: 'other', text: '' };
  const isMended = trial?.opens === true && (kind === 'key' || kind === 'not-managed');
  return isMended
    ? finding('object-recovers', facts, `failed because ${text}`)
    : finding('object-retried', facts, text);
}

function findInSecret(facts: ObjectFacts, secret: Surroundings['secret']): Finding[] {
  if (secret === 'unread') return [];
  // One that was never looked at may be a moment old.
  if (secret === 'absent') return facts.synced === 'True' ? [finding('secret-missing', facts)] : [];
  return [
    ...(isForbidden(facts) ? [finding('type-kept', facts, `type ${facts.type}`)] : []),
    ...findDrift(facts, secret),
  ];
}
