import type { SealingCertificate } from '@waxwing/shared';
import type { Config } from '@waxwing/shared/settings';
import type { ControllerService } from '../cluster.ts';
import type { Io } from '../io.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { ClusterOptions } from '../kubeconfig.ts';
import { type ClusterReader, openCluster } from './cluster-reader.ts';
import { findDefinition, missingDefinition } from './definition.ts';
import type { DeploymentState } from './deployment.ts';
import type { Finding } from './finding.ts';
import { findController, findFailing } from './health.ts';
import { findKeyProblems, unsealingKeysIn, usableKeys } from './keys.ts';
import { findForObject } from './outlook.ts';
import { findPermissions, wantedPermissions } from './permissions.ts';
import {
  readCertificate,
  readDefinition,
  readDenied,
  readDeployment,
  readMissingNamespaces,
  type ServedCertificate,
} from './read-controller.ts';
import {
  type ReadObjects,
  type ReadSecrets,
  readKeys,
  readSealedSecrets,
  readSecrets,
  secretIn,
} from './read-objects.ts';
import type { Report } from './report.ts';
import { defaultConfig, findMissingNamespaces, judgeSettings } from './settings.ts';
import { uncheckedBy } from './unchecked.ts';

/** What an examination is given. */
export interface Examination {
  readonly io: Io;
  readonly cluster: ClusterOptions;
  /** The Service of the controller. */
  readonly service: ControllerService;
  /** Called for each object, to show that something happens. */
  readonly onProgress: () => Promise<void>;
}

/** Whether what there is works: controller, keys, objects. */
export async function examineHealth(examination: Examination): Promise<Report> {
  const { io, cluster, service, onProgress } = examination;
  const reader = await openCluster(io, cluster);
  const deployment = await readDeployment(reader, service);
  const config = deployment === undefined ? defaultConfig(service) : judgeSettings(deployment).config;
  const served = await readCertificate(io, cluster, service);
  const ring = await readKeys(reader, config);
  const read = await readSealedSecrets(reader, config, undefined, onProgress);
  return {
    mode: 'health',
    place: placeOf(reader, service, deployment),
    counts: { sealedSecrets: read.count, secrets: undefined, keys: ring?.entries.length },
    findings: [
      ...findController(deployment, service, served),
      ...findKeys(examination, { ring, config, deployment, served }),
      ...(read.isKnown ? [] : [missingDefinition()]),
      ...[...read.objects.values()].flatMap(({ facts }) => findFailing(facts)),
    ],
    gaps: reader.gaps,
    unchecked: [],
  };
}

/** What will be different once our controller runs here instead of upstream's. */
export async function examineMigration(examination: Examination): Promise<Report> {
  const { io, cluster, service, onProgress } = examination;
  const reader = await openCluster(io, cluster);
  const deployment = await readDeployment(reader, service);
  const settings = deployment === undefined ? undefined : judgeSettings(deployment);
  const config = settings?.config ?? defaultConfig(service);
  const definition = await examineDefinition(reader);
  const surroundings = deployment === undefined ? [] : await examineSurroundings(reader, deployment, config);
  const served = await readCertificate(io, cluster, service);
  const ring = await readKeys(reader, config);
  const keys = ring && unsealingKeysIn(usableKeys(ring, config.keys));
  const read = await readSealedSecrets(reader, config, keys, onProgress);
  const secrets = await readSecrets(reader, config, read.objects);
  return {
    mode: 'migration',
    place: placeOf(reader, service, deployment),
    counts: { sealedSecrets: read.count, secrets: secrets.count, keys: ring?.entries.length },
    findings: [
      ...(settings?.findings ?? []),
      ...(read.isKnown || definition.length > 0 ? definition : [missingDefinition()]),
      ...surroundings,
      ...findKeys(examination, { ring, config, deployment, served }),
      ...findObjects(read, secrets, config),
    ],
    gaps: reader.gaps,
    unchecked: uncheckedBy({ read, secrets, served, keys, config }),
  };
}

function placeOf(reader: ClusterReader, service: ControllerService, deployment?: DeploymentState): Report['place'] {
  return { server: reader.server, controller: `${service.namespace}/${service.name}`, image: deployment?.image };
}

async function examineDefinition(reader: ClusterReader): Promise<Finding[]> {
  const definition = await readDefinition(reader);
  if (definition === 'unread') return [];
  return definition === 'absent' ? [missingDefinition()] : findDefinition(definition.found);
}

/** What the controller is allowed, and the namespaces that it is told to watch. */
async function examineSurroundings(
  reader: ClusterReader,
  deployment: DeploymentState,
  config: Config,
): Promise<Finding[]> {
  const denied = await readDenied(reader, deployment, wantedPermissions(config));
  const missing = await readMissingNamespaces(reader, config.reconcile.additionalNamespaces);
  return [...findPermissions(deployment, denied), ...findMissingNamespaces(deployment, missing)];
}

interface ReadKeysState {
  readonly ring: KeyRing | undefined;
  readonly config: Config;
  readonly deployment: DeploymentState | undefined;
  readonly served: ServedCertificate;
}

function findKeys({ io, service }: Examination, { ring, config, deployment, served }: ReadKeysState): Finding[] {
  if (ring === undefined) return [];
  // Without a controller the namespace may be the wrong one, and no keys no news.
  if (deployment === undefined && ring.entries.length + ring.invalid.length === 0) return [];
  return findKeyProblems({
    namespace: config.namespace,
    ring,
    settings: config.keys,
    served: certificateIn(served),
    controller: deployment ?? service,
    nowMs: io.now().getTime(),
  });
}

function certificateIn(served: ServedCertificate): SealingCertificate | undefined {
  return 'failure' in served ? undefined : served;
}

function findObjects(read: ReadObjects, secrets: ReadSecrets, config: Config): Finding[] {
  const { allowServiceAccountTokens: allowsCredentialTypes } = config.reconcile;
  return [...read.objects.values()].flatMap(({ facts, trial }) =>
    findForObject(facts, { secret: secretIn(secrets, facts), trial, allowsCredentialTypes }),
  );
}
