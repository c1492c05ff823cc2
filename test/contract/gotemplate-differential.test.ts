import { createTemplateEffects } from '@waxwing/shared/rendering';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Comparison, compareWithGo } from '../gotemplate/comparison.ts';
import { deterministicFunctions, nodeKinds } from '../gotemplate/generator.ts';
import { type GoRenderer, hasGo, startGoRenderer } from '../gotemplate/go-renderer.ts';

/**
 * Random templates rendered by Go's text/template with sprig and by ours. WAXWING_TEMPLATE_SEED repeats a run, WAXWING_TEMPLATE_CASES makes
 * it longer. Where there is no Go the check cannot run; in CI that is a failure.
 */

const caseCount = Number(process.env['WAXWING_TEMPLATE_CASES'] ?? 20_500);
const wantedSeed = process.env['WAXWING_TEMPLATE_SEED'] ?? '705547630';
// A gate must not close by chance: `npm test` repeats one seed, `npm run test:long` asks for a new one each time.
const seed = wantedSeed === 'random' ? Math.floor(Math.random() * 2 ** 31) : Number(wantedSeed);
const leastUses = 50;
const inCi = (process.env['CI'] ?? '') !== '';
const goIsThere = hasGo();

test.runIf(inCi)('CI has Go', () => {
  expect(goIsThere, 'the differential check of templates needs the go command').toBe(true);
});

describe.runIf(goIsThere)(`${caseCount} random templates, seed ${seed}`, () => {
  let go: GoRenderer;
  let comparison: Comparison;

  beforeAll(async () => {
    console.log(`differential check of templates: seed ${seed} (repeat with WAXWING_TEMPLATE_SEED=${seed})`);
    go = startGoRenderer();
    const effects = await createTemplateEffects({ withCostlyFunctions: true });
    comparison = await compareWithGo({ seed, count: caseCount, go, effects });
  }, 300_000);

  afterAll(async () => {
    await go?.close();
  });

  test('come out the same, bytes and kind of failure', () => {
    expect(comparison.differences.slice(0, 20).join('\n')).toBe('');
    expect(comparison.differences.length).toBe(0);
  });

  test('are at least 20,000, a quarter of them errors, a tenth not UTF-8', () => {
    expect(comparison.count).toBeGreaterThanOrEqual(20_000);
    expect(comparison.errors).toBeGreaterThanOrEqual(comparison.count / 4);
    expect(comparison.errors).toBeLessThanOrEqual((comparison.count * 3) / 4);
    expect(comparison.notUtf8).toBeGreaterThanOrEqual(comparison.count / 10);
  });

  test(`use every node kind and every deterministic function at least ${leastUses} times`, () => {
    const rare = [...nodeKinds, ...deterministicFunctions].filter(
      (name) => (comparison.uses.get(name) ?? 0) < leastUses,
    );
    expect(rare).toEqual([]);
  });
});
