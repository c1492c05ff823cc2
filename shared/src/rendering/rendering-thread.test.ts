import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { byteStringFromText, type NamedTemplate } from '../gotemplate/index.ts';
import { measuringTimers } from '../testing/timers.ts';
import type { RenderRequest, TemplateFailure, TemplateOutcome } from './outcomes.ts';
import { forgetLastMatch } from './render-for-parent.ts';
import { createRenderingThread, type RenderingThread } from './rendering-thread.ts';

const threadFile = new URL('./template-worker.ts', import.meta.url);

interface OneTemplate extends NamedTemplate, Omit<RenderRequest, 'templates'> {}

const requestOf = ({ name, text, ...rest }: OneTemplate): RenderRequest => ({ templates: [{ name, text }], ...rest });

/** The output of the only template of an object; rejects with its failure. */
async function theOutput(rendering: Promise<readonly TemplateOutcome[]>): Promise<string> {
  const outcomes = await rendering;
  expect(outcomes).toHaveLength(1);
  const outcome = outcomes[0] as TemplateOutcome;
  if ('failure' in outcome) throw outcome.failure;
  return outcome.output;
}

const renderIn = (thread: RenderingThread, template: OneTemplate) => theOutput(thread.render(requestOf(template)));
const render = (template: OneTemplate, deadlineMs: number) =>
  renderIn(createRenderingThread({ threadFile, deadlineMs }), template);
const many = { maxCostlyUnits: 1_000_000, maxMilliseconds: 600_000 };

describe('rendering in a thread of its own', () => {
  test('gives the output', async () => {
    const data = new Map([['a', '\xff\xfe']]);
    const output = await render({ name: 't', text: '{{ .a }}{{ bcrypt "x" | trunc 7 }}', data }, 30_000);
    expect(output).toBe('\xff\xfe$2a$10$');
  });

  test('gives the error of the template with its place', async () => {
    const text = byteStringFromText('ok\n{{ fail "secret-marker" }}');
    const rendering = render({ name: 't', text, data: new Map() }, 30_000);
    const error = await rendering.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ kind: 'exec', line: 2, column: 4 });
    expect(JSON.stringify(error)).not.toContain('secret-marker');
  });

  test('leaves the timers of the calling thread alone during 1,000 key generations', async () => {
    const text = '{{ range until 1000 }}{{ genPrivateKey "ecdsa" | len }} {{ end }}';
    const { result, ticks, longestGapMs } = await measuringTimers(() =>
      render({ name: 't', text, data: new Map(), limits: many }, 60_000),
    );
    expect(result.trim().split(' ')).toHaveLength(1000);
    expect(ticks).toBeGreaterThan(10);
    expect(longestGapMs).toBeLessThan(1_000);
  });

  test('ends at the deadline in the middle of 1,000 RSA keys, and the timers never stopped', async () => {
    const text = '{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}';
    const started = performance.now();
    const { result, ticks, longestGapMs } = await measuringTimers(() =>
      render({ name: 't', text, data: new Map(), limits: many }, 1_500).then(
        () => 'rendered',
        (error: TemplateFailure) => `${error.kind}: ${error.message}`,
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
    await expect(render({ name: 't', text, data: new Map(), limits }, 30_000)).rejects.toMatchObject({
      kind: 'limit',
    });
  });
});

/** A thread that answers with its own number, or breaks down in the way that the template's name says. */
const numberedThread = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, threadId } from 'node:worker_threads';
    parentPort.on('message', ({ templates: [{ name }] }) => {
      if (name === 'hang') for (;;);
      if (name === 'throw') throw new Error('broken');
      if (name === 'exit') process.exit(3);
      parentPort.postMessage({ output: String(threadId) });
      parentPort.postMessage('done');
    });`)}`,
);

describe('the thread', () => {
  const request = (name: string) => requestOf({ name, text: '', data: new Map() });

  test('is kept from template to template', async () => {
    const thread = createRenderingThread({ threadFile: numberedThread, deadlineMs: 30_000 });
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    try {
      const answers = await Promise.all(Array.from({ length: 1000 }, () => theOutput(thread.render(request('t')))));
      expect(new Set(answers).size).toBe(1);
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', onWarning);
    }
  });

  test('that a template breaks fails that one alone; the next ones get another thread', async () => {
    const thread = createRenderingThread({ threadFile: numberedThread, deadlineMs: 1000 });
    const names = ['t', 'hang', 't', 'throw', 't', 'exit', 't', 't'];
    const results = await Promise.allSettled(names.map((name) => theOutput(thread.render(request(name)))));
    const reasons = results.map((result) => (result.status === 'rejected' ? String(result.reason.message) : ''));
    expect(reasons[1]).toBe('the template takes longer than 1000 ms');
    expect(reasons[3]).toBe('broken');
    expect(reasons[5]).toBe('the thread that renders templates ended early, with 3');
    const numbers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(numbers).toHaveLength(5);
    expect(new Set(numbers).size).toBe(4);
    expect(numbers[3]).toBe(numbers[4]);
  });

  test('is ended when it had nothing to do for a while', async () => {
    const thread = createRenderingThread({ threadFile: numberedThread, deadlineMs: 30_000, idleMs: 10 });
    const first = await theOutput(thread.render(request('t')));
    await expect.poll(() => theOutput(thread.render(request('t'))), { interval: 200, timeout: 20_000 }).not.toBe(first);
  });

  test('knows nothing of the templates before, and their limits are counted anew', async () => {
    const thread = createRenderingThread({ threadFile, deadlineMs: 30_000 });
    const first = {
      name: 'a',
      text: '{{ define "x" }}1{{ end }}{{ $y := 2 }}{{ genPrivateKey "ed25519" | trunc 0 }}',
    };
    const data = new Map([['a', 'canary']]);
    for (let round = 0; round < 3; round++) expect(await renderIn(thread, { ...first, data, limits: many })).toBe('');
    await expect(renderIn(thread, { name: 'b', text: '{{ template "x" }}', data: new Map() })).rejects.toMatchObject({
      kind: 'exec',
    });
    expect(await renderIn(thread, { name: 'b', text: '{{ .a }}', data: new Map() })).toBe('<no value>');
  });

  test('forgets in which text it last found something', () => {
    expect(/canary/.test('a canary value')).toBe(true);
    forgetLastMatch();
    expect((RegExp as unknown as { input: string }).input).toBe('nothing');
  });

  test('keeps no process alive', () => {
    const module = new URL('./rendering-thread.ts', import.meta.url).href;
    const program = `
      import { createRenderingThread } from ${JSON.stringify(module)};
      const thread = createRenderingThread({ threadFile: new URL(${JSON.stringify(numberedThread.href)}), deadlineMs: 30_000, idleMs: 600_000 });
      await thread.render({ templates: [{ name: 't', text: '' }], data: new Map() });
      console.log('rendered');`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect([stdout, status]).toEqual(['rendered\n', 0]);
  });

  test('gives all outcomes of an object, which has one deadline', async () => {
    const thread = createRenderingThread({ threadFile, deadlineMs: 1_500 });
    const templates = [
      '{{ .a }}',
      '{{ fail "x" }}',
      '{{ range until 1000 }}{{ genPrivateKey "rsa" }}{{ end }}',
      'never',
    ];
    const outcomes = await thread.render({
      templates: templates.map((text, i) => ({ name: `t${i}`, text })),
      data: new Map([['a', 'x']]),
      limits: many,
    });
    expect(outcomes).toMatchObject([
      { output: 'x' },
      { failure: { kind: 'exec' } },
      { failure: { kind: 'limit', limit: 'time', message: 'the template takes longer than 1500 ms' } },
    ]);
  });

  test('is waited for without using up the time of those who wait', async () => {
    const thread = createRenderingThread({ threadFile: numberedThread, deadlineMs: 1000 });
    const hanging = Array.from({ length: 3 }, () => theOutput(thread.render(request('hang'))));
    const last = theOutput(thread.render(request('t')));
    expect((await Promise.allSettled(hanging)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    expect(await last).toMatch(/^[0-9]+$/);
  });

  test('is waited for by so many, and for so long', async () => {
    const thread = createRenderingThread({
      threadFile: numberedThread,
      deadlineMs: 2_000,
      maxWaiting: 2,
      maxWaitMs: 200,
    });
    const first = thread.render(request('hang'));
    const started = performance.now();
    const results = await Promise.allSettled(['t', 't', 't', 't'].map((name) => thread.render(request(name))));
    expect(performance.now() - started).toBeLessThan(1_500);
    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { name: 'SealedSecretsError', code: 'RendererBusy' },
      });
    }
    expect(await first).toMatchObject([{ failure: { limit: 'time' } }]);
    expect(await theOutput(thread.render(request('t')))).toMatch(/^[0-9]+$/);
  });
});
