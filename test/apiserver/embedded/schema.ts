import { arrayAt, isObject, type JsonObject, own } from './json.ts';

type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

/**
 * A schema as all parts of the server read it, whether it came from a CRD or from the API description of the built-in
 * types. Nodes may be recursive (a schema of schemas), so they are compiled once and linked.
 */
export interface SchemaNode {
  /** Full name of a built-in definition, for types whose values have rules of their own, such as times. */
  name: string | undefined;
  type: SchemaType | undefined;
  properties: Map<string, SchemaNode>;
  /** Schema of the values under undeclared keys: this object is a map. */
  additional: SchemaNode | undefined;
  items: SchemaNode | undefined;
  required: readonly string[];
  nullable: boolean;
  /** Undeclared keys are kept: `x-kubernetes-preserve-unknown-fields`, or free JSON among the built-in types. */
  keepsUnknown: boolean;
  /** An object with `apiVersion`, `kind` and `metadata` of its own. */
  embedded: boolean;
  intOrString: boolean;
  hasDefault: boolean;
  default: unknown;
  /** How server-side apply merges: lists by item, by key or not at all; maps by key or not at all. */
  listType: 'atomic' | 'set' | 'map';
  mapKeys: readonly string[];
  atomicMap: boolean;
  /** How strategic merge patches merge lists: by this key, or (strategy `merge` without key) as sets. */
  patchStrategy: readonly string[];
  patchMergeKey: string | undefined;
  /** Every other keyword, for validation of values. */
  keywords: JsonObject;
}

function emptyNode(): SchemaNode {
  return {
    name: undefined,
    type: undefined,
    properties: new Map(),
    additional: undefined,
    items: undefined,
    required: [],
    nullable: false,
    keepsUnknown: false,
    embedded: false,
    intOrString: false,
    hasDefault: false,
    default: undefined,
    listType: 'atomic',
    mapKeys: [],
    atomicMap: false,
    patchStrategy: [],
    patchMergeKey: undefined,
    keywords: {},
  };
}

/** Any JSON at all. */
export const anything: SchemaNode = { ...emptyNode(), keepsUnknown: true };

const schemaTypes = new Set(['object', 'array', 'string', 'integer', 'number', 'boolean']);

/** Compiles schemas; `definitions` resolves `$ref` and is absent for CRDs, whose schemas may not refer. */
export class SchemaCompiler {
  readonly #definitions: ReadonlyMap<string, JsonObject> | undefined;
  readonly #named = new Map<string, SchemaNode>();

  constructor(definitions?: ReadonlyMap<string, JsonObject>) {
    this.#definitions = definitions;
  }

  /** The node of a named definition. Throws if there is none of that name. */
  named(name: string): SchemaNode {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const definition = this.#definitions?.get(name);
    if (definition === undefined) throw new Error(`no schema is named ${name}`);
    const node = { ...emptyNode(), name };
    this.#named.set(name, node);
    return this.#fill(node, definition);
  }

  compile(schema: JsonObject): SchemaNode {
    const reference = own(schema, '$ref');
    if (typeof reference !== 'string') return this.#fill(emptyNode(), schema);
    const target = this.named(reference.slice(reference.lastIndexOf('/') + 1));
    // Keywords beside a reference (how a list is merged, a default) belong to this place only.
    return Object.keys(schema).length === 1 ? target : this.#fill({ ...target }, schema);
  }

  #fill(node: SchemaNode, schema: JsonObject): SchemaNode {
    const type = own(schema, 'type');
    if (typeof type === 'string' && schemaTypes.has(type)) node.type = type as SchemaType;
    for (const [name, property] of Object.entries(own(schema, 'properties') ?? {})) {
      if (isObject(property)) node.properties.set(name, this.compile(property));
    }
    const additional = own(schema, 'additionalProperties');
    if (isObject(additional)) node.additional = this.compile(additional);
    else if (additional === true) node.keepsUnknown = true;
    const items = own(schema, 'items');
    if (isObject(items)) node.items = this.compile(items);
    if (Array.isArray(own(schema, 'required'))) node.required = arrayAt(schema, 'required') as string[];
    node.nullable ||= own(schema, 'nullable') === true;
    node.keepsUnknown ||= own(schema, 'x-kubernetes-preserve-unknown-fields') === true;
    node.embedded ||= own(schema, 'x-kubernetes-embedded-resource') === true;
    node.intOrString ||=
      own(schema, 'x-kubernetes-int-or-string') === true || own(schema, 'format') === 'int-or-string';
    if (Object.hasOwn(schema, 'default')) {
      node.hasDefault = true;
      node.default = own(schema, 'default');
    }
    const listType = own(schema, 'x-kubernetes-list-type');
    if (listType === 'set' || listType === 'map') node.listType = listType;
    if (Array.isArray(own(schema, 'x-kubernetes-list-map-keys'))) {
      node.mapKeys = arrayAt(schema, 'x-kubernetes-list-map-keys') as string[];
    }
    node.atomicMap ||= own(schema, 'x-kubernetes-map-type') === 'atomic';
    const strategy = own(schema, 'x-kubernetes-patch-strategy');
    if (typeof strategy === 'string') node.patchStrategy = strategy.split(',');
    const mergeKey = own(schema, 'x-kubernetes-patch-merge-key');
    if (typeof mergeKey === 'string') node.patchMergeKey = mergeKey;
    if (this.#definitions !== undefined && isFreeForm(schema)) node.keepsUnknown = true;
    node.keywords = schema;
    return node;
  }
}

/** Among the built-in types, `type: object` without any field (RawExtension, FieldsV1) and `{}` hold arbitrary JSON. */
function isFreeForm(schema: JsonObject): boolean {
  if (own(schema, '$ref') !== undefined || own(schema, 'oneOf') !== undefined) return false;
  const type = own(schema, 'type');
  if (type !== undefined && type !== 'object') return false;
  return own(schema, 'properties') === undefined && own(schema, 'additionalProperties') === undefined;
}

/** Schema of the value under `key` of an object; `undefined` if the schema knows no such key. */
export function childOf(node: SchemaNode, key: string): SchemaNode | undefined {
  return node.properties.get(key) ?? node.additional ?? (node.keepsUnknown ? anything : undefined);
}

/** `spec.encryptedData`, `spec.rules[0].verbs`; keys that are no plain words stand in brackets as Kubernetes prints them. */
export function childPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
