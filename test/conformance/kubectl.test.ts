import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { goTool, goToolsBlocker } from '../apiserver/real/build.ts';
import { sealedSecretPath, startSuite, succeed } from './suite.ts';

const { server, admin, namespace } = await startSuite();
const missing = goToolsBlocker(['kubectl']);
const skipped = missing !== undefined && !process.env['CI'];
if (skipped) console.warn(`The tests with kubectl are skipped: ${missing}`);
const kubectlPath = skipped ? '' : await goTool('kubectl');
const folder = await mkdtemp(join(tmpdir(), 'waxwing-kubectl-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl as cluster admin in this file's namespace. */
function kubectl(...args: string[]): Promise<Outcome> {
  const common = ['--kubeconfig', server.kubeconfig, '--namespace', namespace, '--cache-dir', join(folder, 'cache')];
  return new Promise((resolve) => {
    execFile(kubectlPath, [...common, ...args], { timeout: 30_000 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ status, stdout, stderr });
    });
  });
}

/** Runs kubectl, which has to succeed without a word on stderr, and returns its stdout. */
async function said(...args: string[]): Promise<string> {
  const outcome = await kubectl(...args);
  expect(outcome).toMatchObject({ status: 0, stderr: '' });
  return outcome.stdout;
}

async function manifest(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, text);
  return file;
}

const sealedSecret = (value: string) => `apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: demo
spec:
  encryptedData:
    password: ${value}
  template:
    type: Opaque
`;

describe.skipIf(skipped).concurrent('kubectl', () => {
  it('apply creates, leaves unchanged, changes; diff tells; delete waits until it is gone', async () => {
    const file = await manifest('demo.yaml', sealedSecret('AgA'));
    expect(await said('apply', '-f', file)).toBe('sealedsecret.bitnami.com/demo created\n');
    expect(await said('apply', '-f', file)).toBe('sealedsecret.bitnami.com/demo unchanged\n');
    await manifest('demo.yaml', sealedSecret('AgB'));
    const diff = await kubectl('diff', '-f', file);
    expect(diff.status).toBe(1);
    expect(diff.stdout).toContain('+    password: AgB');
    expect(await said('apply', '-f', file)).toBe('sealedsecret.bitnami.com/demo configured\n');
    expect((await succeed(admin.request('GET', sealedSecretPath(namespace, 'demo')))).spec.encryptedData.password).toBe(
      'AgB',
    );
    expect(await said('delete', '-f', file)).toContain('"demo" deleted');
    const gone = await kubectl('get', 'sealedsecret', 'demo');
    expect(gone).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'Error from server (NotFound): sealedsecrets.bitnami.com "demo" not found\n',
    });
  });

  it('apply --server-side and --dry-run=server', async () => {
    const file = await manifest('server-side.yaml', sealedSecret('AgA').replace('demo', 'server-side'));
    expect(await said('apply', '--server-side', '--dry-run=server', '-f', file)).toContain('(server dry run)');
    expect(await said('apply', '--server-side', '-f', file)).toBe(
      'sealedsecret.bitnami.com/server-side serverside-applied\n',
    );
    expect(await said('get', 'sealedsecret/server-side', '-o', 'jsonpath={.spec.encryptedData.password}')).toBe('AgA');
  });

  it('apply of a wrong field is refused with its path', async () => {
    const file = await manifest('typo.yaml', sealedSecret('AgA').replace('encryptedData', 'encryptdData'));
    const outcome = await kubectl('apply', '-f', file);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr).toMatch(/spec\.encryptedData: Required value|unknown field "spec\.encryptdData"/);
  });

  it('get shows the columns of the CRD, and Reason with -o wide', async () => {
    const file = await manifest('columns.yaml', sealedSecret('AgA').replace('demo', 'columns'));
    await said('apply', '-f', file);
    const item = sealedSecretPath(namespace, 'columns');
    const stored = await succeed(admin.request('GET', item));
    const conditions = [{ type: 'Synced', status: 'False', reason: 'UnknownKey', message: 'no key fits' }];
    await succeed(admin.request('PUT', `${item}/status`, { ...stored, status: { conditions } }));
    const narrow = (await said('get', 'sealedsecrets', 'columns')).trimEnd().split('\n');
    expect(narrow[0]?.split(/\s{2,}/)).toEqual(['NAME', 'STATUS', 'SYNCED', 'AGE']);
    expect(narrow[1]).toMatch(/^columns\s+no key fits\s+False\s+\d+s$/);
    const wide = (await said('get', 'sealedsecrets', 'columns', '-o', 'wide')).trimEnd().split('\n');
    expect(wide[0]?.trimEnd().split(/\s{2,}/)).toEqual(['NAME', 'STATUS', 'SYNCED', 'AGE', 'REASON']);
    expect(wide[1]?.trimEnd()).toMatch(/UnknownKey$/);
  });

  it('get in yaml, by label and in all namespaces', async () => {
    await said('create', 'secret', 'generic', 'plain', '--from-literal=password=sesame');
    await said('label', 'secret', 'plain', 'team=a');
    const yaml = await said('get', 'secret', 'plain', '-o', 'yaml');
    expect(yaml).toContain('password: c2VzYW1l');
    expect(yaml).toContain('kind: Secret');
    expect(await said('get', 'secrets', '-l', 'team=a', '-o', 'name')).toBe('secret/plain\n');
    expect(await said('get', 'secrets', '--all-namespaces')).toMatch(
      new RegExp(`^${namespace}\\s+plain\\s+Opaque\\s+1\\s`, 'm'),
    );
    const table = await said('get', 'secret', 'plain');
    expect(table.split('\n')[0]?.split(/\s{2,}/)).toEqual(['NAME', 'TYPE', 'DATA', 'AGE']);
  });

  it('describe shows the object with its events', async () => {
    const file = await manifest('described.yaml', sealedSecret('AgA').replace('demo', 'described'));
    await said('apply', '-f', file);
    const { metadata } = await succeed(admin.request('GET', sealedSecretPath(namespace, 'described')));
    await succeed(
      admin.request('POST', `/api/v1/namespaces/${namespace}/events`, {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { generateName: 'described.' },
        involvedObject: {
          apiVersion: 'bitnami.com/v1alpha1',
          kind: 'SealedSecret',
          name: 'described',
          namespace,
          uid: metadata.uid,
        },
        reason: 'Unsealed',
        message: 'SealedSecret unsealed successfully',
        type: 'Normal',
        source: { component: 'sealed-secrets' },
        count: 1,
        firstTimestamp: '2026-01-02T03:04:05Z',
        lastTimestamp: '2026-01-02T03:04:05Z',
      }),
    );
    const text = await said('describe', 'sealedsecret', 'described');
    expect(text).toMatch(/^Name:\s+described$/m);
    expect(text).toMatch(/^Kind:\s+SealedSecret$/m);
    expect(text).toMatch(/Normal\s+Unsealed\s+\S+\s+sealed-secrets\s+SealedSecret unsealed successfully/);
    await said('create', 'secret', 'generic', 'described', '--from-literal=password=sesame');
    const secret = await said('describe', 'secret', 'described');
    expect(secret).toMatch(/password:\s+6 bytes/);
    expect(secret).not.toContain('sesame');
  });

  it('edit by patch, annotate and replace', async () => {
    await said('create', 'configmap', 'edited', '--from-literal=a=1');
    expect(await said('patch', 'configmap', 'edited', '-p', '{"data":{"b":"2"}}')).toBe('configmap/edited patched\n');
    expect(await said('annotate', 'configmap', 'edited', 'note=x')).toBe('configmap/edited annotated\n');
    const file = await manifest('edited.yaml', await said('get', 'configmap', 'edited', '-o', 'yaml'));
    expect(await said('replace', '-f', file)).toBe('configmap/edited replaced\n');
    expect(await said('get', 'configmap', 'edited', '-o', 'jsonpath={.data.b}')).toBe('2');
  });

  it('wait and rollout of conditions: wait --for=condition=Synced', async () => {
    const file = await manifest('awaited.yaml', sealedSecret('AgA').replace('demo', 'awaited'));
    await said('apply', '-f', file);
    const item = sealedSecretPath(namespace, 'awaited');
    const waiting = said('wait', '--for=condition=Synced', '--timeout=20s', 'sealedsecret/awaited');
    const stored = await succeed(admin.request('GET', item));
    const status = { conditions: [{ type: 'Synced', status: 'True' }] };
    await succeed(admin.request('PUT', `${item}/status`, { ...stored, status }));
    expect(await waiting).toBe('sealedsecret.bitnami.com/awaited condition met\n');
  });

  it('explain, api-resources, auth can-i and version know the server', async () => {
    expect(await said('explain', 'sealedsecret.spec.encryptedData')).toContain('FIELD: encryptedData');
    expect(await said('api-resources', '--api-group=bitnami.com', '-o', 'name')).toBe('sealedsecrets.bitnami.com\n');
    expect(await said('auth', 'can-i', 'create', 'sealedsecrets')).toBe('yes\n');
    expect(await said('version')).toMatch(/Server Version: v1\.36\./);
  });

  it('namespaces are created and deleted', async () => {
    const name = `${namespace}-kubectl`;
    expect(await said('create', 'namespace', name)).toBe(`namespace/${name} created\n`);
    expect(await said('get', 'namespace', name, '--no-headers')).toMatch(/Active/);
    // kubectl warns that the namespace of the command line does not matter here.
    const deleted = await kubectl('delete', 'namespace', name);
    expect(deleted).toMatchObject({ status: 0, stdout: expect.stringContaining(`"${name}" deleted`) });
    expect((await kubectl('get', 'namespace', name)).stderr).toContain('NotFound');
  });
});
