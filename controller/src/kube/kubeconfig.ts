import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import type { User } from '@kubernetes/client-node';
import { listAt, property, SealedSecretsError, textAt } from '@waxwing/shared';
import { parse } from 'yaml';
import { bearer, type CredentialSource, type Material } from './auth.ts';

// client-node's KubeConfig would read this file too, but importing it costs 83 MiB and most of a second (it brings every API type),
// more than half of the controller's memory. Only its exec and legacy auth plugins are used, each loaded when a file asks for it.

/**
 * A kubeconfig file. The file and all files it names are read again at each load, so replacing any of them is enough.
 *
 * @throws SealedSecretsError `InvalidConfiguration` from `load` if file, context, cluster or user is missing or unusable.
 */
export function kubeconfigSource(file: string, contextName: string | undefined): CredentialSource {
  let plugin: { readonly key: string; readonly authenticate: Authenticate } | undefined;
  let last: { readonly text: string; readonly context: Context } | undefined;

  /** The file is looked at every few seconds, and reading YAML takes longer than all the rest of an idle controller. */
  async function readContext(): Promise<Context> {
    const text = await readConfig(file);
    if (last?.text !== text) last = { text, context: parseContext(file, text, contextName) };
    return last.context;
  }

  async function pluginHeaders(user: unknown, cluster: unknown, fresh: boolean): Promise<PluginAnswer> {
    const key = JSON.stringify([user, cluster]);
    // A new instance forgets the credential that the plugin gave before.
    if (plugin === undefined || plugin.key !== key || fresh) plugin = { key, authenticate: await loadPlugin(user) };
    return plugin.authenticate();
  }

  return {
    async load(fresh) {
      const { cluster, user } = await readContext();
      const at = (path: string) => resolve(dirname(file), path);
      const inline = (value: unknown, name: string) => inlineOrFile(value, name, at);
      const answer = needsPlugin(user) ? await pluginHeaders(user, cluster, fresh) : await ownHeaders(user, at);
      const impersonated = textAt(user, 'as');
      const material: Material = {
        server: textAt(cluster, 'server').replace(/\/+$/, ''),
        headers: { ...answer.headers, ...(impersonated === '' ? {} : { 'impersonate-user': impersonated }) },
        ca: await inline(cluster, 'certificate-authority'),
        certificate: answer.certificate ?? (await inline(user, 'client-certificate')),
        key: answer.key ?? (await inline(user, 'client-key')),
        serverName: textAt(cluster, 'tls-server-name') || undefined,
        skipVerify: property(cluster, 'insecure-skip-tls-verify') === true,
        proxyUrl: textAt(cluster, 'proxy-url') || undefined,
      };
      if (material.server === '') throw invalid(file, 'its cluster has no server');
      if (material.proxyUrl !== undefined && !/^https?:/.test(material.proxyUrl)) {
        throw invalid(file, `proxy-url ${JSON.stringify(material.proxyUrl)} is not supported: only http and https are`);
      }
      return material;
    },
  };
}

interface PluginAnswer {
  readonly headers: Record<string, string>;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}
type Authenticate = () => Promise<PluginAnswer>;

function invalid(file: string, what: string): SealedSecretsError {
  return new SealedSecretsError('InvalidConfiguration', `kubeconfig ${file}: ${what}`);
}

interface Context {
  readonly cluster: unknown;
  readonly user: unknown;
}

async function readConfig(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw invalid(file, `cannot be read (${textAt(error, 'code')})`);
  }
}

function parseContext(file: string, text: string, name: string | undefined): Context {
  let config: unknown;
  try {
    config = parse(text);
  } catch {
    // The parser's message quotes the line, which may hold a token.
    throw invalid(file, 'is not valid YAML');
  }
  const contextName = name ?? textAt(config, 'current-context');
  if (contextName === '') throw invalid(file, 'has no current-context; choose one with --context');
  const named = (kind: string, wanted: string): unknown => {
    const entry = listAt(config, `${kind}s`).find((candidate) => textAt(candidate, 'name') === wanted);
    if (entry === undefined) throw invalid(file, `has no ${kind} ${JSON.stringify(wanted)}`);
    return property(entry, kind) ?? {};
  };
  const context = named('context', contextName);
  const userName = textAt(context, 'user');
  return {
    cluster: named('cluster', textAt(context, 'cluster')),
    user: userName === '' ? {} : named('user', userName),
  };
}

async function inlineOrFile(value: unknown, name: string, at: (path: string) => string): Promise<string | undefined> {
  const data = textAt(value, `${name}-data`);
  if (data !== '') return Buffer.from(data, 'base64').toString('utf8');
  const path = textAt(value, name);
  return path === '' ? undefined : readFile(at(path), 'utf8');
}

/** Token, token file, or user name and password, in client-go's order: a token file that can be read beats the token. */
async function ownHeaders(user: unknown, at: (path: string) => string): Promise<PluginAnswer> {
  const tokenFile = textAt(user, 'tokenFile');
  if (tokenFile !== '') return { headers: bearer(await readFile(at(tokenFile), 'utf8')) };
  const token = textAt(user, 'token');
  if (token !== '') return { headers: bearer(token) };
  const username = textAt(user, 'username');
  if (username === '') return { headers: {} };
  const pair = Buffer.from(`${username}:${textAt(user, 'password')}`).toString('base64');
  return { headers: { authorization: `Basic ${pair}` } };
}

function needsPlugin(user: unknown): boolean {
  return property(user, 'exec') !== undefined || property(user, 'auth-provider') !== undefined;
}

async function loadPlugin(user: unknown): Promise<Authenticate> {
  const clientUser: User = {
    name: 'kubeconfig',
    exec: property(user, 'exec'),
    authProvider: property(user, 'auth-provider'),
  };
  const apply = clientUser.exec === undefined ? await legacyPlugin(clientUser) : await execPlugin(clientUser);
  return async () => {
    const options: RequestOptions = {};
    await apply(options);
    const text = (value: unknown) => (value === undefined ? undefined : String(value));
    const headers = (options.headers ?? {}) as Readonly<Record<string, unknown>>;
    const authorization = text(headers['Authorization'] ?? headers['authorization']);
    return {
      headers: authorization === undefined ? {} : { authorization },
      certificate: text(options.cert),
      key: text(options.key),
    };
  };
}

type Apply = (options: RequestOptions) => Promise<void>;

async function execPlugin(user: User): Promise<Apply> {
  const { ExecAuth } = await import('@kubernetes/client-node/dist/exec_auth.js');
  const plugin = new ExecAuth();
  return (options) => plugin.applyAuthentication(user, Object.assign(options, { headers: {} }));
}

/** `auth-provider` (oidc, gcp, azure): kubectl gave most of them up, so the whole of client-node is loaded for them. */
async function legacyPlugin(user: User): Promise<Apply> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'cluster', server: 'https://127.0.0.1', skipTLSVerify: false }, user);
  return (options) => config.applyToHTTPSOptions(options);
}
