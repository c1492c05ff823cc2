import { type FieldError, forbiddenField, immutableField, invalidValue, requiredField } from './errors.ts';
import { arrayAt, at, deepEqual, isObject, type JsonObject, type KubeObject, objectAt, own, stringAt } from './json.ts';
import { timestamp } from './metadata.ts';
import type { Strategy } from './strategy.ts';

/** CRDs: names get their defaults, versions and schemas are checked as far as a wrong one would change behaviour. */
export const definitionStrategy: Strategy = {
  prepare: prepareDefinition,
  complete: completeDefinition,
  validate: definitionErrors,
};

function prepareDefinition(next: KubeObject): KubeObject {
  const spec = { ...objectAt(next, 'spec') };
  const names = { ...objectAt(spec, 'names') };
  const kind = stringAt(names, 'kind') ?? '';
  names['singular'] ??= kind.toLowerCase();
  names['listKind'] ??= `${kind}List`;
  spec['names'] = names;
  spec['conversion'] ??= { strategy: 'None' };
  return { ...next, spec };
}

function completeDefinition(next: KubeObject): KubeObject {
  const spec = objectAt(next, 'spec') ?? {};
  const status = {
    conditions: null,
    acceptedNames: { kind: '', plural: '' },
    storedVersions: arrayAt(spec, 'versions').flatMap((entry) =>
      at(entry, 'storage') === true ? [stringAt(entry, 'name')] : [],
    ),
    ...objectAt(next, 'status'),
  };
  return { ...next, status };
}

/** The status that the naming and establishing controllers of a real server write a moment after the creation. */
export function establishedDefinition(crd: KubeObject, nowMs: number): KubeObject {
  const time = timestamp(nowMs);
  const condition = (type: string, reason: string, message: string) => {
    const old = arrayAt(crd, 'status', 'conditions').find(
      (entry) => at(entry, 'type') === type && at(entry, 'status') === 'True',
    );
    return old ?? { lastTransitionTime: time, message, reason, status: 'True', type };
  };
  return {
    ...crd,
    status: {
      ...objectAt(crd, 'status'),
      acceptedNames: objectAt(crd, 'spec', 'names') ?? {},
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
    },
  };
}

function definitionErrors(crd: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const group = stringAt(crd, 'spec', 'group') ?? '';
  const plural = stringAt(crd, 'spec', 'names', 'plural') ?? '';
  if (group === '') errors.push(requiredField('spec.group'));
  if (plural === '') errors.push(requiredField('spec.names.plural'));
  if (!stringAt(crd, 'spec', 'names', 'kind')) errors.push(requiredField('spec.names.kind'));
  if (crd.metadata.name !== `${plural}.${group}`) {
    errors.push(invalidValue('metadata.name', crd.metadata.name, `must be spec.names.plural+"."+spec.group`));
  }
  const scope = stringAt(crd, 'spec', 'scope');
  if (scope !== 'Namespaced' && scope !== 'Cluster') {
    errors.push(
      scope === undefined
        ? requiredField('spec.scope')
        : {
            type: 'FieldValueNotSupported',
            field: 'spec.scope',
            text: `Unsupported value: ${JSON.stringify(scope)}: supported values: "Cluster", "Namespaced"`,
          },
    );
  }
  errors.push(...versionErrors(crd));
  if (old !== undefined) {
    for (const path of [['group'], ['names', 'plural'], ['names', 'kind'], ['scope']]) {
      const before = at(old, 'spec', ...path);
      const now = at(crd, 'spec', ...path);
      if (!deepEqual(before, now)) errors.push(immutableField(`spec.${path.join('.')}`, now));
    }
  }
  return errors;
}

function versionErrors(crd: KubeObject): FieldError[] {
  const errors: FieldError[] = [];
  const versions = arrayAt(crd, 'spec', 'versions');
  const stored = versions.filter((entry) => at(entry, 'storage') === true).length;
  if (stored !== 1) {
    errors.push(invalidValue('spec.versions', versions, 'must have exactly one version marked as storage version'));
  }
  for (const [index, version] of versions.entries()) {
    // A schema that all versions share is checked as one.
    const field =
      versions.length === 1 ? 'spec.validation.openAPIV3Schema' : `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = objectAt(version, 'schema', 'openAPIV3Schema');
    if (schema === undefined) {
      errors.push(requiredField(field, 'schemas are required'));
      continue;
    }
    const type = own(schema, 'type');
    if (type === undefined) errors.push(requiredField(`${field}.type`, 'must not be empty at the root'));
    else if (type !== 'object') errors.push(invalidValue(`${field}.type`, type, 'must be object at the root'));
    else errors.push(...structuralErrors(schema, field));
  }
  return errors;
}

/** The rules of structural schemas whose breach would make pruning or defaulting ambiguous. */
function structuralErrors(schema: JsonObject, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const properties = objectAt(schema, 'properties');
  const additional = own(schema, 'additionalProperties');
  if (own(schema, '$ref') !== undefined) errors.push(forbiddenField(`${field}.$ref`, '$ref is not supported'));
  if (properties !== undefined && additional !== undefined) {
    errors.push(
      forbiddenField(`${field}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  }
  const isUntyped =
    own(schema, 'x-kubernetes-preserve-unknown-fields') === true || own(schema, 'x-kubernetes-int-or-string') === true;
  if (own(schema, 'type') === undefined && !isUntyped)
    errors.push(requiredField(`${field}.type`, 'must not be empty for specified object fields'));
  for (const [key, child] of Object.entries(properties ?? {})) {
    if (isObject(child)) errors.push(...structuralErrors(child, `${field}.properties[${key}]`));
  }
  if (isObject(additional)) errors.push(...structuralErrors(additional, `${field}.additionalProperties`));
  const items = own(schema, 'items');
  if (isObject(items)) errors.push(...structuralErrors(items, `${field}.items`));
  else if (own(schema, 'type') === 'array') errors.push(requiredField(`${field}.items`, 'must be specified'));
  return errors;
}
