import {
  isSealedSecretsError,
  parseSealingCertificate,
  property,
  type SealingCertificate,
  textsAt,
} from '@waxwing/shared';
import type { ControllerService } from '../cluster.ts';
import { connectController } from '../cluster-access.ts';
import type { Io } from '../io.ts';
import type { ClusterOptions } from '../kubeconfig.ts';
import type { ClusterReader, Read } from './cluster-reader.ts';
import { definitionName } from './definition.ts';
import { chooseDeployment, type DeploymentState, deploymentOf } from './deployment.ts';
import { accessReview, type WantedPermission } from './permissions.ts';

/** The Deployment of the controller, by way of its Service; undefined, and a gap, where it cannot be found. */
export async function readDeployment(
  reader: ClusterReader,
  { namespace, name }: ControllerService,
): Promise<DeploymentState | undefined> {
  const service = await reader.get(`/api/v1/namespaces/${namespace}/services/${name}`, {
    verb: 'get',
    resource: 'services',
    what: `Service ${name}`,
    namespace,
  });
  const selector = typeof service === 'string' ? new Map<string, string>() : textsAt(service.found, 'spec', 'selector');
  const deployments: unknown[] = [];
  const action = { verb: 'list', resource: 'deployments.apps', what: 'Deployments', namespace };
  const read = await reader.list(`/apis/apps/v1/namespaces/${namespace}/deployments?`, action, (deployment) => {
    deployments.push(deployment);
  });
  if (read === 'unread') return undefined;
  const chosen = chooseDeployment(deployments, selector, name);
  if (chosen !== undefined) return deploymentOf(chosen);
  reader.addGap({
    what: 'the controller and its settings',
    reason: `no Deployment ${name}, and none behind a Service of that name, in namespace ${namespace}; name it with --controller-namespace and --controller-name (kubectl get deployments --all-namespaces | grep -i seal)`,
  });
  return undefined;
}

/** The certificate that the controller hands out, or why there is none. */
export type ServedCertificate = SealingCertificate | { readonly failure: string };

/** Asks the controller, by way of its Service. That it does not answer is an answer, too. */
export async function readCertificate(
  io: Io,
  options: ClusterOptions,
  service: ControllerService,
): Promise<ServedCertificate> {
  try {
    const controller = await connectController(io, options, service);
    return parseSealingCertificate((await controller.fetchCertificate()).toString('utf8'));
  } catch (error) {
    if (!isSealedSecretsError(error)) throw error;
    return { failure: error.message.split('\n', 1)[0] ?? '' };
  }
}

const reviewsAtOnce = 8;

/** Which of the permissions the controller's service account does not have. Nothing, and a gap, where one may not ask. */
export async function readDenied(
  reader: ClusterReader,
  deployment: DeploymentState,
  wanted: readonly WantedPermission[],
): Promise<WantedPermission[]> {
  const denied: WantedPermission[] = [];
  const review = async (permission: WantedPermission) => {
    const answer = await reader.post(
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      reviewAction,
      accessReview(deployment, permission),
    );
    if (typeof answer !== 'string' && ['status', 'allowed'].reduce(property, answer.found) !== true) {
      denied.push(permission);
    }
    return answer !== 'unread';
  };
  for (let i = 0; i < wanted.length; i += reviewsAtOnce) {
    const answers = await Promise.all(wanted.slice(i, i + reviewsAtOnce).map(review));
    if (answers.includes(false)) return [];
  }
  return wanted.filter((permission) => denied.includes(permission));
}

const reviewAction = {
  verb: 'create',
  resource: 'subjectaccessreviews.authorization.k8s.io',
  what: "the controller's permissions",
};

/** Those of the namespaces that do not exist. */
export async function readMissingNamespaces(reader: ClusterReader, names: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) {
    const action = { verb: 'get', resource: 'namespaces', what: `namespace ${name}` };
    if ((await reader.get(`/api/v1/namespaces/${name}`, action)) === 'absent') missing.push(name);
  }
  return missing;
}

export function readDefinition(reader: ClusterReader): Promise<Read> {
  const resource = 'customresourcedefinitions.apiextensions.k8s.io';
  return reader.get(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definitionName}`, {
    verb: 'get',
    resource,
    what: `the CRD ${definitionName}`,
  });
}
