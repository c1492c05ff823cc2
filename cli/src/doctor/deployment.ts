import { listAt, numberAt, property, textAt, textsAt } from '@waxwing/shared';

/** What a Deployment says about the controller it runs. */
export interface DeploymentState {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly image: string;
  readonly replicas: number;
  readonly readyReplicas: number;
  /** The program and what stands behind it; empty: what the image starts. */
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** Variables whose values stand elsewhere, with where: a ConfigMap or a Secret, which are not read. */
  readonly unreadEnv: ReadonlyMap<string, string>;
  /** Whole sources of variables. */
  readonly unreadSources: readonly string[];
  /** Path of the readiness probe; empty without one over HTTP. */
  readonly readinessPath: string;
  /** Of the container, as written; empty without one. */
  readonly memoryLimit: string;
}

/** The Deployment whose Pods a Service leads to, or else the one of that name. */
export function chooseDeployment(
  deployments: readonly unknown[],
  selector: ReadonlyMap<string, string>,
  name: string,
): unknown {
  const isSelected = (deployment: unknown) => {
    const labels = textsAt(deployment, 'spec', 'template', 'metadata', 'labels');
    return selector.size > 0 && [...selector].every(([key, value]) => labels.get(key) === value);
  };
  return (
    deployments.find(isSelected) ?? deployments.find((deployment) => textAt(deployment, 'metadata', 'name') === name)
  );
}

export function deploymentOf(raw: unknown): DeploymentState {
  const namespace = textAt(raw, 'metadata', 'namespace');
  const pod = ['spec', 'template', 'spec'].reduce(property, raw);
  const container = controllerContainer(listAt(pod, 'containers'));
  return {
    namespace,
    name: textAt(raw, 'metadata', 'name'),
    image: textAt(container, 'image'),
    serviceAccount: textAt(pod, 'serviceAccountName') || 'default',
    replicas: numberAt(raw, 'spec', 'replicas') ?? 1,
    readyReplicas: numberAt(raw, 'status', 'readyReplicas') ?? 0,
    readinessPath: textAt(container, 'readinessProbe', 'httpGet', 'path'),
    memoryLimit: textAt(container, 'resources', 'limits', 'memory'),
    ...startOf(container, namespace),
  };
}

/** Sidecars stand beside it: the one that is called so, or runs the program of that name. */
function controllerContainer(containers: readonly unknown[]): unknown {
  const isCalledSo = (container: unknown) => textAt(container, 'name').endsWith('controller');
  const runsIt = (container: unknown) => isController(String(listAt(container, 'command')[0] ?? ''));
  return containers.find(isCalledSo) ?? containers.find(runsIt) ?? containers[0];
}

/** Whether our image has this program. */
export function isController(program: string): boolean {
  return program === 'controller' || program === '/usr/local/bin/controller';
}

type Start = Pick<DeploymentState, 'command' | 'args' | 'env' | 'unreadEnv' | 'unreadSources'>;

function startOf(container: unknown, namespace: string): Start {
  const env = new Map<string, string>();
  const unreadEnv = new Map<string, string>();
  for (const variable of listAt(container, 'env')) {
    const name = textAt(variable, 'name');
    const source = unreadSource(property(variable, 'valueFrom'));
    const isNamespace = textAt(variable, 'valueFrom', 'fieldRef', 'fieldPath') === 'metadata.namespace';
    if (source !== undefined) unreadEnv.set(name, source);
    else env.set(name, isNamespace ? namespace : expand(textAt(variable, 'value'), env));
  }
  const words = (field: string) => listAt(container, field).map((word) => expand(String(word), env));
  const unreadSources = listAt(container, 'envFrom').map((source) => {
    const name = textAt(source, 'configMapRef', 'name');
    return name === '' ? `Secret ${textAt(source, 'secretRef', 'name')}` : `ConfigMap ${name}`;
  });
  return { command: words('command'), args: words('args'), env, unreadEnv, unreadSources };
}

function unreadSource(valueFrom: unknown): string | undefined {
  const configMap = textAt(valueFrom, 'configMapKeyRef', 'name');
  if (configMap !== '') return `ConfigMap ${configMap}`;
  const secret = textAt(valueFrom, 'secretKeyRef', 'name');
  return secret === '' ? undefined : `Secret ${secret}`;
}

/** `$(NAME)` as the kubelet replaces it: of variables that stand before, the others stay as they are. */
function expand(text: string, env: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\(([^)]+)\)/g, (written, name: string) => env.get(name) ?? written);
}
