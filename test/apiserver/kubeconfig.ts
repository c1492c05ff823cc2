import { readFile, writeFile } from 'node:fs/promises';
import { parse } from 'yaml';

/** What a connection needs, read from a kubeconfig's current context. */
export interface Connection {
  readonly server: string;
  readonly certificateAuthorityPem: string;
  readonly token: string;
}

/** Writes a kubeconfig (as JSON, which is YAML) with one context to `file`, readable by the owner only. */
export async function writeKubeconfig(
  file: string,
  connection: Connection,
  user: string,
  namespace = 'default',
): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'waxwing-test',
        cluster: {
          server: connection.server,
          'certificate-authority-data': Buffer.from(connection.certificateAuthorityPem).toString('base64'),
        },
      },
    ],
    users: [{ name: user, user: { token: connection.token } }],
    contexts: [{ name: 'waxwing-test', context: { cluster: 'waxwing-test', user, namespace } }],
    'current-context': 'waxwing-test',
  };
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
}

/** Reads a kubeconfig as this harness writes it: CA inline or as file, token inline. Throws if something is missing. */
export async function readKubeconfig(file: string): Promise<Connection> {
  const config = parse(await readFile(file, 'utf8'));
  const named = (kind: string, name: string) => {
    const entry = config[`${kind}s`]?.find((candidate: { name: string }) => candidate.name === name)?.[kind];
    if (entry === undefined) throw new Error(`${file}: there is no ${kind} ${JSON.stringify(name)}`);
    return entry;
  };
  const context = named('context', config['current-context']);
  const cluster = named('cluster', context.cluster);
  const user = named('user', context.user);
  const inline = cluster['certificate-authority-data'];
  const certificateAuthorityPem =
    inline === undefined
      ? await readFile(cluster['certificate-authority'], 'utf8')
      : Buffer.from(inline, 'base64').toString('utf8');
  if (typeof user.token !== 'string') throw new Error(`${file}: user ${JSON.stringify(context.user)} has no token`);
  return { server: cluster.server, certificateAuthorityPem, token: user.token };
}
