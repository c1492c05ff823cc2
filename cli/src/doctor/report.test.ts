import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestIo } from '../testing/test-io.ts';
import { createWorkplace, type Workplace } from '../testing/workplace.ts';
import { finding, listNames } from './finding.ts';
import { type FindingKind, findingKinds } from './finding-kinds.ts';
import { printReport, type Report, reportDocument } from './report.ts';

const report: Report = {
  mode: 'migration',
  place: { server: 'https://cluster', controller: 'kube-system/controller', image: 'controller:1' },
  counts: { sealedSecrets: 2, secrets: 1, keys: undefined },
  findings: [
    finding('crd-upstream', { namespace: '', name: 'sealedsecrets.bitnami.com' }),
    finding('secret-missing', { namespace: 'b', name: 'x' }),
    finding('secret-foreign', { namespace: 'a', name: 'y' }, 'without an owner'),
    finding('secret-missing', { namespace: 'a', name: 'z' }),
  ],
  gaps: [{ what: 'key Secrets in namespace kube-system', reason: 'forbidden', rule: '{...}' }],
  unchecked: ['files in Git'],
};

async function printed(value: Report): Promise<{ readonly out: string; readonly notes: string }> {
  const io = createTestIo({ workingFolder: tmpdir() });
  const print = (text: string) => io.stdout.write(Buffer.from(text));
  const note = (text: string) => io.stderr.write(Buffer.from(`${text}\n`));
  const none = async () => {};
  await printReport(value, { io, global: () => ({ color: true }), print, note, printJson: none, setStatus: none });
  return { out: io.written.stdout, notes: io.written.stderr };
}

describe('a report', () => {
  it('for people begins with what is worst, and has the objects of a finding together', async () => {
    const { out, notes } = await printed(report);
    expect(out.match(/^(error|warning|note) .*$/gm)).toEqual([
      'error secret-foreign (1): A Secret of this name exists and does not belong to the SealedSecret',
      'warning secret-missing (2): Synced today, but there is no Secret',
      'note crd-upstream (1): The CRD is not ours',
    ]);
    expect(out).toContain('\n  - a/z\n  - b/x\n');
    expect(out).toContain('  - a/y: without an owner\n');
    expect(out).toContain('  - sealedsecrets.bitnami.com\n');
    expect(out).toContain(
      'not read:\n  - key Secrets in namespace kube-system: forbidden; this rule allows it: {...}\n',
    );
    expect(out).toContain('not checked:\n  - files in Git\n');
    expect(notes).toBe(
      'https://cluster, controller kube-system/controller (controller:1)\n2 SealedSecrets, 1 Secret: 1 error, 2 warnings, 1 note; not everything could be read\n',
    );
  });

  it('has commands that can be copied where there is one object alone', async () => {
    const { out } = await printed(report);
    expect(out).toContain('kubectl -n a annotate secret y sealedsecrets.bitnami.com/managed=true');
    const two = [...report.findings, finding('secret-foreign', { namespace: 'c', name: 'w' })];
    expect((await printed({ ...report, findings: two })).out).toContain('kubectl -n NAMESPACE annotate secret NAME ');
  });

  it('without findings says only what was looked at', async () => {
    const { out, notes } = await printed({ ...report, findings: [], gaps: [], unchecked: [] });
    expect(out).toBe('');
    expect(notes).toContain('2 SealedSecrets, 1 Secret: 0 errors, 0 warnings, 0 notes\n');
  });

  it('for programs has everything about an object in one place', () => {
    expect(reportDocument(report)).toMatchObject({
      mode: 'migration',
      server: 'https://cluster',
      complete: false,
      counts: { sealedSecrets: 2, errors: 1, warnings: 2, notes: 1 },
      findings: [
        {
          code: 'secret-foreign',
          severity: 'error',
          kind: 'SealedSecret',
          namespace: 'a',
          name: 'y',
          detail: 'without an owner',
          remedy: expect.stringContaining('kubectl -n a annotate secret y '),
        },
        { code: 'secret-missing', namespace: 'a', name: 'z' },
        { code: 'secret-missing', namespace: 'b', name: 'x' },
        { code: 'crd-upstream' },
      ],
      notRead: [{ rule: '{...}' }],
      notChecked: ['files in Git'],
    });
  });
});

describe('a list of names', () => {
  it('is sorted and short', () => {
    expect(listNames(['b', 'a'])).toBe('a, b');
    expect(listNames('gfedcba')).toBe('a, b, c, d, e and 2 more');
  });
});

describe('the table of findings', () => {
  const rows: [string, FindingKind][] = Object.entries(findingKinds);

  it.each(rows)('%s is told in sentences, and names the place only of what is in a namespace', (code, kind) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(kind.title).not.toMatch(/[.]$/);
    expect(kind.effect).toMatch(/\.$/);
    if (kind.subject === 'CustomResourceDefinition') expect(kind.remedy).not.toMatch(/NAMESPACE|NAME/);
  });
});

describe('waxwing doctor', () => {
  let place: Workplace;
  beforeEach(() => {
    place = createWorkplace();
  });
  afterEach(() => place.dispose());

  it.each([
    ['an option that it does not know', ['doctor', '--migrat'], 2, "error: unknown option '--migrat'"],
    ['a word too much', ['doctor', 'kube-system'], 2, 'error: too many arguments'],
    ['a timeout that is none', ['doctor', '--request-timeout', 'soon'], 2, 'error: --request-timeout: "soon"'],
    ['a kubeconfig that is not there', ['doctor', '--migrate', '--kubeconfig', 'none'], 1, 'error: '],
    ['no cluster at all', ['doctor', '--migrate'], 1, 'hint: Name a kubeconfig with --kubeconfig or KUBECONFIG'],
  ])('refuses %s', async (_, argv, exit, message) => {
    const outcome = await place.run(argv);
    expect(outcome).toMatchObject({ exit, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });
});
