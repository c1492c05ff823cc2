import { delimiter, dirname, isAbsolute, join } from 'node:path';
import {
  type DocumentMap,
  type DocumentValue,
  isDocumentMap,
  isSealedSecretsError,
  readDocuments,
  SealedSecretsError,
  type SourceDocument,
} from '@waxwing/shared';
import { describeSystemError } from './descriptors.ts';
import { isMissingFile, readFile } from './input.ts';
import type { Io } from './io.ts';
import { homeFolder, resolvePath } from './paths.ts';

/** What the command line says about the cluster; the empty text stands for "not said". */
export interface ClusterOptions {
  /** Explicit kubeconfig file. */
  readonly kubeconfig: string;
  readonly context: string;
  readonly namespace: string;
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
  readonly tlsServerName: string;
  readonly insecureSkipTlsVerify: boolean;
  readonly certificateAuthority: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  readonly token: string;
  readonly username: string;
  readonly password: string;
  readonly impersonate: { readonly user: string; readonly uid: string; readonly groups: readonly string[] };
  readonly proxyUrl: string;
  /** Milliseconds for one request; 0 is for ever, undefined leaves it to us. */
  readonly requestTimeoutMs: number | undefined;
}

/** An entry of a kubeconfig with the folder that its relative paths start from. */
export interface KubeconfigEntry {
  readonly fields: DocumentMap;
  readonly folder: string;
}

/** Several kubeconfig files put together: for each name, and for the current context, the first file wins. */
export interface Kubeconfig {
  readonly clusters: ReadonlyMap<string, KubeconfigEntry>;
  readonly users: ReadonlyMap<string, KubeconfigEntry>;
  readonly contexts: ReadonlyMap<string, KubeconfigEntry>;
  readonly currentContext: string;
}

const kubeconfigLimitBytes = 64 * 1024 * 1024;
const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Where a pod finds the credentials of its service account. */
export const serviceAccountFiles = {
  token: `${serviceAccountFolder}/token`,
  certificateAuthority: `${serviceAccountFolder}/ca.crt`,
  namespace: `${serviceAccountFolder}/namespace`,
} as const;

/** The answer where nothing says which cluster to talk to. The words are those of every Kubernetes client. */
export function noConfiguration(): SealedSecretsError {
  return new SealedSecretsError(
    'InvalidConfiguration',
    'invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable',
    {
      hint: 'Name a kubeconfig with --kubeconfig or KUBECONFIG; to work without a cluster give --cert (and --namespace).',
    },
  );
}

/**
 * Reads the kubeconfig files: the explicit one, else those of `KUBECONFIG`, else `~/.kube/config`. Only an explicit file must exist.
 *
 * @throws SealedSecretsError `UnreadableFile` or `InvalidConfiguration`, naming the file.
 */
export async function loadKubeconfig(io: Io, options: Pick<ClusterOptions, 'kubeconfig'>): Promise<Kubeconfig> {
  const clusters = new Map<string, KubeconfigEntry>();
  const users = new Map<string, KubeconfigEntry>();
  const contexts = new Map<string, KubeconfigEntry>();
  let currentContext = '';
  for (const name of kubeconfigFiles(io, options.kubeconfig)) {
    const root = await readKubeconfigFile(io, name, options.kubeconfig !== '');
    if (root === undefined) continue;
    const folder = dirname(resolvePath(io, name));
    addEntries(clusters, root, 'clusters', 'cluster', folder);
    addEntries(users, root, 'users', 'user', folder);
    addEntries(contexts, root, 'contexts', 'context', folder);
    if (currentContext === '') currentContext = textOf(root.get('current-context'));
  }
  return { clusters, users, contexts, currentContext };
}

function kubeconfigFiles(io: Io, explicit: string): string[] {
  if (explicit !== '') return [explicit];
  const listed = (io.env['KUBECONFIG'] ?? '').split(delimiter).filter((name) => name !== '');
  if (listed.length > 0) return listed;
  const home = homeFolder(io.env);
  return home === undefined ? [] : [join(home, '.kube', 'config')];
}

async function readKubeconfigFile(io: Io, name: string, mustExist: boolean): Promise<DocumentMap | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(io, name, kubeconfigLimitBytes);
  } catch (error) {
    if (!isMissingFile(error)) throw loadingFailed(name, error);
    if (!mustExist) return undefined;
    throw new SealedSecretsError('UnreadableFile', `stat ${name}: no such file or directory`, {
      hint: 'The file named by --kubeconfig is not there.',
    });
  }
  let first: SourceDocument | undefined;
  try {
    [first] = readDocuments(bytes, { source: name, maxDocumentBytes: kubeconfigLimitBytes });
  } catch (error) {
    throw loadingFailed(name, error);
  }
  if (first === undefined) return undefined;
  if (!isDocumentMap(first.value)) throw loadingFailed(name, new Error('expected an object'));
  return first.value;
}

function loadingFailed(name: string, error: unknown): SealedSecretsError {
  const text = isSealedSecretsError(error) ? error.message : describeSystemError(error);
  // The readers name the file too; once is enough.
  const reason = text.startsWith(`${name}: `) ? text.slice(name.length + 2) : text;
  return new SealedSecretsError('InvalidConfiguration', `error loading config file ${JSON.stringify(name)}: ${reason}`);
}

function addEntries(
  target: Map<string, KubeconfigEntry>,
  root: DocumentMap,
  list: string,
  field: string,
  folder: string,
): void {
  const items = root.get(list);
  for (const item of Array.isArray(items) ? items : []) {
    if (!isDocumentMap(item)) continue;
    const name = textOf(item.get('name'));
    const fields = item.get(field);
    if (!target.has(name)) target.set(name, { fields: isDocumentMap(fields) ? fields : new Map(), folder });
  }
}

export function textOf(value: DocumentValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A path of a kubeconfig entry, absolute; empty when the entry does not have it. */
export function pathOf(entry: KubeconfigEntry | undefined, name: string): string {
  const path = textOf(entry?.fields.get(name));
  return entry === undefined || path === '' || isAbsolute(path) ? path : join(entry.folder, path);
}

/**
 * The context in use: the one asked for, else the current one. Undefined when none is named, or the current one does not exist.
 *
 * @throws SealedSecretsError `InvalidConfiguration` when the one asked for does not exist.
 */
export function contextOf(
  kubeconfig: Kubeconfig,
  options: Pick<ClusterOptions, 'context'>,
): KubeconfigEntry | undefined {
  const context = kubeconfig.contexts.get(options.context === '' ? kubeconfig.currentContext : options.context);
  if (context !== undefined || options.context === '') return context;
  const known = [...kubeconfig.contexts.keys()].join(', ');
  throw new SealedSecretsError('InvalidConfiguration', `context ${JSON.stringify(options.context)} does not exist`, {
    hint: known === '' ? 'The kubeconfig has no contexts.' : `The kubeconfig has: ${known}`,
  });
}

/** Whether the process runs in a pod that may talk to its API server. */
export function isInCluster(io: Io): boolean {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '' } = io.env;
  return (
    host !== '' && port !== '' && io.files.statSync(serviceAccountFiles.token, { throwIfNoEntry: false }) !== undefined
  );
}

/** Whether anything in the files or on the command line names an API server. */
export function isConfigured(kubeconfig: Kubeconfig, options: Pick<ClusterOptions, 'server'>): boolean {
  return options.server !== '' || kubeconfig.clusters.size > 0 || kubeconfig.contexts.size > 0;
}

/**
 * The namespace to work in when neither command line nor input name one: that of the context, else `default`.
 *
 * @throws SealedSecretsError when there is no usable configuration.
 */
export async function configuredNamespace(io: Io, options: ClusterOptions): Promise<string> {
  const kubeconfig = await loadKubeconfig(io, options);
  const context = contextOf(kubeconfig, options);
  if (isConfigured(kubeconfig, options)) return textOf(context?.fields.get('namespace')) || 'default';
  if (!isInCluster(io)) throw noConfiguration();
  return io.env['POD_NAMESPACE'] || (await serviceAccountNamespace(io)) || 'default';
}

async function serviceAccountNamespace(io: Io): Promise<string> {
  try {
    return (await readFile(io, serviceAccountFiles.namespace, kubeconfigLimitBytes)).toString().trim();
  } catch (error) {
    if (isMissingFile(error)) return '';
    throw error;
  }
}
