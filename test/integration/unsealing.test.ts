import { describe, expect, it } from 'vitest';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import { sealItem } from './sealing.ts';

const managed = 'sealedsecrets.bitnami.com/managed';
const patch = 'sealedsecrets.bitnami.com/patch';

const cluster = await startCluster();
const controller = await cluster.startController();
const seal = await sealerOf(controller);
const certificatePem = await certificateOf(controller);
const name = 'testsecret';
const data = { foo: 'bar' };
const labels = { mylabel: 'myvalue' };

/** A SealedSecret in a namespace of its own, as upstream's suite has it. */
async function prepared(parts: Partial<Parameters<typeof seal>[0]> = {}) {
  const namespace = await cluster.createNamespace();
  return { namespace, sealed: seal({ namespace, name, data, labels, ...parts }) };
}

const ownersOf = (secret: { metadata: { ownerReferences?: { name: string }[] } }) =>
  (secret.metadata.ownerReferences ?? []).map((owner) => owner.name);

describe('creating a SealedSecret', () => {
  it('yields a Secret with exactly the data and labels', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    const secret = await cluster.secretWith(namespace, name, data);
    expect(secret.metadata.labels).toEqual(labels);
    expect(secret.metadata.ownerReferences).toMatchObject([{ kind: 'SealedSecret', name, controller: true }]);
  });

  it('sets a status whose times are equal, and posts an event', async () => {
    const { namespace, sealed } = await prepared();
    const { metadata } = await cluster.apply(sealed);
    const condition = await cluster.condition(namespace, name, 'True', 'Unsealed');
    expect(condition.lastTransitionTime).toBe(condition.lastUpdateTime);
    expect(condition.message ?? '').toBe('');
    expect(await cluster.event(namespace, name, 'Unsealed')).toMatchObject({
      type: 'Normal',
      message: 'SealedSecret unsealed successfully',
      involvedObject: { kind: 'SealedSecret', namespace, name, uid: metadata.uid },
      source: { component: 'sealed-secrets' },
    });
  });

  it('writes each thing exactly once', async () => {
    const { namespace, sealed } = await prepared();
    const mark = await cluster.mark();
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    // What would follow an event of our own writes has happened by the time another object is done.
    const other = await prepared();
    await cluster.apply(other.sealed);
    await cluster.condition(other.namespace, name, 'True');
    const writes = (await cluster.writes(mark)).filter((write) => write.includes(`${namespace}/`));
    expect(writes.map((write) => write.split(' ').slice(0, 2).join(' '))).toEqual([
      'create secrets',
      'create events',
      'update sealedsecrets/status',
    ]);
  });

  it('with a docker config type yields that type', async () => {
    const docker = { '.dockerconfigjson': '{"auths":{}}' };
    const { namespace, sealed } = await prepared({ data: docker, type: 'kubernetes.io/dockerconfigjson' });
    await cluster.apply(sealed);
    const secret = await cluster.secretWith(namespace, name, docker);
    expect(secret.type).toBe('kubernetes.io/dockerconfigjson');
    await cluster.event(namespace, name, 'Unsealed');
    await cluster.condition(namespace, name, 'True');
  });

  it('that is immutable yields an immutable Secret', async () => {
    const { namespace, sealed } = await prepared({ immutable: true });
    await cluster.apply(sealed);
    expect((await cluster.secretWith(namespace, name, data)).immutable).toBe(true);
    await cluster.condition(namespace, name, 'True');
  });

  it('renders the template', async () => {
    const { namespace, sealed } = await prepared();
    sealed.spec.template.data = { 'config.ini': 'foo={{ .foo | upper }}', foo: null };
    await cluster.apply(sealed);
    await cluster.secretWith(namespace, name, { 'config.ini': 'foo=BAR' });
  });

  it('renders a template that makes a key, in a thread of its own', async () => {
    const { namespace, sealed } = await prepared();
    sealed.spec.template.data = { key: '{{ genPrivateKey "ed25519" }}', hash: '{{ bcrypt .foo }}' };
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    const secret = await cluster.secret(namespace, name);
    expect(secret?.data).toMatchObject({
      foo: 'bar',
      key: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----/),
      hash: expect.stringMatching(/^\$2a\$10\$/),
    });
  });

  it('gives all templates of an object one budget, however many they are', async () => {
    const { namespace, sealed } = await prepared();
    const entry = '{{ range until 100 }}{{ genPrivateKey "ed25519" }}{{ end }}';
    sealed.spec.template.data = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`key-${i}`, entry]));
    await cluster.apply(sealed);
    const condition = await cluster.condition(namespace, name, 'False', 'TemplateError');
    expect(condition.message).toContain('generates more keys, certificates and password hashes than allowed (400)');
  });

  it('renders many templates that are quick one by one', async () => {
    const { namespace, sealed } = await prepared();
    const entry = '{{ range until 300 }}{{ add . 1 | toString | sha256sum | trunc 1 }}{{ end }}';
    sealed.spec.template.data = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`entry-${i}`, entry]));
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    expect(Object.keys((await cluster.secret(namespace, name))?.data ?? {})).toHaveLength(101);
  });

  it('keeps data keys that other programs take for something else', async () => {
    const odd = { 1: 'one', 10: 'ten', constructor: 'c', '-a': 'dash', '.x': 'dot', _: 'u' };
    const { namespace, sealed } = await prepared({ data: odd });
    await cluster.apply(sealed);
    await cluster.secretWith(namespace, name, odd);
  });
});

describe('changing a SealedSecret', () => {
  it('updates the Secret, the observed generation and the update time', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    const before = await cluster.condition(namespace, name, 'True');
    await waitFor(() => Date.now() > Date.parse(before.lastUpdateTime) + 1000);
    await cluster.change(namespace, name, (object) => {
      object.spec = seal({ namespace, name, data: { foo: 'baz' }, labels }).spec;
    });
    await cluster.secretWith(namespace, name, { foo: 'baz' });
    const after = await cluster.condition(namespace, name, 'True');
    expect(after.lastTransitionTime).toBe(before.lastTransitionTime);
    expect(after.lastUpdateTime).not.toBe(before.lastUpdateTime);
    expect((await cluster.sealedSecret(namespace, name)).status.observedGeneration).toBe(2);
  });

  it('follows renamed and added items', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    await cluster.secretWith(namespace, name, data);
    await cluster.change(namespace, name, ({ spec }) => {
      spec.encryptedData = { renamed: spec.encryptedData.foo };
    });
    await cluster.secretWith(namespace, name, { renamed: 'bar' });
    await cluster.change(namespace, name, ({ spec }) => {
      spec.encryptedData.foo2 = sealItem(certificatePem, namespace, name, 'bar2');
    });
    await cluster.secretWith(namespace, name, { renamed: 'bar', foo2: 'bar2' });
  });

  it('says that an immutable Secret cannot follow', async () => {
    const { namespace, sealed } = await prepared({ immutable: true });
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    await cluster.change(namespace, name, (object) => {
      object.spec.encryptedData = seal({ namespace, name, data: { foo: 'baz' } }).spec.encryptedData;
    });
    await cluster.condition(namespace, name, 'False', 'ImmutableSecret');
    const event = await cluster.event(namespace, name, 'ErrUpdateFailed');
    expect(event.message).toContain('the target Secret is immutable');
    expect((await cluster.sealedSecret(namespace, name)).status.observedGeneration).toBe(2);
    expect((await cluster.secret(namespace, name))?.data).toEqual(data);
  });

  it('reconciles when only a scope annotation was missing', async () => {
    const { namespace, sealed } = await prepared({ scope: 'cluster-wide' });
    sealed.metadata.annotations = {};
    await cluster.apply(sealed);
    const condition = await cluster.condition(namespace, name, 'False', 'ScopeAnnotationMissing');
    expect(condition.message).toContain('sealedsecrets.bitnami.com/cluster-wide: "true"');
    await cluster.change(namespace, name, (object) => {
      object.metadata.annotations = { 'sealedsecrets.bitnami.com/cluster-wide': 'true' };
    });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
    await cluster.secretWith(namespace, name, data);
  });

  it('removes labels that were ours and keeps those of others', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    await cluster.patchSecret(namespace, name, { metadata: { labels: { theirs: 'yes' } } });
    await cluster.change(namespace, name, (object) => {
      object.spec.template.metadata.labels = { another: 'one' };
    });
    await waitFor(async () => (await cluster.secret(namespace, name))?.metadata.labels.another === 'one');
    expect((await cluster.secret(namespace, name))?.metadata.labels).toEqual({ another: 'one', theirs: 'yes' });
  });
});

describe('a Secret that exists already', () => {
  const existing = (namespace: string, annotations: Record<string, string> | undefined) => ({
    metadata: { namespace, name, labels: { anotherlabel: 'anothervalue' }, ...(annotations && { annotations }) },
    data: { foo: 'Z29vZA==', foo2: 'YmFyMg==' },
  });

  it('is taken over as a whole when it is managed', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.createSecret(existing(namespace, { [managed]: 'true' }));
    await cluster.apply(sealed);
    const secret = await cluster.secretWith(namespace, name, data);
    expect(ownersOf(secret)).toEqual([name]);
    expect(secret.metadata.labels).toEqual(labels);
    expect(secret.metadata.annotations).toBeUndefined();
  });

  it('is merged into and owned when it is managed and patched', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.createSecret(existing(namespace, { [managed]: 'true', [patch]: 'true' }));
    await cluster.apply(sealed);
    const secret = await cluster.secretWith(namespace, name, { foo: 'bar', foo2: 'bar2' });
    expect(ownersOf(secret)).toEqual([name]);
    expect(secret.metadata.labels).toEqual({ anotherlabel: 'anothervalue', ...labels });
    expect(secret.metadata.annotations).toEqual({ [managed]: 'true', [patch]: 'true' });
  });

  it('is merged into and not owned when it is only patched', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.createSecret(existing(namespace, { [patch]: 'true' }));
    await cluster.apply(sealed);
    const secret = await cluster.secretWith(namespace, name, { foo: 'bar', foo2: 'bar2' });
    expect(ownersOf(secret)).toEqual([]);
  });

  it('may be empty and only patched', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.createSecret({ metadata: { namespace, name, annotations: { [patch]: 'true' } } });
    await cluster.apply(sealed);
    const secret = await cluster.secretWith(namespace, name, data);
    expect(secret.metadata.labels).toEqual(labels);
    expect(ownersOf(secret)).toEqual([]);
  });

  it('is left alone when it is not managed, and made when it is out of the way', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.createSecret(existing(namespace, undefined));
    await cluster.apply(sealed);
    const condition = await cluster.condition(namespace, name, 'False', 'NotManaged');
    expect(condition.message).toContain('Resource "testsecret" already exists and is not managed by SealedSecret');
    await cluster.event(namespace, name, 'ErrUpdateFailed');
    await cluster.deleteSecret(namespace, name);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await cluster.secret(namespace, name)).toBeUndefined();
    await cluster.secretWith(namespace, name, data);
  });
});

describe('a Secret that is deleted or changed', () => {
  it('is made again with its owner', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    await cluster.secretWith(namespace, name, data);
    await cluster.deleteSecret(namespace, name);
    expect(ownersOf(await cluster.secretWith(namespace, name, data))).toEqual([name]);
  });

  it('is made again when it was managed', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.createSecret({ metadata: { namespace, name, annotations: { [managed]: 'true' } } });
    await cluster.apply(sealed);
    await cluster.deleteSecret(namespace, name);
    expect(ownersOf(await cluster.secretWith(namespace, name, data))).toEqual([name]);
  });

  it('is not made again when it was only patched', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.createSecret({ metadata: { namespace, name, annotations: { [patch]: 'true' } } });
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    await cluster.deleteSecret(namespace, name);
    const other = await prepared();
    await cluster.apply(other.sealed);
    await cluster.condition(other.namespace, name, 'True');
    expect(await cluster.secret(namespace, name)).toBeUndefined();
  });

  it('gets its values back, and keeps what others added', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    await cluster.patchSecret(namespace, name, {
      data: { foo: 'aW50cnVkZXI=', token: 'dA==' },
      metadata: { labels: { mylabel: null, argo: 'x' } },
    });
    const secret = await cluster.secretWith(namespace, name, { foo: 'bar', token: 't' });
    expect(secret.metadata.labels).toEqual({ ...labels, argo: 'x' });
  });

  it('goes with its SealedSecret', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    await cluster.deleteSealedSecret(namespace, name);
    await waitFor(async () => (await cluster.secret(namespace, name)) === undefined, { timeoutMs: 30_000 });
  });
});

describe('a SealedSecret that cannot be unsealed', () => {
  it('under an unknown key says so', async () => {
    const { namespace, sealed } = await prepared();
    const foreign = `AgB${'A'.repeat(1021)}`;
    sealed.spec.encryptedData = { foo: foreign };
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'False', 'UnknownKey');
    const event = await cluster.event(namespace, name, 'ErrUnsealFailed');
    expect(event).toMatchObject({
      type: 'Warning',
      message: expect.stringMatching(/^Failed to unseal: no key could decrypt secret \(foo\)/),
    });
    expect(await cluster.secret(namespace, name)).toBeUndefined();
  });

  it('renamed under strict scope names the mistake', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply({ ...sealed, metadata: { ...sealed.metadata, name: 'renamed' } });
    const condition = await cluster.condition(namespace, 'renamed', 'False', 'SealedForOtherName');
    expect(condition.message).toContain(`it was sealed for ${namespace}/${name}`);
    await cluster.event(namespace, 'renamed', 'ErrUnsealFailed');
    expect(await cluster.secret(namespace, 'renamed')).toBeUndefined();
  });

  it.each([
    ['strict', false, false],
    ['namespace-wide', true, false],
    ['cluster-wide', true, true],
  ] as const)('with scope %s: renaming works %s, moving works %s', async (scope, renaming, moving) => {
    const { namespace, sealed } = await prepared({ scope });
    const elsewhere = await cluster.createNamespace();
    await cluster.apply({ ...sealed, metadata: { ...sealed.metadata, name: 'renamed' } });
    await cluster.apply({ ...sealed, metadata: { ...sealed.metadata, namespace: elsewhere } });
    await cluster.condition(namespace, 'renamed', renaming ? 'True' : 'False');
    await cluster.condition(elsewhere, name, moving ? 'True' : 'False');
    expect((await cluster.secret(namespace, 'renamed'))?.data).toEqual(renaming ? data : undefined);
    expect((await cluster.secret(elsewhere, name))?.data).toEqual(moving ? data : undefined);
    if (!moving) await cluster.event(elsewhere, name, 'ErrUnsealFailed');
  });

  it('leaves the Secret of its earlier spec as it is', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    await cluster.change(namespace, name, ({ spec }) => {
      spec.encryptedData.foo = 'not base64!';
    });
    const condition = await cluster.condition(namespace, name, 'False', 'MalformedItem');
    expect(condition.message).toMatch(/^illegal base64 data at input byte 3 \(foo\)/);
    expect((await cluster.secret(namespace, name))?.data).toEqual(data);
  });

  it('is told about its broken template', async () => {
    const { namespace, sealed } = await prepared();
    sealed.spec.template.data = { broken: '{{ .foo' };
    await cluster.apply(sealed);
    const condition = await cluster.condition(namespace, name, 'False', 'TemplateError');
    expect(condition.message).toContain('broken');
  });

  it('does not create a Secret that hands out credentials', async () => {
    const { namespace, sealed } = await prepared({ type: 'kubernetes.io/service-account-token' });
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'False', 'ForbiddenType');
    expect(await cluster.secret(namespace, name)).toBeUndefined();
  });
});

describe('a template that gives another result each time', () => {
  it('is rendered for a new spec, and not because somebody labels the Secret', async () => {
    const { namespace, sealed } = await prepared();
    sealed.spec.template.data = { token: '{{ randAlphaNum 20 }}' };
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    const before = await cluster.secret(namespace, name);
    await cluster.patchSecret(namespace, name, { metadata: { labels: { seen: 'yes' } } });
    const { resourceVersion } = (await cluster.secret(namespace, name))?.metadata ?? {};
    await waitFor(
      async () => (await cluster.sealedSecret(namespace, name)).status.secret.resourceVersion === resourceVersion,
    );
    expect((await cluster.secret(namespace, name))?.data).toEqual(before?.data);
    await cluster.change(namespace, name, ({ spec }) => {
      spec.template.metadata.labels.changed = 'yes';
    });
    await waitFor(async () => (await cluster.secret(namespace, name))?.data['token'] !== before?.data['token']);
  });
});

describe('another controller', () => {
  it('that writes the status of the same generation is noticed, and not fought', async () => {
    const { namespace, sealed } = await prepared();
    await cluster.apply(sealed);
    await cluster.condition(namespace, name, 'True');
    const object = await cluster.sealedSecret(namespace, name);
    object.status.controller = 'elsewhere/other-0';
    object.status.conditions[0].lastUpdateTime = '2020-01-01T00:00:00Z';
    const path = `/apis/bitnami.com/v1alpha1/namespaces/${namespace}/sealedsecrets/${name}/status`;
    expect((await cluster.server.request('PUT', path, object)).status).toBe(200);
    expect((await cluster.event(namespace, name, 'ForeignController')).message).toContain('elsewhere/other-0');
    expect((await cluster.sealedSecret(namespace, name)).status.controller).toBe('elsewhere/other-0');
    expect(await controller.metrics()).toMatch(/foreign_controller/);
  });
});
