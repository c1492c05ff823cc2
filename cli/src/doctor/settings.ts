import { type Config, readConfig } from '@waxwing/shared/settings';
import { type DeploymentState, isController } from './deployment.ts';
import { type Finding, finding } from './finding.ts';

/** What the Deployment's settings come to if our controller is started with them. */
export interface JudgedSettings {
  /** With the defaults in place of what would be refused. */
  readonly config: Config;
  readonly findings: readonly Finding[];
}

/** Judges arguments and environment by the code that the controller reads them with. */
export function judgeSettings(deployment: DeploymentState): JudgedSettings {
  const invocation = readConfig(surroundingsOf(deployment, argumentsOf(deployment), deployment.env));
  const invalid = (problem: string) => finding('setting-invalid', deployment, problem);
  if (!('config' in invocation)) {
    const problem = invalid(`--${invocation.type}: it prints that and ends`);
    return { config: defaultConfig(deployment), findings: [problem, ...findUnusable(deployment)] };
  }
  const { config, warnings } = invocation;
  const problems = invocation.type === 'invalid' ? invocation.problems : [];
  const findings = [
    ...problems.map(invalid),
    ...warnings.map((warning) => finding('setting-changed', deployment, warning)),
    ...findUnread(deployment),
    ...findUnusable(deployment),
    ...findIgnored(deployment, config),
    ...findChanged(deployment, config),
  ];
  return { config, findings };
}

/** What holds where nothing is known of a Deployment. */
export function defaultConfig(place: { readonly namespace: string; readonly name: string }): Config {
  const invocation = readConfig(surroundingsOf(place, [], new Map()));
  if (invocation.type !== 'run') throw new TypeError('the defaults are refused');
  return invocation.config;
}

/** Words behind another program are not flags of ours. */
function argumentsOf({ command, args }: DeploymentState): readonly string[] {
  return hasOtherProgram(command) ? [] : [...command.slice(1), ...args];
}

function hasOtherProgram([program]: DeploymentState['command']): boolean {
  return program !== undefined && !isController(program);
}

function surroundingsOf(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  args: readonly string[],
  env: ReadonlyMap<string, string>,
): Parameters<typeof readConfig>[0] {
  return {
    args,
    env: {
      // Every Pod has these.
      KUBERNETES_SERVICE_HOST: 'kubernetes.default',
      KUBERNETES_SERVICE_PORT: '443',
      POD_NAMESPACE: namespace,
      ...Object.fromEntries(env),
    },
    hostname: name,
    readFile: () => undefined,
  };
}

function findUnread(deployment: DeploymentState): Finding[] {
  const isSetting = (name: string) => name.startsWith('SEALED_SECRETS_') || name === 'POD_NAMESPACE';
  const variables = [...deployment.unreadEnv].filter(([name]) => isSetting(name));
  return [
    ...variables.map(([name, source]) => finding('setting-unread', deployment, `${name}, from ${source}`)),
    ...deployment.unreadSources.map((source) => finding('setting-unread', deployment, `all variables of ${source}`)),
  ];
}

/** A cold start of 10,000 objects stays below this (docs/operations/install.md). */
const enoughMemoryMiB = 320;

function findUnusable(deployment: DeploymentState): Finding[] {
  const { command, memoryLimit, readinessPath } = deployment;
  const findings: Finding[] = [];
  if (hasOtherProgram(command))
    findings.push(finding('command', deployment, `${command[0]}; its flags were not looked at`));
  const limitBytes = parseQuantity(memoryLimit);
  if (limitBytes !== undefined && limitBytes < enoughMemoryMiB * 1024 * 1024) {
    findings.push(finding('memory-limit', deployment, `memory limit ${memoryLimit}`));
  }
  if (readinessPath === '/healthz') findings.push(finding('readiness', deployment));
  return findings;
}

const memoryUnits: Readonly<Record<string, number>> = {
  '': 1,
  k: 1000,
  M: 1000 ** 2,
  G: 1000 ** 3,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
};

/** A quantity of memory in bytes; undefined where there is none, or it is written as memory never is. */
function parseQuantity(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  const factor = memoryUnits[unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

/** Whether somebody set a flag, on the command line or in the environment. */
function isGiven(deployment: DeploymentState, flag: string): boolean {
  const written = new RegExp(`^--?${flag}(=|$)`);
  const variable = `SEALED_SECRETS_${flag.toUpperCase().replaceAll('-', '_')}`;
  return argumentsOf(deployment).some((word) => written.test(word)) || deployment.env.has(variable);
}

/** Variables of Go's runtime; limits of the container are read without them. */
const runtimeVariables = ['GOMAXPROCS', 'GOMEMLIMIT', 'GOGC', 'GODEBUG'];

function findIgnored(deployment: DeploymentState, { client }: Config): Finding[] {
  const flags: readonly (readonly [string, boolean, string])[] = [
    ['max-unseal-retries', true, 'failures are retried for ever'],
    ['watch-for-secrets', true, 'key Secrets are followed at all times'],
    ['kubeclient-qps', client.qps === undefined, 'there is no limit'],
    ['kubeclient-burst', client.qps === undefined, 'there is no limit'],
  ];
  const ignored = flags.filter(([flag, isIgnored]) => isIgnored && isGiven(deployment, flag));
  return [
    ...ignored.map(([flag, , why]) => finding('setting-ignored', deployment, `--${flag}: ${why}`)),
    ...runtimeVariables
      .filter((name) => deployment.env.has(name))
      .map((name) =>
        finding('setting-ignored', deployment, `${name}: the limits of the container are read without it`),
      ),
  ];
}

function findChanged(deployment: DeploymentState, { client, leaderElection, reconcile }: Config): Finding[] {
  const findings: Finding[] = [];
  const changed = (detail: string) => findings.push(finding('setting-changed', deployment, detail));
  if (client.qps !== undefined) {
    changed(`--kubeclient-qps=${client.qps}: limits the controller to that; without it there is no limit`);
  }
  if (reconcile.oldGcBehavior) changed('--old-gc-behavior: deletes only Secrets that belonged to the SealedSecret');
  if (reconcile.skipRecreate) changed('--skip-recreate: also leaves changed Secrets as they are');
  if (deployment.replicas > 1 && !leaderElection.enabled) {
    findings.push(finding('replicas', deployment, `${deployment.replicas} replicas`));
  }
  return findings;
}

/** Additional namespaces that are not there. */
export function findMissingNamespaces(
  place: { readonly namespace: string; readonly name: string },
  missing: readonly string[],
): Finding[] {
  return missing.map((namespace) => finding('namespace-missing', place, namespace));
}
