import { definitionStrategy } from './definitions.ts';
import { type FieldError, immutableField, invalidValue, requiredField } from './errors.ts';
import { arrayAt, at, deepEqual, isObject, type JsonObject, objectAt, stringAt } from './json.ts';
import { qualifiedNameProblems } from './metadata.ts';
import type { ResourceType } from './resources.ts';
import { configMapStrategy, secretStrategy } from './secrets.ts';
import type { Strategy } from './strategy.ts';

/** Sets keys that are absent. */
function withDefaults(object: JsonObject | undefined, defaults: JsonObject): JsonObject {
  return { ...defaults, ...object };
}

const namespaceStrategy: Strategy = {
  prepare: (next) => ({
    ...next,
    metadata: {
      ...next.metadata,
      labels: { ...next.metadata.labels, 'kubernetes.io/metadata.name': next.metadata.name },
    },
  }),
  complete: (next, old) => {
    const finalizers = old === undefined ? ['kubernetes'] : at(next, 'spec', 'finalizers');
    const phase = next.metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating';
    return {
      ...next,
      spec: finalizers === undefined ? {} : { finalizers },
      status: { ...objectAt(old ?? next, 'status'), ...objectAt(next, 'status'), phase },
    };
  },
};

let nextAddress = 1;

const serviceStrategy: Strategy = {
  prepare: (next) => {
    const spec = withDefaults(objectAt(next, 'spec'), {
      sessionAffinity: 'None',
      type: 'ClusterIP',
      internalTrafficPolicy: 'Cluster',
    });
    spec['ports'] = arrayAt(spec, 'ports').map((port) => {
      const entry = withDefaults(isObject(port) ? port : {}, { protocol: 'TCP' });
      entry['targetPort'] ??= entry['port'];
      return entry;
    });
    return { ...next, spec };
  },
  complete: (next, old) => {
    const spec = { ...objectAt(next, 'spec') };
    if (spec['type'] !== 'ExternalName') {
      spec['clusterIP'] ??= at(old, 'spec', 'clusterIP') ?? clusterAddress();
      spec['clusterIPs'] ??= [spec['clusterIP']];
      spec['ipFamilies'] ??= ['IPv4'];
      spec['ipFamilyPolicy'] ??= 'SingleStack';
    }
    return { ...next, spec, status: withDefaults(objectAt(next, 'status'), { loadBalancer: {} }) };
  },
  validate: (next, old) => {
    const errors: FieldError[] = [];
    const ports = arrayAt(next, 'spec', 'ports');
    if (ports.length === 0 && at(next, 'spec', 'clusterIP') !== 'None' && at(next, 'spec', 'type') !== 'ExternalName') {
      errors.push(requiredField('spec.ports'));
    }
    for (const [index, port] of ports.entries()) {
      const field = `spec.ports[${index}]`;
      const number = at(port, 'port');
      if (ports.length > 1 && !stringAt(port, 'name')) errors.push(requiredField(`${field}.name`));
      if (typeof number !== 'number' || number < 1 || number > 65535) {
        errors.push(invalidValue(`${field}.port`, number ?? 0, 'must be between 1 and 65535, inclusive'));
      }
    }
    const address = at(old, 'spec', 'clusterIP');
    if (
      address !== undefined &&
      at(next, 'spec', 'clusterIP') !== address &&
      at(next, 'spec', 'type') !== 'ExternalName'
    ) {
      errors.push(invalidValue('spec.clusterIPs[0]', at(next, 'spec', 'clusterIP'), 'may not change once set'));
    }
    return errors;
  },
};

function clusterAddress(): string {
  nextAddress = (nextAddress % 65_000) + 1;
  return `10.96.${nextAddress >> 8}.${nextAddress & 0xff}`;
}

const rbacGroup = 'rbac.authorization.k8s.io';

const bindingStrategy: Strategy = {
  prepare: (next) => ({
    ...next,
    roleRef: withDefaults(objectAt(next, 'roleRef'), { apiGroup: rbacGroup }),
    ...(next['subjects'] === undefined
      ? {}
      : {
          subjects: arrayAt(next, 'subjects').map((subject) => {
            const entry = isObject(subject) ? subject : {};
            return entry['kind'] === 'ServiceAccount' ? entry : withDefaults(entry, { apiGroup: rbacGroup });
          }),
        }),
  }),
  validate: (next, old) => {
    const errors: FieldError[] = [];
    if (!stringAt(next, 'roleRef', 'name')) errors.push(requiredField('roleRef.name'));
    const kind = stringAt(next, 'roleRef', 'kind');
    const supported = next.kind === 'RoleBinding' ? ['Role', 'ClusterRole'] : ['ClusterRole'];
    if (kind === undefined || !supported.includes(kind)) {
      errors.push({
        type: 'FieldValueNotSupported',
        field: 'roleRef.kind',
        text: `Unsupported value: ${JSON.stringify(kind ?? '')}: supported values: ${supported.map((entry) => JSON.stringify(entry)).join(', ')}`,
      });
    }
    for (const [index, subject] of arrayAt(next, 'subjects').entries()) {
      if (!stringAt(subject, 'name')) errors.push(requiredField(`subjects[${index}].name`));
      if (
        at(subject, 'kind') === 'ServiceAccount' &&
        next.kind === 'ClusterRoleBinding' &&
        !stringAt(subject, 'namespace')
      ) {
        errors.push(requiredField(`subjects[${index}].namespace`));
      }
    }
    if (old !== undefined && !deepEqual(next['roleRef'], old['roleRef'])) {
      errors.push(invalidValue('roleRef', next['roleRef'], 'cannot change roleRef'));
    }
    return errors;
  },
};

const roleStrategy: Strategy = {
  prepare: (next) => (next['rules'] === undefined ? { ...next, rules: null } : next),
  validate: (next) => {
    const errors: FieldError[] = [];
    for (const [index, rule] of arrayAt(next, 'rules').entries()) {
      const field = `rules[${index}]`;
      if (arrayAt(rule, 'verbs').length === 0)
        errors.push(requiredField(`${field}.verbs`, 'verbs must contain at least one value'));
      if (arrayAt(rule, 'nonResourceURLs').length > 0) {
        if (next.kind === 'Role') {
          errors.push(
            invalidValue(
              `${field}.nonResourceURLs`,
              at(rule, 'nonResourceURLs'),
              'namespaced rules cannot apply to non-resource URLs',
            ),
          );
        }
        continue;
      }
      if (arrayAt(rule, 'apiGroups').length === 0)
        errors.push(requiredField(`${field}.apiGroups`, 'resource rules must supply at least one api group'));
      if (arrayAt(rule, 'resources').length === 0)
        errors.push(requiredField(`${field}.resources`, 'resource rules must supply at least one resource'));
    }
    return errors;
  },
};

const leaseStrategy: Strategy = {
  prepare: (next) => (next['spec'] === undefined ? { ...next, spec: {} } : next),
  validate: (next) => {
    const errors: FieldError[] = [];
    for (const field of ['leaseDurationSeconds', 'leaseTransitions'] as const) {
      const value = at(next, 'spec', field);
      const least = field === 'leaseDurationSeconds' ? 1 : 0;
      if (typeof value === 'number' && value < least) {
        errors.push(
          invalidValue(
            `spec.${field}`,
            value,
            least === 1 ? 'must be greater than 0' : 'must be greater than or equal to 0',
          ),
        );
      }
    }
    return errors;
  },
};

/** Events of the old form are hardly checked; those with `eventTime` are of the new one and have its rules. */
const eventStrategy: Strategy = {
  complete: (next) => ({
    ...next,
    ...withDefaults(next, {
      source: {},
      firstTimestamp: null,
      lastTimestamp: null,
      eventTime: null,
      reportingComponent: '',
      reportingInstance: '',
    }),
  }),
  validate: (next) => {
    const namespace = stringAt(next, 'involvedObject', 'namespace') ?? '';
    const isModern = typeof next['eventTime'] === 'string';
    const own = next.metadata.namespace;
    const fits =
      namespace === '' ? own === 'default' || (isModern && own === 'kube-system') : isModern || own === namespace;
    const errors = fits ? [] : [invalidValue('involvedObject.namespace', namespace, 'does not match event.namespace')];
    return isModern ? [...errors, ...modernEventErrors(next)] : errors;
  },
};

const eventLimits = { reportingInstance: 128, action: 128, reason: 128, message: 1024 } as const;

function modernEventErrors(event: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const reporter = stringAt(event, 'reportingComponent') ?? '';
  if (reporter === '') errors.push(requiredField('reportingComponent'));
  for (const problem of qualifiedNameProblems(reporter))
    errors.push(invalidValue('reportingComponent', reporter, problem));
  for (const [field, limit] of Object.entries(eventLimits)) {
    const value = stringAt(event, field) ?? '';
    if (value === '' && field !== 'message') errors.push(requiredField(field));
    if (Buffer.byteLength(value) > limit) errors.push(invalidValue(field, '', `can have at most ${limit} characters`));
  }
  return errors;
}

const podTemplateDefaults: JsonObject = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};

function podSpec(spec: JsonObject | undefined): JsonObject {
  const filled = withDefaults(spec, podTemplateDefaults);
  filled['containers'] = arrayAt(filled, 'containers').map((container) => {
    const entry = withDefaults(isObject(container) ? container : {}, {
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: /:(?!latest$)[^/]+$/.test(stringAt(container, 'image') ?? '') ? 'IfNotPresent' : 'Always',
    });
    if (entry['ports'] !== undefined) {
      entry['ports'] = arrayAt(entry, 'ports').map((port) =>
        withDefaults(isObject(port) ? port : {}, { protocol: 'TCP' }),
      );
    }
    return entry;
  });
  return filled;
}

const podStrategy: Strategy = {
  prepare: (next) => ({ ...next, spec: { enableServiceLinks: true, ...podSpec(objectAt(next, 'spec')) } }),
  complete: (next) => ({
    ...next,
    status: withDefaults(objectAt(next, 'status'), { phase: 'Pending', qosClass: 'BestEffort' }),
  }),
  validate: (next) => {
    const containers = arrayAt(next, 'spec', 'containers');
    return containers.length === 0
      ? [requiredField('spec.containers')]
      : containerErrors(containers, 'spec.containers');
  },
};

function containerErrors(containers: readonly unknown[], field: string): FieldError[] {
  return containers.flatMap((container, index) =>
    ['name', 'image']
      .filter((key) => !stringAt(container, key))
      .map((key) => requiredField(`${field}[${index}].${key}`)),
  );
}

const deploymentStrategy: Strategy = {
  prepare: (next) => {
    const spec = withDefaults(objectAt(next, 'spec'), {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    });
    const strategy = withDefaults(objectAt(spec, 'strategy'), { type: 'RollingUpdate' });
    if (strategy['type'] === 'RollingUpdate') {
      strategy['rollingUpdate'] = withDefaults(objectAt(strategy, 'rollingUpdate'), {
        maxUnavailable: '25%',
        maxSurge: '25%',
      });
    }
    spec['strategy'] = strategy;
    spec['template'] = { ...objectAt(spec, 'template'), spec: podSpec(objectAt(spec, 'template', 'spec')) };
    return { ...next, spec };
  },
  complete: (next) => ({ ...next, status: objectAt(next, 'status') ?? {} }),
  validate: (next, old) => {
    const errors: FieldError[] = [];
    const selector = objectAt(next, 'spec', 'selector', 'matchLabels');
    const labels = objectAt(next, 'spec', 'template', 'metadata', 'labels') ?? {};
    if (objectAt(next, 'spec', 'selector') === undefined) errors.push(requiredField('spec.selector'));
    else if (Object.entries(selector ?? {}).some(([key, value]) => labels[key] !== value)) {
      errors.push(invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'));
    }
    const containers = arrayAt(next, 'spec', 'template', 'spec', 'containers');
    if (containers.length === 0) errors.push(requiredField('spec.template.spec.containers'));
    errors.push(...containerErrors(containers, 'spec.template.spec.containers'));
    if (old !== undefined && !deepEqual(at(next, 'spec', 'selector'), at(old, 'spec', 'selector'))) {
      errors.push(immutableField('spec.selector', at(next, 'spec', 'selector')));
    }
    return errors;
  },
};

const quotaStrategy: Strategy = { complete: (next) => ({ ...next, status: objectAt(next, 'status') ?? {} }) };

const strategies = new Map<string, Strategy>([
  ['/namespaces', namespaceStrategy],
  ['/secrets', secretStrategy],
  ['/configmaps', configMapStrategy],
  ['/services', serviceStrategy],
  ['/events', eventStrategy],
  ['/pods', podStrategy],
  ['/resourcequotas', quotaStrategy],
  ['apps/deployments', deploymentStrategy],
  ['coordination.k8s.io/leases', leaseStrategy],
  [`${rbacGroup}/roles`, roleStrategy],
  [`${rbacGroup}/clusterroles`, roleStrategy],
  [`${rbacGroup}/rolebindings`, bindingStrategy],
  [`${rbacGroup}/clusterrolebindings`, bindingStrategy],
  ['apiextensions.k8s.io/customresourcedefinitions', definitionStrategy],
]);

const plain: Strategy = {};

/** What a resource does beyond being stored; most do nothing. */
export function strategyOf(type: ResourceType): Strategy {
  return strategies.get(type.storage) ?? plain;
}
