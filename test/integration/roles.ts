import type { Json } from '../apiserver/client.ts';
import type { ApiServer } from '../apiserver/harness.ts';

const rbac = '/apis/rbac.authorization.k8s.io/v1';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Upstream's rules for SealedSecrets, Secrets, events and namespaces, unmodified (specification 7.1). */
export const unsealerRules: readonly Rule[] = [
  { apiGroups: ['bitnami.com'], resources: ['sealedsecrets'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['bitnami.com'], resources: ['sealedsecrets/status'], verbs: ['update'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'create', 'update', 'delete', 'watch'] },
  { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] },
];

/** Upstream's rules for key Secrets in the controller's namespace. */
export const keyAdminRules: readonly Rule[] = [{ apiGroups: [''], resources: ['secrets'], verbs: ['create', 'list'] }];

/** A service account in a namespace of the API server, and the kubeconfig that speaks for it. */
export interface Account {
  readonly name: string;
  readonly kubeconfig: string;
  /** Grants rules in one namespace, or everywhere. Returns how to take them back. */
  grant(rules: readonly Rule[], namespace?: string): Promise<() => Promise<void>>;
}

let count = 0;

export async function createAccount(server: ApiServer, namespace: string): Promise<Account> {
  const account = `controller-${process.pid}-${count++}`;
  const kubeconfig = await server.kubeconfigFor({ user: `system:serviceaccount:${namespace}:${account}` });
  const subjects = [{ kind: 'ServiceAccount', name: account, namespace }];
  const create = async (path: string, object: Json) => {
    const { status, body } = await server.request('POST', path, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      ...object,
    });
    if (status !== 201) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
  };
  return {
    name: account,
    kubeconfig,
    async grant(rules, where) {
      const name = `${account}-${count++}`;
      const scope = where === undefined ? 'Cluster' : '';
      const folder = where === undefined ? rbac : `${rbac}/namespaces/${where}`;
      const [roles, bindings] = [`${scope}roles`.toLowerCase(), `${scope}rolebindings`.toLowerCase()];
      await create(`${folder}/${roles}`, { kind: `${scope}Role`, metadata: { name }, rules });
      await create(`${folder}/${bindings}`, {
        kind: `${scope}RoleBinding`,
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: `${scope}Role`, name },
        subjects,
      });
      return async () => {
        await server.request('DELETE', `${folder}/${bindings}/${name}`);
      };
    },
  };
}
