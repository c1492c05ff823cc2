import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import { seal } from './sealing.ts';

const label = 'sealedsecrets.bitnami.com/sealed-secrets-key';
const cluster = await startCluster();
const { server } = cluster;
const keyFile = (file: string) => readFileSync(new URL(`../vectors/test-keys/${file}`, import.meta.url), 'utf8');
const newKeyNamespace = () => createNamespace(server, { generateName: 'keys-' });
const secretsPath = (namespace: string, name = '') =>
  `/api/v1/namespaces/${namespace}/secrets${name === '' ? '' : `/${name}`}`;

async function keySecrets(namespace: string): Promise<Json[]> {
  const { body } = await server.request(
    'GET',
    `${secretsPath(namespace)}?labelSelector=${encodeURIComponent(`${label}=active`)}`,
  );
  return body.items;
}

/** Writes one of the vectors' keys as a key Secret. */
async function addKey(namespace: string, id: string, metadata: Json = {}, data: Json = {}): Promise<Json> {
  const encode = (file: string) => Buffer.from(keyFile(file)).toString('base64');
  return cluster.createSecret({
    metadata: { namespace, name: `key-${id}`, ...metadata, labels: { [label]: 'active', ...metadata.labels } },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': encode(`${id}.crt.pem`), 'tls.key': encode(`${id}.key.pem`), ...data },
  });
}

const certificateIs = (file: string, controller: Parameters<typeof certificateOf>[0]) =>
  waitFor(async () => (await certificateOf(controller).catch(() => '')).trim() === keyFile(file).trim(), {
    what: file,
  });

describe('the first key', () => {
  it('is made exactly as upstream makes it', async () => {
    const namespace = await newKeyNamespace();
    const flags = [
      '--key-prefix=my-keys',
      '--my-cn=cluster one',
      '--privatekey-labels=team=a',
      '--privatekey-annotations=note=b',
    ];
    await using controller = await cluster.startController({ namespace, flags });
    const [secret, ...others] = await keySecrets(namespace);
    expect(others).toEqual([]);
    expect(secret.metadata.name).toMatch(/^my-keys[a-z0-9]{5}$/);
    expect(secret).toMatchObject({
      type: 'kubernetes.io/tls',
      metadata: { labels: { [label]: 'active', team: 'a' }, annotations: { note: 'b' } },
    });
    const pem = Buffer.from(secret.data['tls.crt'], 'base64').toString();
    expect(await certificateOf(controller)).toBe(pem);
    expect(Buffer.from(secret.data['tls.key'], 'base64').toString()).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    expect(controller.logs()).toContain('new key written');
  });

  it('is made where only junk is labelled as a key, and the junk is told', async () => {
    const namespace = await newKeyNamespace();
    await cluster.createSecret({
      metadata: { namespace, name: 'junk', labels: { [label]: 'active' } },
      data: { 'tls.key': 'anVuaw==' },
    });
    await using controller = await cluster.startController({ namespace });
    await certificateOf(controller);
    expect((await cluster.event(namespace, 'junk', 'InvalidKeySecret')).message).toContain(
      'data["tls.crt"] is missing',
    );
    expect(await controller.metric('waxwing_invalid_key_secrets')).toBe(1);
    expect(await keySecrets(namespace)).toHaveLength(2);
  });
});

describe('flags for keys', () => {
  it('--key-ttl says how long a certificate is valid', async () => {
    const namespace = await newKeyNamespace();
    await using controller = await cluster.startController({ namespace, flags: ['--key-ttl=1h'] });
    const { validFromDate, validToDate } = new X509Certificate(await certificateOf(controller));
    expect(validToDate.getTime() - validFromDate.getTime()).toBe(3_600_000);
  });

  it('--key-order-priority lets the key that was created last seal, whenever its certificate begins', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'charlie');
    // Times of creation have whole seconds.
    await delay(1100);
    await addKey(namespace, 'alpha');
    await using byCertificate = await cluster.startController({ namespace });
    await certificateIs('charlie.crt.pem', byCertificate);
    const flags = ['--key-order-priority=SecretCreationTimestamp'];
    await using byCreation = await cluster.startController({ namespace, flags });
    await certificateIs('alpha.crt.pem', byCreation);
  });
});

describe('a key Secret of the first releases, without a label and named as the prefix', () => {
  it('is a key, and no other is made beside it', async () => {
    const namespace = await newKeyNamespace();
    const encoded = (file: string) => Buffer.from(keyFile(file)).toString('base64');
    await cluster.createSecret({
      metadata: { namespace, name: 'sealed-secrets-key' },
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': encoded('alpha.crt.pem'), 'tls.key': encoded('alpha.key.pem') },
    });
    await using controller = await cluster.startController({ namespace, flags: ['--key-renew-period=0'] });
    await certificateIs('alpha.crt.pem', controller);
    expect(await keySecrets(namespace)).toEqual([]);
    const target = await cluster.createNamespace();
    await cluster.apply((await sealerOf(controller))({ namespace: target, name: 'app', data: { a: '1' } }));
    await cluster.secretWith(target, 'app', { a: '1' });
  });
});

describe('renewal', () => {
  it('by SIGUSR1 makes a key that is used at once, while the old one still opens', async () => {
    const namespace = await newKeyNamespace();
    await using controller = await cluster.startController({ namespace });
    const before = await certificateOf(controller);
    const sealed = seal({
      certificatePem: before,
      namespace: await cluster.createNamespace(),
      name: 'old',
      data: { a: '1' },
    });
    controller.kill('SIGUSR1');
    await waitFor(async () => (await certificateOf(controller)) !== before);
    expect(await keySecrets(namespace)).toHaveLength(2);
    await cluster.apply(sealed);
    await cluster.secretWith(sealed.metadata.namespace, 'old', { a: '1' });
  });

  it('happens by time, again and again', async () => {
    const namespace = await newKeyNamespace();
    await using _controller = await cluster.startController({ namespace, flags: ['--key-renew-period=1500ms'] });
    await waitFor(async () => (await keySecrets(namespace)).length >= 3);
  });

  it('happens at start when the newest key is older than the cut-off', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'alpha');
    const cutoff = new Date(Date.now() - 1000).toUTCString().replace('GMT', '+0000');
    await using _controller = await cluster.startController({ namespace, flags: [`--key-cutoff-time=${cutoff}`] });
    expect(await keySecrets(namespace)).toHaveLength(2);
  });

  it('does not happen beside a primary key', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'alpha', { annotations: { 'waxwing.dev/primary': 'true' } });
    await addKey(namespace, 'charlie');
    await using controller = await cluster.startController({ namespace, flags: ['--key-renew-period=1s'] });
    await certificateIs('alpha.crt.pem', controller);
    controller.kill('SIGUSR1');
    await waitFor(() => controller.logs().includes('cause=signal'));
    expect(await keySecrets(namespace)).toHaveLength(2);
  });

  it('asked for by a signal at any moment of the start makes one key or ends the process before it holds one', async () => {
    const namespace = await newKeyNamespace();
    for (const delayMs of [0, 20, 60, 120, 250]) {
      const controller = await cluster.startController({ namespace, waitUntilReady: false });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      controller.kill('SIGUSR1');
      const isDead = () => controller.child.signalCode !== null || controller.child.exitCode !== null;
      await waitFor(
        async () => isDead() || (await controller.request('/readyz').catch(() => undefined))?.status === 200,
      );
      // Before the program's first statement Node answers the signal itself, and opens its debugger.
      if (controller.logs().includes('Debugger listening')) {
        expect(await controller.exited()).toBe(1);
        expect(controller.logs()).not.toContain('registered private key');
      }
      await controller.stop();
    }
  });
});

describe('a key Secret that changes while the controller runs', () => {
  it('is used as soon as it appears, and what waited for it is unsealed', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'alpha');
    await using _controller = await cluster.startController({ namespace });
    const target = await cluster.createNamespace();
    const certificatePem = keyFile('delta.crt.pem');
    await cluster.apply(seal({ certificatePem, namespace: target, name: 'early', data: { a: '1' } }));
    await cluster.condition(target, 'early', 'False', 'UnknownKey');
    await addKey(namespace, 'delta');
    await cluster.secretWith(target, 'early', { a: '1' });
    await cluster.condition(target, 'early', 'True', 'Unsealed');
  });

  it('and is deleted seals no more and still opens; no key is made in its place', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'alpha');
    await addKey(namespace, 'charlie');
    await using controller = await cluster.startController({ namespace });
    await certificateIs('charlie.crt.pem', controller);
    await cluster.deleteSecret(namespace, 'key-charlie');
    await certificateIs('alpha.crt.pem', controller);
    await cluster.event(namespace, 'key-charlie', 'KeySecretDeleted');
    const target = await cluster.createNamespace();
    await cluster.apply(
      seal({ certificatePem: keyFile('charlie.crt.pem'), namespace: target, name: 'still', data: { a: '1' } }),
    );
    await cluster.secretWith(target, 'still', { a: '1' });
    await cluster.deleteSecret(namespace, 'key-alpha');
    await waitFor(async () => (await controller.request('/v1/cert.pem')).status === 500);
    expect(await keySecrets(namespace)).toEqual([]);
    expect((await controller.request('/readyz')).status).toBe(200);
  });

  it('and is relabelled opens nothing from then on', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'alpha');
    await addKey(namespace, 'charlie');
    await using controller = await cluster.startController({ namespace });
    await cluster.patchSecret(namespace, 'key-charlie', { metadata: { labels: { [label]: 'compromised' } } });
    await certificateIs('alpha.crt.pem', controller);
    const target = await cluster.createNamespace();
    await cluster.apply(
      seal({ certificatePem: keyFile('charlie.crt.pem'), namespace: target, name: 'no', data: { a: '1' } }),
    );
    await cluster.condition(target, 'no', 'False', 'UnknownKey');
  });

  it('and becomes junk is told and does not stop anything', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'alpha');
    await addKey(namespace, 'charlie');
    await using controller = await cluster.startController({ namespace });
    await certificateIs('charlie.crt.pem', controller);
    await cluster.patchSecret(namespace, 'key-charlie', { data: { 'tls.key': 'anVuaw==' } });
    await cluster.event(namespace, 'key-charlie', 'InvalidKeySecret');
    const told = await cluster.event(namespace, 'key-charlie', 'KeySecretOverwritten');
    expect(told.message).toContain('does not hold key');
    await certificateIs('alpha.crt.pem', controller);
    expect((await controller.request('/healthz')).status).toBe(200);
    expect(await controller.metric('waxwing_invalid_key_secrets')).toBe(1);
    // The key goes on opening: what is sealed under it, and nothing is said of a Secret that is gone.
    const target = await cluster.createNamespace();
    const certificatePem = keyFile('charlie.crt.pem');
    const sealed = seal({ certificatePem, namespace: target, name: 'still', data: { a: '1' } });
    await cluster.apply(sealed);
    await cluster.secretWith(target, 'still', { a: '1' });
    const verified = await controller.request('/v1/verify', { method: 'POST', body: JSON.stringify(sealed) });
    expect(verified.status).toBe(200);
    const events = await cluster.events(namespace, 'key-charlie');
    expect(events.map(({ reason }) => reason)).not.toContain('KeySecretDeleted');
    expect(controller.logs()).not.toContain('is gone');
  });

  it("and is made primary seals at once; when the mark goes, upstream's rule holds again", async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'alpha');
    await addKey(namespace, 'charlie');
    await using controller = await cluster.startController({ namespace });
    await certificateIs('charlie.crt.pem', controller);
    await cluster.patchSecret(namespace, 'key-alpha', { metadata: { annotations: { 'waxwing.dev/primary': 'true' } } });
    await certificateIs('alpha.crt.pem', controller);
    await cluster.patchSecret(namespace, 'key-alpha', { metadata: { annotations: { 'waxwing.dev/primary': null } } });
    await certificateIs('charlie.crt.pem', controller);
    await cluster.event(namespace, 'key-alpha', 'PrimaryKeyRemoved');
  });

  it('and is the expired primary stops the sealing endpoints with a reason, not unsealing', async () => {
    const namespace = await newKeyNamespace();
    await addKey(namespace, 'bravo', { annotations: { 'waxwing.dev/primary': 'true' } });
    await addKey(namespace, 'alpha');
    await using controller = await cluster.startController({ namespace });
    expect(await controller.request('/v1/cert.pem')).toMatchObject({
      status: 500,
      body: expect.stringContaining('expired'),
    });
    const target = await cluster.createNamespace();
    const sealed = seal({ certificatePem: keyFile('alpha.crt.pem'), namespace: target, name: 'one', data: { a: '1' } });
    expect((await controller.request('/v1/rotate', { method: 'POST', body: JSON.stringify(sealed) })).status).toBe(500);
    await cluster.apply(sealed);
    await cluster.secretWith(target, 'one', { a: '1' });
  });
});

describe('the endpoints', () => {
  it('verify and rotate what the controller can open', async () => {
    const namespace = await newKeyNamespace();
    await using controller = await cluster.startController({ namespace });
    const sealIt = await sealerOf(controller);
    const sealed = sealIt({ namespace: 'somewhere', name: 'one', data: { a: '1' } });
    const post = (path: string, body: Json) => controller.request(path, { method: 'POST', body: JSON.stringify(body) });
    expect((await post('/v1/verify', sealed)).status).toBe(200);
    expect((await post('/v1/verify', { ...sealed, metadata: { ...sealed.metadata, name: 'two' } })).status).toBe(409);
    controller.kill('SIGUSR1');
    await waitFor(async () => (await keySecrets(namespace)).length === 2);
    const rotated = JSON.parse((await post('/v1/rotate', sealed)).body);
    expect(rotated.spec.encryptedData.a).not.toBe(sealed.spec.encryptedData.a);
    expect((await post('/v1/verify', rotated)).status).toBe(200);
    expect(
      await controller.metric('sealed_secrets_controller_http_requests_total', { path: '/v1/verify', code: '200' }),
    ).toBe(2);
  });
});
