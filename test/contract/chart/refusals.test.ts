import { describe, expect, it } from 'vitest';
import { canUse } from '../go-tools.ts';
import { refusalOf } from './helm.ts';

const hasTools = canUse('helm');

const wrongValues: readonly { readonly name: string; readonly values: object; readonly words: readonly string[] }[] = [
  { name: 'a misspelt value', values: { replica: 3 }, words: ["'replica'"] },
  { name: 'a misspelt value inside', values: { rbac: { clusterrole: false } }, words: ['/rbac', "'clusterrole'"] },
  { name: 'text for a number', values: { replicas: 'two' }, words: ['/replicas'] },
  { name: 'text for a boolean', values: { updateStatus: 'false' }, words: ['/updateStatus'] },
  {
    name: 'a bare 0 for a period, which upstream’s chart ignores',
    values: { keyrenewperiod: 0 },
    words: ['/keyrenewperiod'],
  },
  {
    name: 'days, which Go durations do not have',
    values: { keyrenewperiod: '30d' },
    words: ['/keyrenewperiod', '30d'],
  },
  { name: 'a rate of zero, with which upstream crashes', values: { rateLimit: 0 }, words: ['/rateLimit'] },
  { name: 'an unknown log level', values: { logLevel: 'LOUD' }, words: ['/logLevel', 'LOUD'] },
  { name: 'an unknown pull policy', values: { image: { pullPolicy: 'Sometimes' } }, words: ['/image/pullPolicy'] },
  { name: 'a digest that is none', values: { image: { digest: 'latest' } }, words: ['/image/digest'] },
  { name: 'a prefix that is no name', values: { secretName: 'Sealed_Key' }, words: ['/secretName'] },
  {
    name: 'a namespace that is none',
    values: { additionalNamespaces: ['Team A'] },
    words: ['/additionalNamespaces/0'],
  },
  {
    name: 'a number as annotation of keys',
    values: { privateKeyAnnotations: { a: 1 } },
    words: ['/privateKeyAnnotations/a'],
  },
  {
    name: 'an empty annotation of keys',
    values: { privateKeyAnnotations: { a: '' } },
    words: ['/privateKeyAnnotations/a'],
  },
  { name: 'a comma in a label of keys', values: { privateKeyLabels: { a: 'b,c' } }, words: ['/privateKeyLabels/a'] },
  { name: 'a port out of range', values: { containerPorts: { http: 80800 } }, words: ['/containerPorts/http'] },
  {
    name: 'a recipient that is none',
    values: { backup: { recipients: ['me@example.com'] } },
    words: ['/backup/recipients/0'],
  },
  { name: 'an unknown way to authenticate', values: { http: { auth: 'basic' } }, words: ['/http/auth'] },
  {
    name: 'a cut-off time that is none',
    values: { keycutofftime: 'yesterday' },
    words: ['/keycutofftime', 'yesterday'],
  },
  { name: 'a validity of zero', values: { keyttl: '0' }, words: ['/keyttl'] },
  { name: 'hostUsers that is neither true nor false', values: { hostUsers: 'maybe' }, words: ['/hostUsers', 'true'] },
  {
    name: 'an address without its prefix length',
    values: { networkPolicy: { egress: { kubeapiCidr: '10.0.0.1' } } },
    words: ['/networkPolicy/egress/kubeapiCidr', '10.0.0.1'],
  },
  {
    name: 'a recipient that was cut',
    values: { backup: { recipients: ['age1qqqq'] } },
    words: ['/backup/recipients/0', 'age1qqqq'],
  },
  { name: 'a budget that is no number', values: { pdb: { minAvailable: 'most' } }, words: ['/pdb/minAvailable'] },
];

describe.skipIf(!hasTools)('wrong chart values', () => {
  it.each(wrongValues)('refuses $name by the name of the value', async ({ values, words }) => {
    const refusal = await refusalOf(values);
    for (const word of words) expect(refusal).toContain(word);
  });

  it.each([
    {
      name: 'one port for both servers',
      values: { containerPorts: { http: 8081 } },
      words: ['containerPorts.http', 'containerPorts.metrics'],
    },
    {
      name: 'a Lease that ends before its leader gives up',
      values: { leaderElection: { leaseDuration: '8s' } },
      words: ['leaderElection.renewDeadline (10s)', 'leaderElection.leaseDuration (8s)'],
    },
    {
      name: 'a leader that gives up before it tries again',
      values: { leaderElection: { renewDeadline: '1500ms' } },
      words: ['leaderElection.retryPeriod (2s)', 'leaderElection.renewDeadline (1500ms)'],
    },
  ])('refuses $name, which a schema cannot say, by the names of the values', async ({ values, words }) => {
    const refusal = await refusalOf(values);
    for (const word of words) expect(refusal).toContain(word);
  });

  it('reports all of them at once', async () => {
    const refusal = await refusalOf({ replicas: 'two', logLevel: 'LOUD' });
    expect(refusal).toContain('/replicas');
    expect(refusal).toContain('/logLevel');
  });
});
