import { describe, expect, it } from 'vitest';
import { createNamespace } from '../apiserver/namespace.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { certificateOf, sealerOf, startCluster } from './cluster.ts';
import { createAccount, keyAdminRules, unsealerRules } from './roles.ts';

const cluster = await startCluster();
const { server } = cluster;
const name = 'app';
const quickLease = [
  '--leader-elect',
  '--lease-duration=2s',
  '--lease-renew-deadline=1500ms',
  '--lease-retry-period=300ms',
];
const newKeyNamespace = () => createNamespace(server, { generateName: 'keys-' });

describe("under upstream's unmodified roles", () => {
  it('everything works, cluster-wide', async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    await account.grant(unsealerRules);
    await account.grant(keyAdminRules, namespace);
    await using controller = await cluster.startController({ namespace, kubeconfig: account.kubeconfig });
    const sealIt = await sealerOf(controller);
    const target = await cluster.createNamespace();
    await cluster.apply(sealIt({ namespace: target, name, data: { a: '1' } }));
    await cluster.condition(target, name, 'True', 'Unsealed');
    await cluster.event(target, name, 'Unsealed');
    await cluster.deleteSecret(target, name);
    await cluster.secretWith(target, name, { a: '1' });
    const before = await certificateOf(controller);
    controller.kill('SIGUSR1');
    await waitFor(async () => (await certificateOf(controller)) !== before);
    expect(controller.logs()).not.toMatch(/permission missing/);
  });

  it('everything works in one namespace', async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    await account.grant(unsealerRules, namespace);
    await account.grant(keyAdminRules, namespace);
    const flags = ['--all-namespaces=false'];
    await using controller = await cluster.startController({ namespace, kubeconfig: account.kubeconfig, flags });
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    await cluster.secretWith(namespace, name, { a: '1' });
    await cluster.condition(namespace, name, 'True', 'Unsealed');
  });

  it('asked to elect a leader it says what is missing and works without', async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    await account.grant(unsealerRules);
    await account.grant(keyAdminRules, namespace);
    const flags = ['--leader-elect'];
    await using controller = await cluster.startController({ namespace, kubeconfig: account.kubeconfig, flags });
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    await cluster.secretWith(namespace, name, { a: '1' });
    await waitFor(() => /permission missing: create leases/.test(controller.logs()));
    expect(controller.logs()).toContain('Leases are forbidden');
  });
});

describe('a permission that is missing', () => {
  it('is named at start, with the rule that grants it, and does not end the process', async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    await account.grant(keyAdminRules, namespace);
    const options = { namespace, kubeconfig: account.kubeconfig, waitUntilReady: false };
    await using controller = await cluster.startController(options);
    await waitFor(() => /permission missing: update sealedsecrets\/status/.test(controller.logs()));
    expect(controller.logs()).toContain('resources: [sealedsecrets/status], verbs: [update]');
    expect((await controller.request('/healthz')).status).toBe(200);
    // Once it is granted the controller goes to work by itself.
    await account.grant(unsealerRules);
    await waitFor(async () => (await controller.request('/v1/cert.pem')).status === 200, { timeoutMs: 40_000 });
    await cluster.apply((await sealerOf(controller))({ namespace, name, data: { a: '1' } }));
    await cluster.secretWith(namespace, name, { a: '1' });
  });

  it('to watch key Secrets is made up for by asking again and again', async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    const target = await cluster.createNamespace();
    await account.grant(unsealerRules, target);
    await account.grant([{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'list', 'get'] }], namespace);
    await account.grant(
      [{ apiGroups: ['bitnami.com'], resources: ['sealedsecrets'], verbs: ['get', 'list', 'watch'] }],
      namespace,
    );
    const flags = [`--additional-namespaces=${target}`];
    await using controller = await cluster.startController({ namespace, kubeconfig: account.kubeconfig, flags });
    const before = await certificateOf(controller);
    await using other = await cluster.startController({ namespace });
    other.kill('SIGUSR1');
    await waitFor(async () => (await certificateOf(controller)) !== before);
    await cluster.apply((await sealerOf(controller))({ namespace: target, name, data: { a: '1' } }));
    await cluster.secretWith(target, name, { a: '1' });
  });

  it("to get key Secrets, as in upstream's roles for single namespaces, hides no relabelled key and makes no keys in vain", async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    const target = await cluster.createNamespace();
    await account.grant(unsealerRules, target);
    await account.grant(keyAdminRules, namespace);
    const legacy = { apiGroups: [''], resources: ['secrets'], resourceNames: ['sealed-secrets-key'], verbs: ['get'] };
    await account.grant([legacy], namespace);
    const flags = [`--additional-namespaces=${target}`];
    await using controller = await cluster.startController({ namespace, kubeconfig: account.kubeconfig, flags });
    const first = await certificateOf(controller);
    const stale = (await sealerOf(controller))({ namespace: target, name: 'stale', data: { a: '1' } });
    const keys = async () => (await server.request('GET', `/api/v1/namespaces/${namespace}/secrets`)).body.items;
    const [{ metadata: oldest }] = await keys();
    controller.kill('SIGUSR1');
    await waitFor(async () => (await certificateOf(controller)) !== first);
    await cluster.patchSecret(namespace, oldest.name, {
      metadata: { labels: { 'sealedsecrets.bitnami.com/sealed-secrets-key': 'compromised' } },
    });
    await waitFor(() => controller.logs().includes('key withdrawn'));
    await cluster.apply(stale);
    await cluster.condition(target, 'stale', 'False', 'UnknownKey');
    const second = await certificateOf(controller);
    controller.kill('SIGUSR1');
    await waitFor(async () => (await certificateOf(controller)) !== second);
    await cluster.apply((await sealerOf(controller))({ namespace: target, name, data: { a: '1' } }));
    await cluster.secretWith(target, name, { a: '1' });
    expect(await keys()).toHaveLength(3);
    expect(controller.logs()).not.toContain('key generation failed');
  });

  it('in one namespace gives objects there a condition-less wait, and leaves the others alone', async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    const [open, closed] = [await cluster.createNamespace(), await cluster.createNamespace()];
    await account.grant(keyAdminRules, namespace);
    await account.grant(unsealerRules, namespace);
    await account.grant(unsealerRules, open);
    const flags = [`--additional-namespaces=${open},${closed}`];
    await using controller = await cluster.startController({ namespace, kubeconfig: account.kubeconfig, flags });
    const sealIt = await sealerOf(controller);
    await cluster.apply(sealIt({ namespace: closed, name, data: { a: '1' } }));
    await cluster.apply(sealIt({ namespace: open, name, data: { a: '1' } }));
    await cluster.secretWith(open, name, { a: '1' });
    expect(await cluster.secret(closed, name)).toBeUndefined();
    await account.grant(unsealerRules, closed);
    await cluster.secretWith(closed, name, { a: '1' });
  });

  it('to write Secrets is told in the condition, and made up for when it is granted', async () => {
    const namespace = await newKeyNamespace();
    const account = await createAccount(server, namespace);
    const target = await cluster.createNamespace();
    await account.grant(keyAdminRules, namespace);
    await account.grant([{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }], namespace);
    const readOnly = unsealerRules.map((rule) =>
      rule.resources[0] === 'secrets' ? { ...rule, verbs: ['get', 'list', 'watch'] } : rule,
    );
    await account.grant(readOnly);
    await using controller = await cluster.startController({ namespace, kubeconfig: account.kubeconfig });
    await cluster.apply((await sealerOf(controller))({ namespace: target, name, data: { a: '1' } }));
    const condition = await cluster.condition(target, name, 'False', 'ApiForbidden');
    expect(condition.message).toContain('verbs: [create]');
    await account.grant(unsealerRules, target);
    await cluster.secretWith(target, name, { a: '1' });
    await cluster.condition(target, name, 'True', 'Unsealed');
  });
});

describe('two replicas', () => {
  it('elect one that writes; the other serves, and takes over when the first is killed', async () => {
    const namespace = await newKeyNamespace();
    await using first = await cluster.startController({ namespace, flags: quickLease, podName: 'one' });
    await using second = await cluster.startController({ namespace, flags: quickLease, podName: 'two' });
    expect(await certificateOf(second)).toBe(await certificateOf(first));
    const sealIt = await sealerOf(second);
    const target = await cluster.createNamespace();
    const mark = await cluster.mark();
    for (let i = 0; i < 10; i++) await cluster.apply(sealIt({ namespace: target, name: `app-${i}`, data: { a: '1' } }));
    await cluster.secretWith(target, 'app-9', { a: '1' });
    first.kill('SIGKILL');
    await cluster.apply(sealIt({ namespace: target, name: 'after', data: { a: '1' } }));
    for (const each of ['after', 'app-0', 'app-9']) await cluster.condition(target, each, 'True', 'Unsealed');
    expect(second.logs()).toContain('this replica leads');
    const created = (await cluster.writes(mark)).filter(
      (write) => write.startsWith('create secrets') && write.endsWith('201'),
    );
    expect(created).toHaveLength(11);
  });

  it('a leader that slept past its lease ends, and writes nothing any more', async () => {
    const namespace = await newKeyNamespace();
    await using first = await cluster.startController({ namespace, flags: quickLease, podName: 'one' });
    await using second = await cluster.startController({ namespace, flags: quickLease, podName: 'two' });
    const sealIt = await sealerOf(first);
    first.kill('SIGSTOP');
    const target = await cluster.createNamespace();
    await cluster.apply(sealIt({ namespace: target, name, data: { a: '1' } }));
    await cluster.condition(target, name, 'True', 'Unsealed');
    expect(second.logs()).toContain('this replica leads');
    const mark = await cluster.mark();
    first.kill('SIGCONT');
    expect(await first.exited()).toBe(1);
    expect(first.logs()).toContain('leadership is lost');
    expect((await cluster.writes(mark)).filter((write) => write.includes(target))).toEqual([]);
  });
});
