import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../apiserver/client.ts';
import type { AuditEvent } from '../apiserver/harness.ts';
import { parseObjects } from './chart/helm.ts';
import { comparePermissions, describePermission, type Permission, rulesOf } from './permissions.ts';

const controller = { kind: 'ServiceAccount', name: 'controller', namespace: 'own' } as const;

function aRole(kind: 'Role' | 'ClusterRole', name: string, rules: readonly object[], namespace?: string): Json {
  return { kind, metadata: { name, namespace }, rules };
}

function aBinding(kind: string, role: Json, namespace?: string): Json {
  return {
    kind,
    metadata: { name: 'binding', namespace },
    roleRef: { kind: role.kind, name: role.metadata.name },
    subjects: [controller],
  };
}

const secretsRule = (verbs: readonly string[], extra: object = {}) => ({
  apiGroups: [''],
  resources: ['secrets'],
  verbs,
  ...extra,
});

function anEvent(verb: string, requestURI: string, object: Partial<AuditEvent> = {}): AuditEvent {
  return {
    verb,
    user: 'system:serviceaccount:own:controller',
    requestURI,
    responseCode: 200,
    userAgent: 'waxwing',
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    ...object,
  };
}

describe('rulesOf', () => {
  it('multiplies groups, resources, verbs and names', () => {
    const role = aRole('ClusterRole', 'r', [
      { apiGroups: ['bitnami.com'], resources: ['sealedsecrets', 'sealedsecrets/status'], verbs: ['get', 'list'] },
      secretsRule(['get'], { resourceNames: ['a', 'b'] }),
    ]);
    expect(rulesOf([role, aBinding('ClusterRoleBinding', role)], controller).map(describePermission)).toEqual([
      'get sealedsecrets.bitnami.com in all namespaces',
      'list sealedsecrets.bitnami.com in all namespaces',
      'get sealedsecrets.bitnami.com/status in all namespaces',
      'list sealedsecrets.bitnami.com/status in all namespaces',
      'get secrets a in all namespaces',
      'get secrets b in all namespaces',
    ]);
  });

  it('gives a ClusterRole under a RoleBinding in the namespace of the binding only', () => {
    const role = aRole('ClusterRole', 'r', [secretsRule(['get'])]);
    const [permission] = rulesOf([role, aBinding('RoleBinding', role, 'team')], controller);
    expect(permission?.namespace).toBe('team');
  });

  it('leaves out what is bound to others', () => {
    const role = aRole('ClusterRole', 'r', [secretsRule(['get'])]);
    const other = { ...controller, namespace: 'elsewhere' };
    expect(rulesOf([role, aBinding('ClusterRoleBinding', role)], other)).toEqual([]);
  });

  it('refuses a binding without its role, and wildcards', () => {
    const role = aRole('ClusterRole', 'r', [secretsRule(['*'])]);
    const binding = aBinding('ClusterRoleBinding', role);
    expect(() => rulesOf([binding], controller)).toThrow('there is no ClusterRole r');
    expect(() => rulesOf([role, binding], controller)).toThrow('is not about single resources');
  });

  it('finds in the static manifest what the controller gets, and no more', async () => {
    const file = join(import.meta.dirname, '../../deploy/controller.yaml');
    const objects = parseObjects(await readFile(file, 'utf8'));
    const account = { kind: 'ServiceAccount', name: 'sealed-secrets-controller', namespace: 'kube-system' } as const;
    expect(rulesOf(objects, account).map(describePermission).sort()).toEqual([
      'create events in all namespaces',
      'create leases.coordination.k8s.io in kube-system',
      'create secrets in all namespaces',
      'create secrets in kube-system',
      'get leases.coordination.k8s.io sealed-secrets-controller in kube-system',
      'get sealedsecrets.bitnami.com in all namespaces',
      'get secrets in all namespaces',
      'get secrets sealed-secrets-key in kube-system',
      'list sealedsecrets.bitnami.com in all namespaces',
      'list secrets in all namespaces',
      'list secrets in kube-system',
      'update leases.coordination.k8s.io sealed-secrets-controller in kube-system',
      'update sealedsecrets.bitnami.com/status in all namespaces',
      'update secrets in all namespaces',
      'watch sealedsecrets.bitnami.com in all namespaces',
      'watch secrets in all namespaces',
      'watch secrets in kube-system',
    ]);
  });
});

describe('comparePermissions', () => {
  const everywhere: Permission = { verb: 'get', group: '', resource: 'secrets', namespace: undefined, name: undefined };
  const own: Permission = { ...everywhere, namespace: 'own' };
  const legacy: Permission = { ...own, name: 'sealed-secrets-key' };
  const getSecret = (namespace: string, name: string) =>
    anEvent('get', `/api/v1/namespaces/${namespace}/secrets/${name}`, { resource: 'secrets', namespace, name });

  it('is content when each rule was used and each request was covered', () => {
    const events = [getSecret('team', 'a'), getSecret('own', 'b'), getSecret('own', 'sealed-secrets-key')];
    expect(comparePermissions([everywhere, own, legacy], events)).toEqual({ unused: [], missing: [] });
  });

  it('names a rule that nothing needed', () => {
    expect(
      comparePermissions([everywhere, { ...everywhere, verb: 'delete' }], [getSecret('team', 'a')]).unused,
    ).toEqual(['delete secrets in all namespaces']);
  });

  it('does not count a request in one namespace for the rule for all, if a rule for that namespace covers it', () => {
    expect(comparePermissions([everywhere, own], [getSecret('own', 'a')]).unused).toEqual([
      'get secrets in all namespaces',
    ]);
  });

  it('names a request that no rule covers, whatever it was answered', () => {
    const refused = anEvent('create', '/apis/coordination.k8s.io/v1/namespaces/own/leases', {
      resource: 'leases',
      namespace: 'own',
      responseCode: 403,
    });
    expect(comparePermissions([everywhere], [refused, getSecret('team', 'a')]).missing).toEqual([
      'create leases.coordination.k8s.io in own',
    ]);
  });

  it('tells groups apart by the path and takes subresources into account', () => {
    const put = anEvent('update', '/apis/bitnami.com/v1alpha1/namespaces/team/sealedsecrets/a/status?x=1', {
      resource: 'sealedsecrets',
      subresource: 'status',
      namespace: 'team',
      name: 'a',
    });
    const status: Permission = {
      ...everywhere,
      verb: 'update',
      group: 'bitnami.com',
      resource: 'sealedsecrets/status',
    };
    expect(comparePermissions([status], [put])).toEqual({ unused: [], missing: [] });
    expect(comparePermissions([{ ...status, group: 'other.com' }], [put]).missing).toHaveLength(1);
  });

  it('does not cover a list of all namespaces by a rule for one', () => {
    const list = anEvent('list', '/api/v1/secrets?limit=500', { resource: 'secrets' });
    expect(comparePermissions([{ ...own, verb: 'list' }], [list]).missing).toEqual(['list secrets in all namespaces']);
  });

  it('ignores what every authenticated user may do', () => {
    const review = anEvent('create', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      resource: 'selfsubjectaccessreviews',
    });
    expect(comparePermissions([], [review, anEvent('get', '/version')])).toEqual({ unused: [], missing: [] });
  });
});
