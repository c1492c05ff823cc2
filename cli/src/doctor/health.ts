import type { ControllerService } from '../cluster.ts';
import type { DeploymentState } from './deployment.ts';
import { type Finding, finding } from './finding.ts';
import type { ServedCertificate } from './read-controller.ts';
import type { ObjectFacts } from './sealed-secrets.ts';

/** Whether the controller runs and answers. */
export function findController(
  deployment: DeploymentState | undefined,
  service: ControllerService,
  served: ServedCertificate,
): Finding[] {
  const unready = deployment === undefined || deployment.readyReplicas >= deployment.replicas;
  return [
    ...('failure' in served ? [finding('controller-unreachable', service, served.failure)] : []),
    ...(unready ? [] : [finding('controller-not-ready', deployment, readiness(deployment))]),
  ];
}

function readiness({ readyReplicas, replicas }: DeploymentState): string {
  return `${readyReplicas} of ${replicas} ready`;
}

/** What the status of an object says of it. */
export function findFailing(facts: ObjectFacts): Finding[] {
  const { synced, failure, invalid, isTerminating } = facts;
  if (isTerminating) return [];
  if (invalid !== undefined) return [finding('object-invalid', facts, invalid)];
  if (synced === 'True') return [];
  return [synced === 'False' ? finding('object-failing', facts, failure?.text) : finding('object-unseen', facts)];
}
