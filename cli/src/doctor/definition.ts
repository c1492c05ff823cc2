import { listAt, property, sealedSecretResource, textAt } from '@waxwing/shared';
import { type Finding, finding } from './finding.ts';

/** The name of the CustomResourceDefinition. */
export const definitionName = `${sealedSecretResource.plural}.${sealedSecretResource.group}`;

const place = { namespace: '', name: definitionName };

export function missingDefinition(): Finding {
  return finding('crd-missing', place);
}

/** What the CRD of the cluster keeps from our controller. @param raw undefined where there is none */
export function findDefinition(raw: unknown): Finding[] {
  const version = listAt(raw, 'spec', 'versions').find(
    (entry) => textAt(entry, 'name') === sealedSecretResource.version && property(entry, 'served') === true,
  );
  if (version === undefined) return [missingDefinition()];
  if (at(version, 'subresources', 'status') === undefined) return [finding('crd-without-status', place)];
  const missing = [
    ...(keepsNull(version) ? [] : ['null in a template']),
    ...(keepsRecord(version) ? [] : ['status.secret']),
  ];
  return missing.length === 0 ? [] : [finding('crd-upstream', place, `drops ${missing.join(' and ')}`)];
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce(property, value);
}

const schema = ['schema', 'openAPIV3Schema', 'properties'];

function keepsNull(version: unknown): boolean {
  const data = at(version, ...schema, 'spec', 'properties', 'template', 'properties', 'data');
  return at(data, 'additionalProperties', 'nullable') === true || keepsUnknown(data);
}

function keepsRecord(version: unknown): boolean {
  const status = at(version, ...schema, 'status');
  return at(status, 'properties', 'secret') !== undefined || keepsUnknown(status);
}

function keepsUnknown(value: unknown): boolean {
  return property(value, 'x-kubernetes-preserve-unknown-fields') === true;
}
