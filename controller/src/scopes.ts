import { setTimeout as delay } from 'node:timers/promises';
import type {
  Change,
  NamespacesApi,
  Reflector,
  ReflectorState,
  SealedSecretReflector,
  SealedSecretSummary,
  SecretMetadata,
} from './kube/api.ts';
import type { Logger } from './logger.ts';
import type { ObjectCache } from './reconcile.ts';

/** A part of the cluster with caches of its own: one namespace, or all of them. */
interface Scope {
  /** Empty: all namespaces. */
  readonly namespace: string;
  readonly sealedSecrets: SealedSecretReflector;
  /** Undefined with `--skip-recreate`: nobody looks after Secrets then. */
  readonly secrets: Reflector<SecretMetadata> | undefined;
}

export interface ScopesOptions {
  readonly namespaces: readonly string[];
  readonly createSealedSecrets: (
    namespace: string,
    onChange: (change: Change<SealedSecretSummary>) => void,
  ) => SealedSecretReflector;
  readonly createSecrets: (
    namespace: string,
    onChange: (change: Change<SecretMetadata>) => void,
  ) => Reflector<SecretMetadata> | undefined;
  readonly onSealedSecret: (change: Change<SealedSecretSummary>) => void;
  readonly onSecret: (change: Change<SecretMetadata>) => void;
  /** Whether a selector hides Secrets, so that absence from the cache means nothing. */
  readonly isSelective: boolean;
  readonly api: NamespacesApi;
  readonly ownNamespace: string;
  /** How often a namespace that does not exist is looked for. */
  readonly namespacePollIntervalMs: number;
  readonly logger: Logger;
}

/** The caches of all namespaces that are looked after. */
export interface Scopes extends ObjectCache {
  /** Starts the reflectors; of a namespace that does not exist as soon as it does. */
  start(): void;
  stop(): Promise<void>;
  /** Whether every cache was complete once. One that may not be read does not keep the others from being ready. */
  readonly synced: boolean;
  /**
   * Resolves when all is {@link synced}, when something cannot be read at the moment, or after ten seconds. Work that begins earlier slows the lists
   * down by a factor of ten and more, and until they are complete nobody hears of a new object.
   */
  headStart(signal: AbortSignal): Promise<void>;
  readonly reflectors: ReadonlyMap<string, { readonly state: ReflectorState }>;
  sealedSecrets(): IterableIterator<SealedSecretSummary>;
  /** Secrets that a SealedSecret of their name controls which is not there, where both caches are complete. None with a selector. */
  orphans(): IterableIterator<SecretMetadata>;
}

/** So long others wait for complete lists: an unreadable cache must not stop anything. */
const longestHeadStartMs = 10_000;
const headStartLookMs = 5;

export function createScopes(options: ScopesOptions): Scopes {
  const scopes = new Map<string, Scope>();
  for (const namespace of options.namespaces) {
    scopes.set(namespace, {
      namespace,
      sealedSecrets: options.createSealedSecrets(namespace, options.onSealedSecret),
      secrets: options.createSecrets(namespace, options.onSecret),
    });
  }
  const everywhere = scopes.get('');
  const scopeOf = (key: string) => everywhere ?? scopes.get(key.slice(0, key.indexOf('/')));
  const stopping = new AbortController();
  /** Namespaces that do not exist yet: nothing is there to be read. */
  const awaited = new Set<Scope>();
  const reflectors = new Map<string, { readonly state: ReflectorState }>();
  for (const { namespace, sealedSecrets, secrets } of scopes.values()) {
    const suffix = namespace === '' ? '' : `/${namespace}`;
    reflectors.set(`sealedsecrets${suffix}`, sealedSecrets);
    if (secrets !== undefined) reflectors.set(`secrets${suffix}`, secrets);
  }

  const startScope = async (scope: Scope) => {
    const { namespace, sealedSecrets, secrets } = scope;
    await whenNamespaceExists(namespace, options, stopping.signal, () => awaited.add(scope));
    awaited.delete(scope);
    options.logger.info('starting informer', { namespace });
    if (secrets !== undefined) {
      secrets.start();
      // Known Secrets save a call per object.
      await headStart(() => secrets.state.synced || secrets.state.failure !== undefined, stopping.signal);
    }
    sealedSecrets.start();
  };
  const isSynced = () => {
    const isKnown = ({ state }: { readonly state: ReflectorState }) => state.synced || isOutOfReach(state);
    return [...scopes.values()].every(
      (scope) => awaited.has(scope) || (isKnown(scope.sealedSecrets) && (!scope.secrets || isKnown(scope.secrets))),
    );
  };

  return {
    sealedSecret: (key) => scopeOf(key)?.sealedSecrets.get(key),
    takeSealedSecret: (key) => scopeOf(key)?.sealedSecrets.take(key),
    releaseSealedSecret: (key) => scopeOf(key)?.sealedSecrets.release(key),
    secret(key) {
      const secrets = scopeOf(key)?.secrets;
      const known = secrets?.get(key);
      if (known !== undefined) return known;
      return secrets?.state.synced === true && !options.isSelective ? 'absent' : undefined;
    },
    start() {
      for (const scope of scopes.values()) startScope(scope).catch(ignoreAbort);
    },
    async stop() {
      stopping.abort();
      const running = [...scopes.values()].flatMap(({ sealedSecrets, secrets }) => [
        sealedSecrets.stop(),
        secrets?.stop(),
      ]);
      await Promise.all(running);
    },
    get synced() {
      return isSynced();
    },
    headStart(signal) {
      const isFailing = () => [...reflectors.values()].some(({ state }) => state.failure !== undefined);
      return headStart(() => isSynced() || isFailing(), signal).catch(ignoreAbort);
    },
    reflectors,
    *sealedSecrets() {
      for (const scope of scopes.values()) yield* scope.sealedSecrets.values();
    },
    *orphans() {
      // A selector may hide the SealedSecret and not its Secret.
      if (options.isSelective) return;
      for (const { sealedSecrets, secrets } of scopes.values()) {
        if (secrets?.state.synced !== true || !sealedSecrets.state.synced) continue;
        for (const secret of secrets.values()) if (isOrphan(secret, sealedSecrets)) yield secret;
      }
    },
  };
}

/** Waits until it is over, or for the longest time. */
async function headStart(isOver: () => boolean, signal: AbortSignal): Promise<void> {
  const deadlineMs = performance.now() + longestHeadStartMs;
  while (!isOver() && performance.now() < deadlineMs) {
    await delay(headStartLookMs, undefined, { signal });
  }
}

function isOrphan({ namespace, name, controller, deleting }: SecretMetadata, owners: SealedSecretReflector): boolean {
  if (deleting || controller?.kind !== 'SealedSecret' || controller.name !== name) return false;
  return owners.get(`${namespace}/${name}`) === undefined;
}

function isOutOfReach({ failure }: ReflectorState): boolean {
  const code = (failure as { code?: string } | undefined)?.code;
  return code === 'ApiForbidden' || code === 'NotFound';
}

/** An additional namespace that is not there yet is waited for; one that may not be looked up is taken to be there. */
async function whenNamespaceExists(
  namespace: string,
  options: ScopesOptions,
  signal: AbortSignal,
  onMissing: () => void,
): Promise<void> {
  if (namespace === '' || namespace === options.ownNamespace) return;
  for (let isFirst = true; ; isFirst = false) {
    try {
      if ((await options.api.get(namespace, { signal })) !== undefined) return;
    } catch {
      // The reflectors meet the same failure, report it, and go on trying.
      return;
    }
    if (isFirst) {
      options.logger.error("namespace doesn't exist; it is waited for", { namespace });
      onMissing();
    }
    await delay(options.namespacePollIntervalMs, undefined, { signal });
  }
}

/** Stopping cancels the waits above; nothing else rejects them. */
function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
}
