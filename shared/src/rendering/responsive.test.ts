import { beforeAll, describe, expect, test } from 'vitest';
import { createTemplateEffects } from '../crypto/template-effects.ts';
import type { TemplateEffects } from '../gotemplate/index.ts';
import { measuringTimers } from '../testing/timers.ts';
import { type RenderRequest, renderEach } from './outcomes.ts';
import { createRenderingThread } from './rendering-thread.ts';
import { type ResponsiveOptions, renderResponsively } from './responsive.ts';
import { createTurns } from './turns.ts';
import { findVolatileTemplates } from './volatile.ts';

const threadFile = new URL('./template-worker.ts', import.meta.url);
const deadlineMs = 30_000;
const turns = createTurns({
  monotonicMs: () => performance.now(),
  yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
});
let effects: TemplateEffects;
beforeAll(async () => {
  effects = await createTemplateEffects({ withCostlyFunctions: false });
});

const objectOf = (...texts: string[]): RenderRequest => ({
  templates: texts.map((text, i) => ({ name: `t${i}`, text })),
  data: new Map([['a', 'x']]),
});
const render = (request: RenderRequest, options: Partial<ResponsiveOptions> = {}) =>
  renderResponsively(request, {
    effects,
    turns,
    thread: createRenderingThread({ threadFile, deadlineMs }),
    ...options,
  });

/** A thread that only counts what it is asked for. */
function countingThread() {
  const requests: RenderRequest[] = [];
  return {
    requests,
    async render(request: RenderRequest) {
      requests.push(request);
      return [];
    },
  };
}

describe('rendering without holding up the calling thread', () => {
  test('quick templates need no other thread', async () => {
    const thread = countingThread();
    expect(await render(objectOf('{{ upper .a }}', '{{ nope', '{{ .a }}'), { thread })).toMatchObject([
      { output: 'X' },
      { failure: { kind: 'parse' } },
      { output: 'x' },
    ]);
    expect(thread.requests).toEqual([]);
  });

  test('key generation goes elsewhere by itself, with what stands beside it', async () => {
    const outcomes = await render(objectOf('{{ .a }}', '{{ genPrivateKey "ed25519" | trunc 10 }}'));
    expect(outcomes).toEqual([{ output: 'x' }, { output: '-----BEGIN' }]);
  });

  test('a template that turns out to be long is done elsewhere, and the timers never stop', async () => {
    const text = '{{ range until 60000 }}{{ add . 1 | toString | sha256sum | trunc 1 }}{{ end }}';
    const { result, longestGapMs } = await measuringTimers(() => render(objectOf(text)));
    expect(result).toMatchObject([{ output: expect.stringMatching(/^[0-9a-f]{60000}$/) }]);
    expect(longestGapMs).toBeLessThan(1_000);
  });

  test('a template that is too long for any thread fails with its limit', async () => {
    const outcomes = await render(objectOf('{{ range 9223372036854775807 }}{{ end }}', 'never'));
    expect(outcomes).toMatchObject([{ failure: { kind: 'limit', limit: 'budget', line: 1 } }]);
  });

  test('many entries of an object have one allowance together, and go elsewhere when it is used up', async () => {
    const thread = countingThread();
    const text = '{{ range until 400 }}{{ add . 1 }}{{ end }}';
    await render(objectOf(text), { thread });
    expect(thread.requests).toEqual([]);
    const request = objectOf(...Array<string>(500).fill(text));
    const { longestGapMs } = await measuringTimers(() => render(request, { thread }));
    expect(longestGapMs).toBeLessThan(500);
    expect(thread.requests).toEqual([request]);
  });

  test('a text that takes long to parse is not looked at here, and one without actions is', async () => {
    const thread = countingThread();
    expect(await render(objectOf('x'.repeat(1_000_000)), { thread })).toEqual([{ output: 'x'.repeat(1_000_000) }]);
    const long = objectOf(...Array<string>(40).fill('{{ .a }}'.repeat(200)));
    await render(long, { thread });
    expect(thread.requests).toEqual([long]);
  });

  test('many objects that become ready together leave turns to timers', async () => {
    const text = '{{ range until 2000 }}{{ add . 1 }}{{ end }}';
    const objects = Array.from({ length: 200 }, () => objectOf(text));
    const thread = countingThread();
    const { ticks, longestGapMs } = await measuringTimers(() =>
      Promise.all(objects.map((request) => render(request, { thread }))),
    );
    expect(ticks).toBeGreaterThan(20);
    expect(longestGapMs).toBeLessThan(500);
  });
});

test('entries that give another result each time are found, and the text alone says nothing', async () => {
  const entries = {
    random: '{{ randAlphaNum 8 }}',
    piped: '{{ .a }}{{ "x" | htpasswd "y" }}',
    plain: 'randAlphaNum now',
    mentioned: '{{ .now }} uuidv4',
    broken: '{{ now ',
    omitted: null,
  };
  expect([...(await findVolatileTemplates(new Map(Object.entries(entries)), turns))]).toEqual(['random', 'piped']);
});

test('a piece of work that throws fails alone', async () => {
  const broken = turns.take(() => {
    throw new Error('broken');
  });
  const next = turns.take(() => 'next');
  await expect(broken).rejects.toThrow('broken');
  expect(await next).toBe('next');
});

describe('the budget', () => {
  const costly = { ...Object.fromEntries(['generateKey'].map((name) => [name, () => 'KEY'])) };
  const outcomesOf = (request: RenderRequest, changes: Partial<TemplateEffects> = {}) => [
    ...renderEach(request, { ...effects, ...costly, ...changes }),
  ];

  test('of costly functions is that of the object', () => {
    const text = '{{ range until 10 }}{{ genPrivateKey "rsa" }}{{ end }}';
    const outcomes = outcomesOf(objectOf(...Array<string>(60).fill(text)));
    expect(outcomes).toMatchObject([
      { output: 'KEY'.repeat(10) },
      {
        failure: {
          limit: 'budget',
          message: 'the template generates more keys, certificates and password hashes than allowed (400)',
        },
      },
    ]);
  });

  test('of steps, output and memory is that of the object', () => {
    const failure = (limits: RenderRequest['limits'], text: string) => {
      const outcomes = outcomesOf({ ...objectOf(...Array<string>(50).fill(text)), ...(limits && { limits }) });
      expect(outcomes.length).toBeGreaterThan(2);
      expect(outcomes.length).toBeLessThan(50);
      expect(outcomes.at(-1)).toMatchObject({ failure: { kind: 'limit', limit: 'budget' } });
      const last = outcomes.at(-1);
      return last !== undefined && 'failure' in last ? last.failure.message : '';
    };
    expect(failure({ maxSteps: 5_000 }, '{{ range until 1000 }}{{ end }}')).toContain('steps');
    expect(failure({ maxOutputBytes: 10_000 }, 'x'.repeat(1_000))).toBe('the output is larger than 10000 bytes');
    expect(failure({ maxAllocatedBytes: 100_000 }, '{{ repeat 10000 "x" | trunc 1 }}')).toContain('values');
  });

  test('of time counts the time of rendering on the monotonic clock, and is no matter of the template', () => {
    let clock = 0;
    const text = '{{ range until 3000 }}{{ . }}{{ end }}';
    const request = { ...objectOf(...Array<string>(50).fill(text)), limits: { maxMilliseconds: 10_000 } };
    const slow = outcomesOf(request, { monotonicMs: () => (clock += 500) });
    expect(slow.length).toBeGreaterThan(2);
    expect(slow.at(-1)).toMatchObject({
      failure: { kind: 'limit', limit: 'time', message: 'the template takes longer than 10000 ms' },
    });
    // The clock on the wall may jump as it likes, and what passes between two entries is waiting.
    let wall = 0n;
    let waited = 0;
    const each = renderEach(request, {
      ...effects,
      now: () => (wall += 86_400_000_000_000n),
      monotonicMs: () => waited,
    });
    for (let i = 0; i < 20; i++) {
      expect(each.next().value).toHaveProperty('output');
      waited += 60_000;
    }
  });

  test('leaves room for thousands of entries that do little', () => {
    const texts = Array.from({ length: 3_000 }, (_, i) => (i % 2 === 0 ? `${i}` : '{{ .a }}'));
    const data = new Map(texts.map((text, i) => [i === 0 ? 'a' : `t${i}`, text]));
    const outcomes = outcomesOf({ ...objectOf(...texts), data });
    expect(outcomes.filter((outcome) => 'output' in outcome)).toHaveLength(3_000);
  });

  test('is not used up by what is wrong with one template alone', () => {
    const deep = '{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}';
    expect(outcomesOf(objectOf(deep, 'x'.repeat(2_000_000), '{{ .a }}'))).toMatchObject([
      { failure: { kind: 'exec' } },
      { failure: { limit: 'template' } },
      { output: 'x' },
    ]);
  });
});
