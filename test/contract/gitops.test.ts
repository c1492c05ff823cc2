import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { goTool } from '../apiserver/real/build.ts';
import { objectsOf, parseObjects, runProgram, theObject } from './chart/helm.ts';
import { canUse } from './go-tools.ts';

const hasTools = canUse('glua');

const examples = join(import.meta.dirname, '../../docs/operations/examples');
const readExample = (file: string) => readFile(join(examples, file), 'utf8');

/** A value as a Lua expression. */
function toLua(value: unknown): string {
  if (Array.isArray(value)) return `{${value.map(toLua).join(', ')}}`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, field]) => `[${JSON.stringify(name)}] = ${toLua(field)}`)
    .join(', ')}}`;
}

/** Runs the health check as Argo CD does, in the same Lua. Answers `Status|message`. */
async function healthOf(object: object): Promise<string> {
  const script = await readExample('argocd/health.lua');
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-lua-'));
  try {
    const file = join(folder, 'health.lua');
    await writeFile(
      file,
      `obj = ${toLua(object)}\nlocal check = function()\n${script}\nend\nlocal health = check()\nprint(health.status .. "|" .. health.message)\n`,
    );
    const { stdout, stderr } = await runProgram(await goTool('glua'), [file]);
    return `${stdout}${stderr}`.trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function aSealedSecret(condition: object | undefined, { generation = 2, observedGeneration = 2 } = {}): object {
  const status = { observedGeneration, ...(condition === undefined ? {} : { conditions: [condition] }) };
  return { metadata: { generation }, status };
}

const synced = (status: string, more: object = {}) => ({ type: 'Synced', status, ...more });

describe.skipIf(!hasTools)('the health check for Argo CD', () => {
  it.each([
    {
      what: 'without a status',
      object: { metadata: { generation: 1 } },
      health: 'Progressing|Waiting for the controller',
    },
    {
      what: 'that changed since the controller looked',
      object: aSealedSecret(synced('True'), { generation: 3 }),
      health: 'Progressing|Waiting for the controller to see the change',
    },
    {
      what: 'that is unsealed',
      object: aSealedSecret(synced('True', { reason: 'Unsealed', message: '' })),
      health: 'Healthy|',
    },
    { what: 'that upstream unsealed, without a reason', object: aSealedSecret(synced('True')), health: 'Healthy|' },
    {
      what: 'that cannot be opened',
      object: aSealedSecret(synced('False', { reason: 'UnknownKey', message: 'no key could decrypt secret (a)' })),
      health: 'Degraded|UnknownKey: no key could decrypt secret (a)',
    },
    {
      what: 'that upstream could not open',
      object: aSealedSecret(synced('False', { message: 'no key could decrypt secret (a)' })),
      health: 'Degraded|no key could decrypt secret (a)',
    },
    {
      what: 'that waits for the garbage collector',
      object: aSealedSecret(synced('False', { reason: 'WaitingForGarbageCollection', message: 'wait' })),
      health: 'Progressing|WaitingForGarbageCollection: wait',
    },
    {
      what: 'with other conditions only',
      object: aSealedSecret({ type: 'Other', status: 'True' }),
      health: 'Progressing|Waiting for the controller',
    },
    { what: 'without conditions', object: aSealedSecret(undefined), health: 'Progressing|Waiting for the controller' },
  ])('says of one $what: $health', async ({ object, health }) => {
    expect(await healthOf(object)).toBe(health);
  });

  it('is the text in the example settings', async () => {
    const { data } = theObject(parseObjects(await readExample('argocd/argocd-cm.yaml')), 'ConfigMap');
    expect(data['resource.customizations.health.bitnami.com_SealedSecret']).toBe(
      await readExample('argocd/health.lua'),
    );
  });
});

describe('the examples for GitOps tools', () => {
  it('never remove the CRD', async () => {
    const application = theObject(parseObjects(await readExample('argocd/application.yaml')), 'Application');
    expect(application.spec.syncPolicy.automated.prune).toBe(false);
    const release = theObject(parseObjects(await readExample('flux/release.yaml')), 'HelmRelease');
    expect([release.spec.install.crds, release.spec.upgrade.crds]).toEqual(['CreateReplace', 'CreateReplace']);
  });

  it('name the chart of this repository and the names that kubeseal expects', async () => {
    const [release] = objectsOf(parseObjects(await readExample('flux/release.yaml')), 'HelmRelease');
    const [application] = objectsOf(parseObjects(await readExample('argocd/application.yaml')), 'Application');
    expect(release.spec.chart.spec.chart).toBe('charts/waxwing');
    expect(application.spec.source.path).toBe('charts/waxwing');
    expect(release.spec.values.fullnameOverride).toBe('sealed-secrets-controller');
    expect(application.spec.source.helm.valuesObject.fullnameOverride).toBe('sealed-secrets-controller');
  });
});
