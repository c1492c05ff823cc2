/**
 * Writes kubernetes-protobuf.json: field numbers of the messages of the built-in types, read from the published
 * `generated.proto` files. kubectl 1.36 sends new objects of built-in types as protobuf.
 *
 *     node test/apiserver/embedded/types/generate-protobuf.ts MODULES 0.36.3
 *
 * MODULES is the folder with `api@v0.36.3`, `apimachinery@v0.36.3`, ...: the module cache's `k8s.io`.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const messages: Record<string, Record<string, [name: string, type: string]>> = {};

/** Names as in the OpenAPI documents, which turn the domain around: `io.k8s.api.core.v1.Secret`. */
function schemaName(name: string): string {
  return name.replace(/^\.?k8s\.io\./, 'io.k8s.');
}

function readProto(file: string): void {
  let packageName = '';
  let message: Record<string, [string, string]> | undefined;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const text = line.trim();
    packageName = /^package ([\w.]+);/.exec(text)?.[1] ?? packageName;
    const opened = /^message (\w+) \{/.exec(text)?.[1];
    if (opened !== undefined) {
      message = {};
      messages[schemaName(`${packageName}.${opened}`)] = message;
    } else if (text === '}') message = undefined;
    const field = /^(?:optional |repeated )?(map<string, ([\w.]+)>|[\w.]+) (\w+) = (\d+);/.exec(text);
    if (field === null || message === undefined) continue;
    const [, whole = '', mapValue, name = '', number = ''] = field;
    const qualified = (type: string) =>
      /^(?:string|bytes|bool|double|u?int(?:32|64))$/.test(type)
        ? type
        : schemaName(type.includes('.') ? type : `${packageName}.${type}`);
    const type = mapValue === undefined ? qualified(whole) : `map ${qualified(mapValue)}`;
    message[number] = [name, text.startsWith('repeated ') ? `repeated ${type}` : type];
  }
}

const groups = [
  'core',
  'apps',
  'authentication',
  'authorization',
  'autoscaling',
  'batch',
  'coordination',
  'discovery',
  'events',
  'networking',
  'policy',
  'rbac',
];
const [modules, version] = process.argv.slice(2);
if (modules === undefined || version === undefined) {
  process.stderr.write('usage: generate-protobuf.ts MODULES VERSION\n');
  process.exit(2);
}
for (const group of groups) {
  const folder = join(modules, `api@v${version}`, group);
  for (const entry of readdirSync(folder))
    if (entry === 'v1' || entry === 'v2') readProto(join(folder, entry, 'generated.proto'));
}
for (const folder of ['apis/meta/v1', 'runtime', 'util/intstr', 'api/resource']) {
  readProto(join(modules, `apimachinery@v${version}`, 'pkg', folder, 'generated.proto'));
}
const lines = Object.keys(messages)
  .sort()
  .filter((name) => !name.endsWith('List'))
  .map((name) => `${JSON.stringify(name)}:${JSON.stringify(messages[name])}`);
writeFileSync(join(import.meta.dirname, 'kubernetes-protobuf.json'), `{\n${lines.join(',\n')}\n}\n`);
