import { describe, expect, test } from 'vitest';
import { createTemplateEffects } from '../crypto/template-effects.ts';
import { byteStringFromText, TemplateError } from '../gotemplate/index.ts';
import { renderInWorker, renderResponsively } from './render-in-worker.ts';

const threadFile = new URL('./template-worker.ts', import.meta.url);
const many = { maxCostlyUnits: 1_000_000, maxMilliseconds: 600_000 };

/** Runs something while timers of this thread are measured: how often they fired and the longest time between two of them. */
async function measuringTimers<T>(run: () => Promise<T>): Promise<{ result: T; ticks: number; longestGapMs: number }> {
  let ticks = 0;
  let longestGapMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longestGapMs = Math.max(longestGapMs, now - last);
    last = now;
    ticks++;
  }, 5);
  try {
    return { result: await run(), ticks, longestGapMs };
  } finally {
    clearInterval(timer);
  }
}

describe('rendering in a thread of its own', () => {
  test('gives the output', async () => {
    const data = new Map([['a', '\xff\xfe']]);
    const output = await renderInWorker(
      { name: 't', text: '{{ .a }}{{ bcrypt "x" | trunc 7 }}', data },
      { threadFile, deadlineMs: 30_000 },
    );
    expect(output).toBe('\xff\xfe$2a$10$');
  });

  test('gives the error of the template with its place', async () => {
    const text = byteStringFromText('ok\n{{ fail "secret-marker" }}');
    const rendering = renderInWorker({ name: 't', text, data: new Map() }, { threadFile, deadlineMs: 30_000 });
    const error = await rendering.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(TemplateError);
    expect(error).toMatchObject({ kind: 'exec', line: 2, column: 4, templateName: 't' });
    expect(String(error)).not.toContain('secret-marker');
  });

  test('leaves the timers of the calling thread alone during 1,000 key generations', async () => {
    const text = '{{ range until 1000 }}{{ genPrivateKey "ecdsa" | len }} {{ end }}';
    const { result, ticks, longestGapMs } = await measuringTimers(() =>
      renderInWorker({ name: 't', text, data: new Map(), limits: many }, { threadFile, deadlineMs: 60_000 }),
    );
    expect(result.trim().split(' ')).toHaveLength(1000);
    expect(ticks).toBeGreaterThan(10);
    expect(longestGapMs).toBeLessThan(1_000);
  });

  test('ends at the deadline in the middle of 1,000 RSA keys, and the timers never stopped', async () => {
    const text = '{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}';
    const started = performance.now();
    const { result, ticks, longestGapMs } = await measuringTimers(() =>
      renderInWorker({ name: 't', text, data: new Map(), limits: many }, { threadFile, deadlineMs: 1_500 }).then(
        () => 'rendered',
        (error: TemplateError) => `${error.kind}: ${error.message}`,
      ),
    );
    expect(result).toBe('limit: the template takes longer than 1500 ms');
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(ticks).toBeGreaterThan(20);
    expect(longestGapMs).toBeLessThan(1_000);
  });

  test('ends when the template needs more memory than the thread has', async () => {
    const limits = { ...many, maxAllocatedBytes: Number.MAX_SAFE_INTEGER, maxSteps: Number.MAX_SAFE_INTEGER };
    const text = '{{ $l := list }}{{ range until 100000000 }}{{ $l = append $l (list . . . .) }}{{ end }}';
    await expect(
      renderInWorker({ name: 't', text, data: new Map(), limits }, { threadFile, deadlineMs: 30_000 }),
    ).rejects.toMatchObject({
      kind: 'limit',
    });
  });
});

describe('rendering without holding up the calling thread', () => {
  const deadlineMs = 30_000;

  test('quick templates need no other thread', async () => {
    const effects = await createTemplateEffects({ withCostlyFunctions: false });
    const nowhere = new URL('./there-is-no-such-file.ts', import.meta.url);
    const request = { name: 't', text: '{{ upper .a }}', data: new Map([['a', 'x']]) };
    expect(await renderResponsively(request, { effects, deadlineMs, threadFile: nowhere })).toBe('X');
  });

  test('key generation goes elsewhere by itself', async () => {
    const effects = await createTemplateEffects({ withCostlyFunctions: false });
    const request = { name: 't', text: '{{ genPrivateKey "ed25519" | trunc 10 }}', data: new Map() };
    expect(await renderResponsively(request, { effects, deadlineMs, threadFile })).toBe('-----BEGIN');
  });

  test('a template that turns out to be long is done elsewhere, and the timers never stop', async () => {
    const effects = await createTemplateEffects({ withCostlyFunctions: false });
    const text = '{{ range until 60000 }}{{ add . 1 | toString | sha256sum | trunc 1 }}{{ end }}';
    const { result, longestGapMs } = await measuringTimers(() =>
      renderResponsively({ name: 't', text, data: new Map() }, { effects, deadlineMs, threadFile }),
    );
    expect(result).toHaveLength(60_000);
    expect(longestGapMs).toBeLessThan(1_000);
  });

  test('a template that is too long for any thread fails with its limit', async () => {
    const effects = await createTemplateEffects({ withCostlyFunctions: false });
    const request = { name: 't', text: '{{ range 9223372036854775807 }}{{ end }}', data: new Map() };
    await expect(renderResponsively(request, { effects, deadlineMs, threadFile })).rejects.toMatchObject({
      kind: 'limit',
      line: 1,
    });
  });
});
