import { createPrivateKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderTemplate } from '@waxwing/shared/gotemplate';
import { createTemplateEffects } from '@waxwing/shared/rendering';
import { type Benchmark, formatMs, formatRatio, median } from './report.ts';

const keyFile = join(import.meta.dirname, '../../test/vectors/test-keys/alpha.key.pem');
const templatesPerRun = 1000;
const runs = 5;

/** What people write in `template.data`: configuration files with some values filled in. */
const typicalTemplates: readonly string[] = [
  'postgres://{{ .user }}:{{ .password | urlquery }}@{{ .host }}:{{ .port | default "5432" }}/app?sslmode=require\n',
  '{"auths":{"{{ .host }}":{"username":{{ .user | toJson }},"password":{{ .password | toJson }},"auth":"{{ printf "%s:%s" .user .password | b64enc }}"}}}',
  `[client]
user = {{ .user }}
password = "{{ .password }}"
{{- if .host }}
host = {{ .host }}
{{- else }}
host = localhost
{{- end }}
`,
  `server:
  port: {{ .port | int }}
  hosts:
{{- range $i, $h := splitList "," .hosts }}
    - name: {{ $h | trim | quote }}
      index: {{ $i }}
{{- end }}
  tls:
{{ .certificate | indent 4 }}
`,
  `{{- define "line" }}export {{ .name }}={{ .value | squote }}
{{ end -}}
{{ range $name, $value := . }}{{ template "line" (dict "name" (upper $name) "value" $value) }}{{ end }}`,
];

const data = new Map([
  ['user', 'admin'],
  ['password', 's3cr3t/with?odd&characters'],
  ['host', 'db.example.com'],
  ['port', '5432'],
  ['hosts', 'a.example.com, b.example.com, c.example.com'],
  ['certificate', Array.from({ length: 20 }, () => 'MIIC'.repeat(16)).join('\n')],
]);

async function measureRendering(): Promise<number> {
  const effects = await createTemplateEffects({ withCostlyFunctions: false });
  const started = performance.now();
  for (let i = 0; i < templatesPerRun; i++) {
    const text = typicalTemplates[i % typicalTemplates.length] ?? '';
    renderTemplate({ name: 'entry', text, data, effects });
  }
  return performance.now() - started;
}

/** One decryption per template, as the controller has to do for every item. */
function measureDecryptions(): number {
  const key = createPrivateKey(readFileSync(keyFile));
  const ciphertext = publicEncrypt({ key, oaepHash: 'sha256' }, Buffer.alloc(32));
  const started = performance.now();
  for (let i = 0; i < templatesPerRun; i++) privateDecrypt({ key, oaepHash: 'sha256' }, ciphertext);
  return performance.now() - started;
}

export const templates: Benchmark = {
  name: 'templates',
  description: '1,000 typical templates against 1,000 RSA-4096 decryptions',
  async run() {
    const renderings: number[] = [];
    const decryptions: number[] = [];
    for (let i = 0; i < runs; i++) {
      renderings.push(await measureRendering());
      decryptions.push(measureDecryptions());
    }
    const ratio = median(renderings) / median(decryptions);
    return [
      { name: `rendering ${templatesPerRun} typical templates`, value: formatMs(median(renderings)) },
      { name: `${templatesPerRun} RSA-4096 decryptions`, value: formatMs(median(decryptions)) },
      { name: 'ratio', value: formatRatio(ratio), bar: { text: 'less than 1 x', reached: ratio < 1 } },
    ];
  },
};
