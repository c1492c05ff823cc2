import { describe, expect, test } from 'vitest';
import { isCostly, mayBeVolatile, parseTemplate } from './lint.ts';

const report = (text: string) => parseTemplate({ name: 't', text });
const names = (references: readonly { name: string }[]): string[] => references.map(({ name }) => name);

describe('what a template refers to', () => {
  test('fields of dot and of the dollar sign, and literal indexes', () => {
    const { fields, readsWholeData } = report('{{ .a }}{{ $.b.c }}{{ index . "d-e" }}{{ index $ "f" | upper }}');
    expect(names(fields)).toEqual(['a', 'b', 'd-e', 'f']);
    expect(readsWholeData).toBe(false);
  });

  test('dot as a whole may read anything', () => {
    expect(report('{{ . }}').readsWholeData).toBe(true);
    expect(report('{{ range $k, $v := $ }}{{ end }}').readsWholeData).toBe(true);
    expect(report('{{ index . $.a }}').readsWholeData).toBe(true);
    expect(report('{{ .a | quote }}').readsWholeData).toBe(false);
  });

  test('fields inside structures and definitions, with their places', () => {
    const { fields } = report(
      '{{ if .a }}\n  {{ with .b }}{{ .c }}{{ end }}{{ else }}{{ .d }}{{ end }}{{ define "x" }}{{ .e }}{{ end }}',
    );
    expect(names(fields).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(fields.find(({ name }) => name === 'b')).toMatchObject({ line: 2, column: 11 });
  });

  test('functions, and those that do not exist, without failing', () => {
    const { functions, unknownFunctions } = report('{{ upper (nope .a) | env "HOME" }}');
    expect(names(functions)).toEqual(['upper']);
    expect(unknownFunctions).toMatchObject([
      { name: 'nope', line: 1, column: 11 },
      { name: 'env', line: 1, column: 22 },
    ]);
  });

  test('places are those of single look-ups, also in a text with as many references as fit', () => {
    const text = '{{ .a }}\n{{ .b }}{{ .c }}\n\n{{ .d }}';
    expect(report(text).fields.map(({ line, column }) => [line, column])).toEqual([
      [1, 4],
      [2, 4],
      [2, 12],
      [4, 4],
    ]);
    const started = performance.now();
    expect(report('{{.a}}'.repeat(170_000)).fields).toHaveLength(170_000);
    // It took minutes when each place was counted from the beginning.
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test('templates that are called and not defined', () => {
    const { undefinedTemplates } = report(
      '{{ define "x" }}{{ end }}{{ template "x" }}{{ template "y" . }}{{ block "z" . }}{{ end }}',
    );
    expect(names(undefinedTemplates)).toEqual(['y']);
  });

  test('text that is no template is refused with its place', () => {
    expect(() => report('ok\n{{ if }}')).toThrowError(expect.objectContaining({ kind: 'parse', line: 2 }));
  });
});

describe('costly templates', () => {
  test('are those that generate keys, certificates or password hashes', () => {
    for (const call of [
      'genPrivateKey "rsa"',
      'genCA "x" 1',
      'bcrypt "x"',
      'htpasswd "a" "b"',
      'derivePassword 1 "pin" "a" "b" "c"',
    ]) {
      expect(isCostly(`{{ ${call} }}`), call).toBe(true);
    }
    expect(isCostly('{{ if .a }}{{ range .b }}{{ (genCA "x" 1).Cert }}{{ end }}{{ end }}')).toBe(true);
  });

  test('are not those that only mention the names', () => {
    expect(isCostly('bcrypt {{ "genCA" }} {{ .genPrivateKey }} {{/* htpasswd */}}')).toBe(false);
    expect(isCostly('{{ sha256sum .a }}')).toBe(false);
  });

  test('are not those that cannot be parsed, which fail at once', () => {
    expect(isCostly('{{ genCA ')).toBe(false);
  });
});

describe('volatile templates', () => {
  test.each(['randAlphaNum 8', 'now', 'uuidv4', 'genPrivateKey "rsa"', 'date "2006" .a', 'shuffle .a'])(
    '%s',
    (call) => {
      expect(report(`{{ ${call} }}`).isVolatile).toBe(true);
      expect(mayBeVolatile(`{{(${call})}}`)).toBe(true);
    },
  );

  test.each(['.now', 'sha256sum .a', '"uuidv4"', 'toDate "2006" .a'])('not %s', (call) => {
    expect(report(`{{ ${call} }}`).isVolatile).toBe(false);
  });
});
