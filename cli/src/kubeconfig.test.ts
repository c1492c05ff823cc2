import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ClusterOptions, configuredNamespace, loadKubeconfig, pathOf } from './kubeconfig.ts';
import { createTestIo } from './testing/index.ts';

const nothingSaid: ClusterOptions = {
  kubeconfig: '',
  context: '',
  namespace: '',
  cluster: '',
  user: '',
  server: '',
  tlsServerName: '',
  insecureSkipTlsVerify: false,
  certificateAuthority: '',
  clientCertificate: '',
  clientKey: '',
  token: '',
  username: '',
  password: '',
  impersonate: { user: '', uid: '', groups: [] },
  proxyUrl: '',
  requestTimeoutMs: undefined,
};

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'waxwing-kubeconfig-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => {
  fs.mkdirSync(join(folder, name, '..'), { recursive: true });
  fs.writeFileSync(join(folder, name), text);
};
const contexts = (current: string, ...rows: [string, string][]) =>
  `current-context: ${current}\ncontexts:\n${rows.map(([name, namespace]) => `- {name: ${name}, context: {cluster: c, user: u, namespace: ${namespace}}}\n`).join('')}`;
const namespace = (options: Partial<ClusterOptions> = {}, env: Record<string, string> = {}) =>
  configuredNamespace(createTestIo({ workingFolder: folder, env }), { ...nothingSaid, ...options });

describe('the namespace that is configured', () => {
  beforeEach(() => {
    write('one', contexts('a', ['a', 'of-a'], ['b', 'of-b']));
    write('two', contexts('z', ['a', 'other-a'], ['z', 'of-z'], ['bare', '""']));
    write('home/.kube/config', contexts('h', ['h', 'of-home']));
    write('empty', '');
  });

  test.for([
    ['of the current context', { kubeconfig: 'one' }, {}, 'of-a'],
    ['of the context asked for', { kubeconfig: 'one', context: 'b' }, {}, 'of-b'],
    ['of a context without one', { kubeconfig: 'two', context: 'bare' }, {}, 'default'],
    ['of the first of several files', {}, { KUBECONFIG: 'one:two' }, 'of-a'],
    ['of a context that only the second file has', { context: 'z' }, { KUBECONFIG: 'one:two' }, 'of-z'],
    ['with a missing file in the list', {}, { KUBECONFIG: 'missing::two' }, 'of-z'],
    ['of the home folder', {}, { HOME: 'home' }, 'of-home'],
    ['of an explicit file before the list', { kubeconfig: 'two' }, { KUBECONFIG: 'one', HOME: 'home' }, 'of-z'],
    ['of a server on the command line', { server: 'https://example.com' }, {}, 'default'],
  ] as [string, Partial<ClusterOptions>, Record<string, string>, string][])('%s', async ([, options, env, wanted]) => {
    expect(await namespace(options, env)).toBe(wanted);
  });

  test.for([
    [
      'nothing at all',
      {},
      {},
      'invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable',
    ],
    [
      'an empty file',
      { kubeconfig: 'empty' },
      {},
      'invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable',
    ],
    ['an explicit file that is missing', { kubeconfig: 'missing' }, {}, 'stat missing: no such file or directory'],
    ['a context that is missing', { kubeconfig: 'one', context: 'nope' }, {}, 'context "nope" does not exist'],
  ] as [string, Partial<ClusterOptions>, Record<string, string>, string][])(
    'is an error with %s',
    async ([, options, env, message]) => {
      await expect(namespace(options, env)).rejects.toThrow(message);
    },
  );

  test('names a broken file of a list, with the position', async () => {
    write('broken', 'contexts:\n- {name: x');
    await expect(namespace({}, { KUBECONFIG: 'one:broken' })).rejects.toThrow(
      /^error loading config file "broken": document 1, line /,
    );
  });
});

test('paths are relative to the file that has them', async () => {
  write('deep/config', 'users:\n- name: u\n  user: {client-key: keys/k.pem, tokenFile: /absolute}\n');
  const { users } = await loadKubeconfig(createTestIo({ workingFolder: folder }), { kubeconfig: 'deep/config' });
  expect(pathOf(users.get('u'), 'client-key')).toBe(join(folder, 'deep/keys/k.pem'));
  expect(pathOf(users.get('u'), 'tokenFile')).toBe('/absolute');
  expect(pathOf(users.get('u'), 'client-certificate')).toBe('');
});
