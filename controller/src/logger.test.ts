import { SealedSecretsError } from '@waxwing/shared';
import { testKey } from '@waxwing/shared/testing';
import { describe, expect, test } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';

function aLogger(parts: Partial<Pick<LoggerOptions, 'format' | 'level' | 'infoToStdout'>> = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const logger = createLogger({
    format: 'text',
    level: 0,
    infoToStdout: true,
    ...parts,
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  });
  return { logger, out, err };
}

describe('the logger', () => {
  test("writes text as slog's text handler does", () => {
    const { logger, out } = aLogger();
    logger.info('key written', {
      namespace: 'kube-system',
      name: 'sealed-secrets-keyabc',
      count: 3,
      note: 'a "b"=c',
      empty: '',
    });
    expect(out).toEqual([
      'time=2026-01-02T03:04:05.678Z level=INFO msg="key written" namespace=kube-system name=sealed-secrets-keyabc count=3 note="a \\"b\\"=c" empty=""\n',
    ]);
  });

  test('writes JSON with time, level and msg first', () => {
    const { logger, out } = aLogger({ format: 'json' });
    logger.info('reconciled', { key: 'a/x' });
    expect(out).toEqual(['{"time":"2026-01-02T03:04:05.678Z","level":"INFO","msg":"reconciled","key":"a/x"}\n']);
  });

  test('an attribute cannot pose as time, level or message', () => {
    const { logger, out } = aLogger({ format: 'json' });
    logger.info('true', { msg: 'false', level: 'DEBUG' });
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ msg: 'true', level: 'INFO', msg_: 'false', level_: 'DEBUG' });
  });

  test('info goes to stdout, warnings and errors to stderr', () => {
    const { logger, out, err } = aLogger();
    logger.info('a');
    logger.warn('b');
    logger.error('c');
    expect([out.length, err.length]).toEqual([1, 2]);
    expect(err[1]).toContain('level=ERROR msg=c');
  });

  test('everything goes to stderr if asked for', () => {
    const { logger, out, err } = aLogger({ infoToStdout: false });
    logger.info('a');
    expect([out.length, err.length]).toEqual([0, 1]);
  });

  test.each([
    [-4, 4],
    [0, 3],
    [2, 2],
    [4, 2],
    [8, 1],
    [9, 0],
  ])('at level %i, %i of the four levels are written', (level, count) => {
    const { logger, out, err } = aLogger({ level });
    for (const name of ['debug', 'info', 'warn', 'error'] as const) logger[name]('x');
    expect(out.length + err.length).toBe(count);
  });

  test('objects, maps, bytes and foreign errors leave nothing of themselves but their kind', () => {
    const canary = 'canary-value-4711';
    const { logger, out } = aLogger();
    logger.info('x', {
      secret: { data: { password: canary } },
      map: new Map([['password', canary]]),
      bytes: Buffer.from(canary),
      list: [Buffer.from(canary), { canary }],
      error: Object.assign(new Error(`got ${canary}`), { code: 'EBOOM' }),
      data: canary,
      token: canary,
      Authorization: canary,
    });
    expect(out[0]).not.toContain('canary-value');
    expect(out[0]).not.toContain(Buffer.from(canary).toString('base64').slice(0, 12));
    expect(out[0]).toContain('error="Error (EBOOM)"');
  });

  test('our own errors are written with code and message', () => {
    const { logger, err } = aLogger();
    logger.error('x', { error: new SealedSecretsError('UnknownKey', 'no key opens item "a"') });
    expect(err[0]).toContain('error="UnknownKey: no key opens item \\"a\\""');
  });

  test('private keys and tokens are taken out of any text', () => {
    const { logger, out } = aLogger();
    const pem = testKey().pem;
    const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
    logger.info(`key ${pem}`, {
      a: pem,
      b: `sent ${token}`,
      c: 'Bearer abcdefgh12345678',
      d: 'AGE-SECRET-KEY-1QQQQQQ',
    });
    for (const piece of [...pem.split('\n').slice(1, -2), token, 'abcdefgh12345678', '1QQQQQQ']) {
      expect(out[0]).not.toContain(piece);
    }
  });

  test('a certificate is no secret', () => {
    const { logger, out } = aLogger({ format: 'json' });
    const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
    logger.info('certificate generated', { certificate });
    expect(JSON.parse(out[0] ?? '')).toMatchObject({ certificate });
  });
});
