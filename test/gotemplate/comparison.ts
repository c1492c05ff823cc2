import { renderTemplate, type TemplateEffects, TemplateError } from '@waxwing/shared/gotemplate';
import { deterministicFunctions, type GeneratedCase, nodeKinds, TemplateGenerator } from './generator.ts';
import type { GoRenderer, Outcome } from './go-renderer.ts';
import { SeededRandom } from './random.ts';

/** Renders generated templates on both sides and reports where they differ. */

export interface ComparisonOptions {
  readonly seed: number;
  readonly count: number;
  readonly go: GoRenderer;
  readonly effects: TemplateEffects;
}

export interface Comparison {
  readonly count: number;
  /** Cases that fail in Go. */
  readonly errors: number;
  /** Cases whose template or data have bytes that are no UTF-8. */
  readonly notUtf8: number;
  /** How often each node kind and function was used in a template that parses. */
  readonly uses: ReadonlyMap<string, number>;
  /** A text for each case that differs. */
  readonly differences: readonly string[];
}

const casesPerBatch = 500;

/** What a run has to use: each comes up as the subject of a case, in turn. */
const subjects: readonly string[] = [
  ...deterministicFunctions,
  ...nodeKinds,
  // Big structures often fail to parse for something inside them.
  'else if',
  'else with',
  'range assignment',
];

export async function compareWithGo({ seed, count, go, effects }: ComparisonOptions): Promise<Comparison> {
  const generator = new TemplateGenerator(new SeededRandom(seed));
  const uses = new Map<string, number>();
  const differences: string[] = [];
  let errors = 0;
  let notUtf8 = 0;
  for (let start = 0; start < count; start += casesPerBatch) {
    const batch: GeneratedCase[] = [];
    for (let i = start; i < Math.min(start + casesPerBatch, count); i++) {
      batch.push(generator.generate(subjects[i % subjects.length] ?? ''));
    }
    // Go works on the batch while we do.
    const rendering = go.render(batch);
    const ours = batch.map((generated) => renderOurs(generated, effects));
    const theirs = await rendering;
    for (const [index, generated] of batch.entries()) {
      const expected = theirs[index] ?? { error: 'missing', detail: '' };
      const got = ours[index] ?? { error: 'missing', detail: '' };
      if ('error' in expected) errors++;
      if (hasInvalidUtf8(generated)) notUtf8++;
      if (!('error' in expected && expected.error === 'parse')) {
        for (const use of generated.uses) uses.set(use, (uses.get(use) ?? 0) + 1);
      }
      if (!isSameOutcome(expected, got))
        differences.push(describeDifference(seed, start + index, generated, expected, got));
    }
  }
  return { count, errors, notUtf8, uses, differences };
}

function renderOurs(generated: GeneratedCase, effects: TemplateEffects): Outcome {
  try {
    return { output: renderTemplate({ ...generated, effects }) };
  } catch (error) {
    if (error instanceof TemplateError) return { error: error.kind, detail: error.message };
    // Anything else is a defect of ours, and differs from whatever Go says.
    return { error: 'defect', detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function hasInvalidUtf8({ text, data }: GeneratedCase): boolean {
  const isInvalid = (byteString: string): boolean => {
    const bytes = Buffer.from(byteString, 'latin1');
    return !Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
  };
  return isInvalid(text) || [...data].some(([key, value]) => text.includes(key) && isInvalid(value));
}

function isSameOutcome(expected: Outcome, got: Outcome): boolean {
  if ('error' in expected) return 'error' in got && got.error === expected.error;
  return 'output' in got && withoutAddresses(got.output) === withoutAddresses(expected.output);
}

/** Pointers print as addresses, which are different in every process. */
function withoutAddresses(output: string): string {
  return output.replace(/0x[0-9a-f]{6,16}\b/g, '0xADDRESS');
}

function describeDifference(
  seed: number,
  index: number,
  { name, text, data }: GeneratedCase,
  expected: Outcome,
  got: Outcome,
): string {
  const describe = (outcome: Outcome): string =>
    'error' in outcome ? `${outcome.error}: ${outcome.detail}` : JSON.stringify(outcome.output);
  const context = [...data]
    .filter(([key]) => text.includes(key))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return [
    `seed ${seed}, case ${index}, template ${name} (byte strings, one character per byte)`,
    `  ${JSON.stringify(text)}`,
    `  ${context.join(' ')}`,
    `  Go:   ${describe(expected)}`,
    `  ours: ${describe(got)}`,
  ].join('\n');
}
