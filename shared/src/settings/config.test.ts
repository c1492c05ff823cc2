import { describe, expect, test } from 'vitest';
import { type Config, type Invocation, parseRfc1123, readConfig } from './config.ts';
import { flags } from './flags.ts';

const inPod = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

function read(
  args: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Invocation {
  return readConfig({ args, env: { ...inPod, ...env }, hostname: 'machine', readFile: (path) => files[path] });
}

function configOf(
  args: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Config {
  const invocation = read(args, env, files);
  if (invocation.type !== 'run') throw new Error(JSON.stringify(invocation));
  return invocation.config;
}

function problemsOf(args: readonly string[], env: Record<string, string> = {}): readonly string[] {
  const invocation = read(args, env);
  return invocation.type === 'invalid' ? invocation.problems : [];
}

describe('the configuration', () => {
  test("has upstream's defaults when nothing is set", () => {
    const config = configOf([]);
    expect(config.keys).toMatchObject({
      prefix: 'sealed-secrets-key',
      sizeBits: 4096,
      ttlMs: 87_600 * 3_600_000,
      renewPeriodMs: 720 * 3_600_000,
      orderPriority: 'CertNotBefore',
      commonName: '',
    });
    expect(config.reconcile).toMatchObject({ allNamespaces: true, updateStatus: true, acceptDeprecatedData: true });
    expect(config.http.listen).toEqual({ host: '', port: 8080 });
    expect(config.http.listenMetrics).toEqual({ host: '', port: 8081 });
    expect(config.log).toEqual({ infoToStdout: true, level: 0, format: 'text' });
    expect(config.leaderElection.enabled).toBe(false);
    expect(config.client.qps).toBeUndefined();
    expect(config.namespace).toBe('default');
  });

  test.each([
    ['--key-renew-period=1h30m', 90 * 60_000],
    ['-key-renew-period=0', 0],
    ['--key-renew-period=1.5h', 90 * 60_000],
    ['--key-renew-period=100ms', 100],
  ])('reads durations as Go does: %s', (arg, ms) => {
    expect(configOf([arg]).keys.renewPeriodMs).toBe(ms);
  });

  test.each([
    [['--key-size', '0x800'], 2048],
    [['-key-size=0b100000000000'], 2048],
    [['--key-size=04000'], 2048],
    [['--key-size=2_048'], 2048],
    [['--key-size=2048.0'], undefined],
  ])('reads integers as Go does: %j', (args, bits) => {
    const invocation = read(args);
    expect(invocation.type === 'run' ? invocation.config.keys.sizeBits : undefined).toBe(bits);
  });

  test.each(['1', 't', 'T', 'TRUE', 'true', 'True'])('%s is true, and its counterparts false', (text) => {
    expect(configOf([`--old-gc-behavior=${text}`]).reconcile.oldGcBehavior).toBe(true);
    const opposite = { '1': '0', t: 'f', T: 'F', TRUE: 'FALSE', true: 'false', True: 'False' }[text];
    expect(configOf([`--update-status=${opposite}`]).reconcile.updateStatus).toBe(false);
  });

  test('a boolean takes its value only with "=", and flags behind a stray word still count', () => {
    const invocation = read(['--all-namespaces', 'false', '--log-level=ERROR']);
    expect(invocation).toMatchObject({
      type: 'run',
      config: { reconcile: { allNamespaces: true }, log: { level: 8 } },
    });
    expect(invocation.type === 'run' && invocation.warnings.join()).toContain('"false"');
  });

  test('the environment sets every flag, and the command line wins', () => {
    const env = { SEALED_SECRETS_KEY_PREFIX: 'from-env', SEALED_SECRETS_RATE_LIMIT: '9', SEALED_SECRETS_WORKERS: '3' };
    expect(configOf([], env)).toMatchObject({
      keys: { prefix: 'from-env' },
      http: { rateLimit: 9 },
      reconcile: { workers: 3 },
    });
    expect(configOf(['--key-prefix', 'from-line'], env).keys.prefix).toBe('from-line');
  });

  test('the old name of the renewal period still works, says so, and wins in the environment only', () => {
    const both = { SEALED_SECRETS_KEY_RENEW_PERIOD: '1h', SEALED_SECRETS_ROTATE_PERIOD: '2h' };
    expect(configOf([], both).keys.renewPeriodMs).toBe(2 * 3_600_000);
    expect(configOf(['--key-renew-period=3h'], both).keys.renewPeriodMs).toBe(3 * 3_600_000);
    const invocation = read(['--rotate-period=4h']);
    expect(invocation).toMatchObject({ type: 'run', config: { keys: { renewPeriodMs: 4 * 3_600_000 } } });
    expect(invocation.type === 'run' && invocation.warnings.join()).toContain('deprecated');
  });

  test('refuses a prefix of nothing, under which no Secret could be asked for', () => {
    expect(problemsOf(['--key-prefix='])).toEqual([expect.stringContaining('--key-prefix: ""')]);
  });

  test('takes what upstream takes: negative counts and times that mean none', () => {
    const config = configOf([
      '--max-unseal-retries=-1',
      '--kubeclient-qps=5',
      '--kubeclient-burst=-1',
      '--read-timeout=-1s',
      '--write-timeout=-1s',
    ]);
    expect(config.client).toMatchObject({ qps: 5, burst: 0 });
    expect(config.http).toMatchObject({ readTimeoutMs: 0, writeTimeoutMs: 0 });
  });

  test('says all mistakes at once, each with flag, value and what is allowed', () => {
    const args = [
      '--nonsense=1',
      '--key-size=many',
      '--rate-limit=0',
      '--rate-limit-burst=-1',
      '--key-prefix=Upper',
      '--privatekey-labels=a=b,broken',
      '--key-cutoff-time=yesterday',
      '--listen-addr=8080',
      '--update-status=yes',
      '--additional-namespaces=ok,Not_Ok',
      '--label-selector=a in b',
      '--my-cn',
    ];
    const problems = problemsOf(args, { SEALED_SECRETS_KEY_RENEW_PERIOD: '30d' });
    const expected = [
      ['--nonsense', 'no such flag'],
      ['--key-size', '"many"'],
      ['--rate-limit', '"0"'],
      ['--rate-limit-burst', '"-1"'],
      ['--key-prefix', '"Upper"'],
      ['--privatekey-labels', '"broken"'],
      ['--key-cutoff-time', '"yesterday"'],
      ['--listen-addr', '"8080"'],
      ['--update-status', '"yes"'],
      ['--additional-namespaces', '"Not_Ok"'],
      ['--label-selector', '"a in b"'],
      ['--my-cn', 'needs a value'],
      ['SEALED_SECRETS_KEY_RENEW_PERIOD', '"30d"'],
    ];
    for (const [flag, text] of expected) {
      expect(problems.filter((problem) => problem.startsWith(`${flag}:`)).join(), flag).toContain(text);
    }
    expect(problems).toHaveLength(expected.length);
  });

  test('outside of a cluster a kubeconfig is needed', () => {
    const outside = { args: [], env: {}, hostname: '', readFile: () => undefined };
    expect(readConfig(outside)).toMatchObject({ type: 'invalid', problems: [expect.stringContaining('--kubeconfig')] });
    const given = readConfig({ ...outside, args: ['--kubeconfig=/k'] });
    expect(given).toMatchObject({ type: 'run', config: { kubeconfig: '/k', inCluster: undefined } });
  });

  test('the own namespace comes from the environment, then from the service account, then it is "default"', () => {
    const file = { '/var/run/secrets/kubernetes.io/serviceaccount/namespace': ' kube-system\n' };
    expect(configOf([], { POD_NAMESPACE: 'mine' }, file).namespace).toBe('mine');
    expect(configOf([], { POD_NAMESPACE: '' }, file).namespace).toBe('kube-system');
    expect(configOf([]).namespace).toBe('default');
  });

  test('additional namespaces are trimmed, unique, without the own one, and switch "all" off', () => {
    const { reconcile } = configOf(['--additional-namespaces= a, a ,,b,mine'], { POD_NAMESPACE: 'mine' });
    expect(reconcile).toMatchObject({ additionalNamespaces: ['a', 'b'], allNamespaces: false });
  });

  test('labels of key Secrets cannot override the key label; a second "=" ends the value', () => {
    const args = ['--privatekey-labels=a=b=c,sealedsecrets.bitnami.com/sealed-secrets-key=compromised,a=b=c'];
    expect([...configOf(args).keys.labels]).toEqual([['a', 'b']]);
  });

  test.each([
    ['Mon, 02 Jan 2006 15:04:05 -0700', Date.UTC(2006, 0, 2, 22, 4, 5)],
    ['Fri, 29 Feb 2008 00:00:00 +0130', Date.UTC(2008, 1, 28, 22, 30)],
    ['Fri, 30 Feb 2008 00:00:00 +0000', undefined],
    ['Mon, 02 Jan 2006 15:04:05 MST', undefined],
    ['2006-01-02T15:04:05Z', undefined],
  ])('the cut-off time %s', (text, ms) => {
    expect(parseRfc1123(text)).toBe(ms);
  });

  test('an unknown level, format or order is what upstream makes of it, with a warning', () => {
    const invocation = read(['--log-level=loud', '--log-format=xml', '--key-order-priority=Newest']);
    expect(invocation).toMatchObject({
      type: 'run',
      config: { log: { level: 0, format: 'text' }, keys: { orderPriority: 'CertNotBefore' } },
    });
    expect(invocation.type === 'run' && invocation.warnings).toHaveLength(2);
    expect(configOf(['--log-level=info+2', '--log-format=json']).log).toMatchObject({ level: 2, format: 'json' });
  });

  test('a client-side rate limit exists only if it is asked for', () => {
    expect(configOf(['--kubeclient-qps=2.5', '--kubeclient-burst=7']).client).toMatchObject({ qps: 2.5, burst: 7 });
    expect(configOf(['--kubeclient-qps=-1']).client.qps).toBeUndefined();
    expect(configOf(['--kubeclient-burst=7']).client.qps).toBeUndefined();
  });

  test('times that make trouble out of a slow or quiet API server are allowed, and warned of', () => {
    const invocation = read(['--reconcile-deadline=30s', '--watch-idle-timeout=1m']);
    expect(invocation.type === 'run' && invocation.warnings.map((text) => text.split(':')[0])).toEqual([
      '--reconcile-deadline',
      '--watch-idle-timeout',
    ]);
    const longer = read(['--reconcile-deadline=31s', '--watch-idle-timeout=61s']);
    expect(longer.type === 'run' && longer.warnings).toEqual([]);
  });

  test('a leader must notice the loss of its Lease before another one may take it', () => {
    const problems = problemsOf(['--lease-duration=5s', '--lease-renew-deadline=5s', '--lease-retry-period=5s']);
    expect(problems.map((text) => text.split(':')[0])).toEqual(['--lease-duration', '--lease-renew-deadline']);
  });

  test('several backup recipients can be given, in the environment one to a line', () => {
    const ssh = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH me@example';
    expect(configOf(['--backup-recipient=age1abc', `--backup-recipient=${ssh}`]).keys.backupRecipients).toEqual([
      'age1abc',
      ssh,
    ]);
    const env = { SEALED_SECRETS_BACKUP_RECIPIENT: `age1abc\n${ssh}\n` };
    expect(configOf([], env).keys.backupRecipients).toEqual(['age1abc', ssh]);
  });

  test('--help names every flag but hidden ones, with its default', () => {
    const help = read(['-h']);
    const text = help.type === 'help' ? help.text : '';
    for (const name of Object.keys(flags)) {
      expect(text.includes(`--${name} `), name).toBe(name !== 'rotate-period');
    }
    expect(text).toContain('(default 720h0m0s)');
    expect(text).toContain('(default ":8080")');
    expect(read(['--help', '--nonsense']).type).toBe('help');
  });

  test('--version is answered outside of a cluster too, but not instead of mistakes', () => {
    expect(readConfig({ args: ['--version'], env: {}, hostname: '', readFile: () => undefined }).type).toBe('version');
    expect(read(['--version', '--nonsense']).type).toBe('invalid');
    expect(read(['--version=false']).type).toBe('run');
  });

  test.each([
    ['app=web,tier!=test', true],
    ['env in (a, b),!legacy,app.kubernetes.io/name==x', true],
    ['env notin (a)', true],
    ['a=b c', false],
    ['=b', false],
    ['a in (b', false],
  ])('the label selector %s', (selector, isValid) => {
    expect(read([`--label-selector=${selector}`]).type).toBe(isValid ? 'run' : 'invalid');
  });

  test.each([
    ['127.0.0.1:9090', { host: '127.0.0.1', port: 9090 }],
    ['[::1]:9090', { host: '::1', port: 9090 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    [':65536', undefined],
    ['::1:9090', undefined],
  ])('the address %s', (text, address) => {
    const invocation = read([`--listen-addr=${text}`]);
    expect(invocation.type === 'run' ? invocation.config.http.listen : undefined).toEqual(address);
  });
});
