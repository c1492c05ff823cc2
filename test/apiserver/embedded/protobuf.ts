import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { badRequest } from './errors.ts';
import { isObject, type JsonObject, put } from './json.ts';
import { builtInSchemas } from './resources.ts';

type Messages = Readonly<Record<string, Readonly<Record<string, readonly [name: string, type: string]>>>>;

let known: Messages | undefined;

function messages(): Messages {
  known ??= JSON.parse(
    readFileSync(join(import.meta.dirname, 'types', 'kubernetes-protobuf.json'), 'utf8'),
  ) as Messages;
  return known;
}

const magic = Buffer.from('k8s\0');

export const protobufMediaType = 'application/vnd.kubernetes.protobuf';

/**
 * Reads an object that a client such as kubectl sends as protobuf (envelope `runtime.Unknown`, then the message of its
 * kind) into the form that its JSON would have. Throws 400 for anything else. Answers are always JSON.
 */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(magic))
    throw badRequest('the body is no Kubernetes protobuf: its first four bytes are wrong');
  const unknown = decodeMessage(body.subarray(4), 'io.k8s.apimachinery.pkg.runtime.Unknown');
  const typeMeta = isObject(unknown['typeMeta']) ? unknown['typeMeta'] : {};
  const { apiVersion, kind } = typeMeta;
  const name = [...builtInSchemas].find(([, schema]) => isOfKind(schema, String(apiVersion), String(kind)))?.[0];
  const message = kind === 'DeleteOptions' ? 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions' : name;
  if (message === undefined || messages()[message] === undefined) {
    throw badRequest(`no protobuf message is known for ${String(apiVersion)} ${String(kind)}`);
  }
  const raw = Buffer.from(String(unknown['raw'] ?? ''), 'base64');
  return { apiVersion, kind, ...decodeMessage(raw, message) };
}

function isOfKind(schema: JsonObject, apiVersion: string, kind: string): boolean {
  const kinds = schema['x-kubernetes-group-version-kind'];
  return (
    Array.isArray(kinds) &&
    kinds.some(
      (entry) =>
        entry.kind === kind && (entry.group === '' ? entry.version : `${entry.group}/${entry.version}`) === apiVersion,
    )
  );
}

/** Reads one value after another; every read checks that the buffer has it. */
class Reader {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get atEnd(): boolean {
    return this.#position >= this.#buffer.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#buffer[this.#position++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw badRequest('the protobuf body ends within a number');
  }

  bytes(length: number): Buffer {
    const end = this.#position + length;
    if (length < 0 || end > this.#buffer.length) throw badRequest('the protobuf body ends within a field');
    const bytes = this.#buffer.subarray(this.#position, end);
    this.#position = end;
    return bytes;
  }
}

function decodeMessage(buffer: Buffer, message: string): JsonObject {
  const fields = messages()[message] ?? {};
  const properties = builtInSchemas.get(message)?.['properties'];
  const object: JsonObject = {};
  const reader = new Reader(buffer);
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const wireType = tag & 7;
    const raw =
      wireType === 0
        ? reader.varint()
        : wireType === 2
          ? reader.bytes(Number(reader.varint()))
          : reader.bytes(wireType === 1 ? 8 : wireType === 5 ? 4 : -1);
    const field = fields[String(tag >>> 3)];
    if (field === undefined) continue;
    const [name, type] = field;
    addField(object, name, type, raw, isObject(properties) ? properties : undefined);
  }
  return object;
}

function addField(
  object: JsonObject,
  name: string,
  type: string,
  raw: bigint | Buffer,
  properties: JsonObject | undefined,
): void {
  if (type.startsWith('map ')) {
    const map = isObject(object[name]) ? object[name] : {};
    object[name] = map;
    const [key, value] = decodeEntry(raw as Buffer, type.slice('map '.length));
    put(map, key, value);
  } else if (type.startsWith('repeated ')) {
    const list = Array.isArray(object[name]) ? object[name] : [];
    object[name] = list;
    list.push(decodeValue(raw, type.slice('repeated '.length)));
  } else {
    const value = decodeValue(raw, type);
    // Go writes fields without a value too; in JSON they are left out.
    if (value === '' || value === undefined) return;
    // A struct that Go embeds has a field in protobuf and none in JSON.
    const isInline = properties !== undefined && properties[name] === undefined && isObject(value);
    if (isInline) Object.assign(object, value);
    else object[name] = value;
  }
}

function decodeEntry(entry: Buffer, valueType: string): [key: string, value: unknown] {
  const reader = new Reader(entry);
  let key = '';
  let value: unknown = valueType === 'string' || valueType === 'bytes' ? '' : undefined;
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const raw = (tag & 7) === 0 ? reader.varint() : reader.bytes(Number(reader.varint()));
    if (tag >>> 3 === 1) key = String(raw);
    else value = decodeValue(raw, valueType);
  }
  return [key, value];
}

function decodeValue(raw: bigint | Buffer, type: string): unknown {
  if (typeof raw === 'bigint') return type === 'bool' ? raw !== 0n : Number(raw);
  switch (type) {
    case 'string':
      return raw.toString('utf8');
    case 'bytes':
      return raw.toString('base64');
    case 'double':
      return raw.readDoubleLE();
    default:
      return plainForm(type, decodeMessage(raw, type));
  }
}

/** Types whose JSON is no object although their message has fields. */
function plainForm(type: string, message: JsonObject): unknown {
  const name = type.slice(type.lastIndexOf('.') + 1);
  switch (name) {
    case 'Time':
    case 'MicroTime':
      return timeOf(Number(message['seconds'] ?? 0), Number(message['nanos'] ?? 0), name === 'MicroTime');
    case 'Quantity':
      return message['string'] ?? '0';
    case 'IntOrString':
      return message['type'] === 1 ? (message['strVal'] ?? '') : (message['intVal'] ?? 0);
    case 'ExtraValue':
    case 'Verbs':
      return message['items'] ?? [];
    case 'FieldsV1':
    case 'RawExtension': {
      const raw = message['Raw'] ?? message['raw'];
      return raw === undefined ? {} : JSON.parse(Buffer.from(String(raw), 'base64').toString('utf8'));
    }
    case 'ObjectMeta':
      return Object.fromEntries(Object.entries(message).filter(([, value]) => value !== 0));
    default:
      return message;
  }
}

/** The zero time of Go comes as no seconds at all, or as the year 1. */
function timeOf(seconds: number, nanos: number, micro: boolean): string | undefined {
  if (seconds === 0 || seconds < -62_000_000_000) return undefined;
  const date = new Date(seconds * 1000).toISOString();
  const fraction = String(Math.floor(nanos / 1000)).padStart(6, '0');
  return micro ? date.replace('.000Z', `.${fraction}Z`) : date.replace('.000Z', 'Z');
}
