import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { readObject, readSecret, type Secret } from '@waxwing/shared';
import type { Json } from '../../test/apiserver/client.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Narrator } from './narrator.ts';
import type { World } from './world.ts';

interface Stage {
  readonly world: World;
  readonly narrator: Narrator;
  /** Where the files of this run are; removed at the end. */
  readonly folder: string;
  /** Whether everything is stopped after the story. */
  readonly cleansUp: boolean;
  /** The user's own Secret; without it an example is written. */
  readonly secretFile: string | undefined;
}

const exampleSecret = `apiVersion: v1
kind: Secret
metadata:
  name: db-credentials
  namespace: payments
stringData:
  username: app_user
  password: correct horse battery staple
`;

/** The whole life of a secret, from the first sealing to the renewal of the key. */
export async function runStory(stage: Stage): Promise<void> {
  const example = stage.secretFile === undefined;
  const file = stage.secretFile ?? (await writeExample(stage.folder));
  const secret = await loadSecret(file);
  await fetchCertificate(stage, 'cert.pem');
  const sealed = await seal(stage, file, secret);
  await apply(stage, sealed, secret, example);
  await editOneValue(stage, sealed, secret, example);
  await refuseWrongNamespace(stage, sealed, secret);
  await repairDeletion(stage, secret);
  await renewKey(stage);
  await openOldFile(stage, sealed, secret);
  stage.narrator.done(stage.cleansUp);
}

async function writeExample(folder: string): Promise<string> {
  const file = join(folder, 'secret.yaml');
  await writeFile(file, exampleSecret);
  return file;
}

async function loadSecret(file: string): Promise<Secret> {
  const secret = readSecret(readObject(await readFile(file)).value, { source: file, lenient: 'yaml' });
  if (secret.metadata.name === '') throw new Error(`${file}: metadata.name is missing`);
  const namespace = secret.metadata.namespace === '' ? 'default' : secret.metadata.namespace;
  return { ...secret, metadata: { ...secret.metadata, namespace } };
}

async function fetchCertificate({ world, narrator }: Stage, name: string): Promise<void> {
  await narrator.step('Fetch the certificate; anyone may have it', async () => {
    narrator.command(`waxwing cert --cert ${world.controllerUrl}/v1/cert.pem --output ${name}`);
    const args = ['cert', '--cert', `${world.controllerUrl}/v1/cert.pem`, '--output', name];
    const { stderr } = await world.runProgram('waxwing', args);
    return stderr.trimEnd().split('\n');
  });
}

async function seal({ world, narrator, folder }: Stage, file: string, secret: Secret): Promise<string> {
  const sealed = join(folder, 'sealed.yaml');
  const shown = file.startsWith(folder) ? basename(file) : file;
  const { namespace } = secret.metadata;
  await narrator.step('Seal the Secret, offline', async () => {
    narrator.command(`waxwing seal ${shown} --cert cert.pem --namespace ${namespace} --output sealed.yaml`);
    const args = ['seal', resolve(file), '--cert', 'cert.pem', '--namespace', namespace, '--output', 'sealed.yaml'];
    const { stderr } = await world.runProgram('waxwing', args);
    const text = await readFile(sealed, 'utf8');
    return [...stderr.trimEnd().split('\n'), 'sealed.yaml can go into Git:', ...shorten(text)];
  });
  return sealed;
}

/** A YAML text for the eye: ciphertexts cut to their beginning. */
function shorten(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line.length > 72 ? `${line.slice(0, 60)}... (${line.length} characters)` : line}`);
}

async function apply({ world, narrator }: Stage, sealed: string, secret: Secret, example: boolean): Promise<void> {
  await narrator.step('Apply it, as GitOps would', async () => {
    await ensureNamespace(world, secret.metadata.namespace);
    await applyObject(world, await sealedObject(sealed, secret.metadata.namespace));
    const found = await waitForSecret(world, secret);
    return describeData(found, example, new Set());
  });
}

async function editOneValue(
  { world, narrator, folder }: Stage,
  sealed: string,
  secret: Secret,
  example: boolean,
): Promise<void> {
  const [item] = secret.data.keys();
  if (item === undefined) return;
  await narrator.step(`Change one value (${item}); the others stay as they are in the file`, async () => {
    const edit = join(folder, 'edit.yaml');
    const { name, namespace } = secret.metadata;
    const value = `changed-${item}`;
    const metadata = { name, namespace };
    await writeFile(
      edit,
      JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { [item]: value } }),
    );
    narrator.command('waxwing merge edit.yaml --into sealed.yaml --cert cert.pem');
    await world.runProgram('waxwing', ['merge', 'edit.yaml', '--into', 'sealed.yaml', '--cert', 'cert.pem']);
    await applyObject(world, await sealedObject(sealed, namespace));
    const expected: Secret = { ...secret, data: new Map(secret.data).set(item, Buffer.from(value)) };
    return describeData(await waitForSecret(world, expected), example, new Set([item]));
  });
}

async function refuseWrongNamespace({ world, narrator }: Stage, sealed: string, secret: Secret): Promise<void> {
  await narrator.step('Somebody copies the file into another namespace', async () => {
    await ensureNamespace(world, 'intruder');
    const copy = await sealedObject(sealed, 'intruder');
    await applyObject(world, copy);
    const { name } = secret.metadata;
    const path = `${sealedSecretsPath('intruder')}/${name}`;
    const condition = await waitFor(
      async () => {
        const { body } = await world.server.client.request('GET', path);
        return body.status?.conditions?.find((entry: Json) => entry.status === 'False');
      },
      { what: 'the condition of the copy' },
    );
    const { status } = await world.server.client.request('GET', `/api/v1/namespaces/intruder/secrets/${name}`);
    if (status !== 404) throw new Error('the copy was unsealed');
    await world.server.client.request('DELETE', path);
    return ['no Secret appears; kubectl describe says why:', `  ${condition.reason}: ${condition.message}`];
  });
}

async function repairDeletion({ world, narrator }: Stage, secret: Secret): Promise<void> {
  const path = secretPath(secret);
  await narrator.step('Somebody deletes the Secret', async () => {
    const before = await world.server.client.request('GET', path);
    await world.server.client.request('DELETE', path);
    await waitFor(
      async () => {
        const { status, body } = await world.server.client.request('GET', path);
        return status === 200 && body.metadata.uid !== before.body.metadata.uid;
      },
      { what: 'the Secret to be made again' },
    );
    return ['it is back'];
  });
}

async function renewKey({ world, narrator }: Stage): Promise<void> {
  await narrator.step('Renew the key', async () => {
    const certificate = async () => (await fetch(`${world.controllerUrl}/v1/cert.pem`)).text();
    const before = await certificate();
    world.renewKey();
    await waitFor(async () => (await certificate()) !== before, { timeoutMs: 30_000, what: 'a new certificate' });
    return ['new files will be sealed for the new key; the old key keeps opening the old ones'];
  });
}

async function openOldFile({ world, narrator }: Stage, sealed: string, secret: Secret): Promise<void> {
  await narrator.step('Remove everything and apply the file from Git again, sealed under the old key', async () => {
    const { name, namespace } = secret.metadata;
    const { client } = world.server;
    await client.request('DELETE', `${sealedSecretsPath(namespace)}/${name}`);
    await waitFor(async () => (await client.request('GET', secretPath(secret))).status === 404, {
      timeoutMs: 20_000,
      what: 'the garbage collector to remove the Secret',
    });
    await applyObject(world, await sealedObject(sealed, namespace));
    await waitFor(async () => (await client.request('GET', secretPath(secret))).status === 200, { what: 'the Secret' });
    return ['the Secret went with its SealedSecret, and came back with it: the old file still opens'];
  });
}

function sealedSecretsPath(namespace: string): string {
  return `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets`;
}

function secretPath({ metadata }: Secret): string {
  return `/api/v1/namespaces/${metadata.namespace}/secrets/${metadata.name}`;
}

async function ensureNamespace(world: World, name: string): Promise<void> {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
  const { status, body } = await world.server.client.request('POST', '/api/v1/namespaces', namespace);
  if (status !== 201 && status !== 409) throw new Error(`namespace ${name}: ${body.message}`);
}

/** The file as the API server takes it, in the namespace given. */
async function sealedObject(file: string, namespace: string): Promise<string> {
  const { metadata } = toJson(readObject(await readFile(file)).value) as { metadata: Json };
  const object = toJson(readObject(await readFile(file)).value) as Json;
  return JSON.stringify({ ...object, metadata: { ...metadata, namespace } });
}

/** Documents have Maps for objects; names such as `__proto__` stay own properties. */
function toJson(value: unknown): unknown {
  if (value instanceof Map) {
    const object = Object.create(null) as Record<string, unknown>;
    for (const [key, entry] of value) object[key] = toJson(entry);
    return object;
  }
  return Array.isArray(value) ? value.map(toJson) : value;
}

async function applyObject(world: World, object: string): Promise<void> {
  const { metadata } = JSON.parse(object) as { metadata: { name: string; namespace: string } };
  const path = `${sealedSecretsPath(metadata.namespace)}/${metadata.name}?fieldManager=demo&force=true`;
  const { status, body } = await world.server.client.request('PATCH', path, object, {
    'content-type': 'application/apply-patch+yaml',
  });
  if (status !== 200 && status !== 201) throw new Error(`applying ${metadata.name}: ${status} ${body.message ?? body}`);
}

/** Waits until the Secret is there with exactly the values expected. */
async function waitForSecret(world: World, expected: Secret): Promise<Json> {
  return waitFor(
    async () => {
      const { status, body } = await world.server.client.request('GET', secretPath(expected));
      if (status !== 200) return undefined;
      const same = [...expected.data].every(
        ([item, value]) => body.data?.[item] === Buffer.from(value).toString('base64'),
      );
      return same ? body : undefined;
    },
    { timeoutMs: 20_000, what: 'the Secret with its values' },
  );
}

/** Values of the example are shown; those of a user's own file are not. */
function describeData(secret: Json, showValues: boolean, changed: ReadonlySet<string>): string[] {
  const items = Object.entries(secret.data as Record<string, string>);
  const lines = items.map(([item, base64]) => {
    const value = Buffer.from(base64, 'base64');
    return `  ${item}: ${showValues ? value.toString() : `${value.length} bytes, ${changed.has(item) ? 'the new value' : 'as in your file'}`}`;
  });
  return [`Secret ${secret.metadata.namespace}/${secret.metadata.name} is there:`, ...lines];
}
