import { readFileSync } from 'node:fs';
import path from 'node:path';
import { formatJson, formatYaml, readDocuments } from '@waxwing/shared/documents';
import { describe, expect, it } from 'vitest';

interface Recorded {
  readonly name: string;
  readonly format?: string;
  readonly stdout?: string;
  readonly after?: string;
  readonly filesAfter?: Record<string, { readonly text?: string } | string>;
}

function load(file: string): Recorded[] {
  return JSON.parse(readFileSync(path.join(import.meta.dirname, 'objects', file), 'utf8')) as Recorded[];
}

/** Every text that upstream printed or wrote. */
function outputs(file: string): { name: string; text: string }[] {
  return load(file).flatMap(({ name, stdout, after, filesAfter }) => {
    const written = Object.values(filesAfter ?? {}).map((entry) =>
      typeof entry === 'string' ? entry : (entry.text ?? ''),
    );
    return [stdout ?? '', after ?? '', ...written]
      .filter((text) => /^\s*(?:\{|---)/.test(text))
      .map((text) => ({ name, text }));
  });
}

describe.each(['seal.json', 'merge.json'])('what kubeseal wrote, objects/%s', (file) => {
  const recorded = outputs(file);

  it('is there', () => {
    expect(recorded.length).toBeGreaterThanOrEqual(load(file).length);
  });

  it.each(recorded)('$name is written byte for byte again from its value', ({ text }) => {
    const again = [...readDocuments(text)].map(({ value, format }) =>
      format === 'json' ? `${formatJson(value)}\n` : `---\n${formatYaml(value)}`,
    );
    expect(again.join('')).toBe(text);
  });
});
