import { describe, expect, it } from 'vitest';
import { readConfig } from './config.ts';
import { neededPermissions } from './permissions.ts';

function needs(...flags: string[]): string[] {
  const env = { POD_NAMESPACE: 'own' };
  const invocation = readConfig({ args: ['--kubeconfig=x', ...flags], env, hostname: '', readFile: () => undefined });
  if (invocation.type !== 'run') throw new Error(JSON.stringify(invocation));
  return neededPermissions(invocation.config).map(({ request: { verb, resource, subresource, namespace } }) =>
    [
      verb,
      subresource === undefined ? resource : `${resource}/${subresource}`,
      namespace === '' ? '*' : namespace,
    ].join(' '),
  );
}

describe('neededPermissions', () => {
  it("asks for nothing that upstream's roles do not grant", () => {
    const upstream = new Set([
      ...['get', 'list', 'watch'].map((verb) => `${verb} sealedsecrets *`),
      'update sealedsecrets/status *',
      ...['get', 'list', 'create', 'update', 'delete', 'watch'].map((verb) => `${verb} secrets *`),
      'create events *',
      'create secrets own',
      'list secrets own',
    ]);
    expect(needs('--old-gc-behavior').filter((need) => !upstream.has(need))).toEqual([]);
  });

  it('asks per namespace where namespaces are named', () => {
    const result = needs('--additional-namespaces=a,b');
    expect(result.filter((need) => need.endsWith('*'))).toEqual([]);
    for (const namespace of ['own', 'a', 'b']) expect(result).toContain(`watch sealedsecrets ${namespace}`);
  });

  it('asks for the Lease by its name, as roles grant it, but for making it', () => {
    const env = { POD_NAMESPACE: 'own' };
    const args = ['--kubeconfig=x', '--leader-elect', '--lease-name=mine'];
    const invocation = readConfig({ args, env, hostname: '', readFile: () => undefined });
    if (invocation.type !== 'run') throw new Error(JSON.stringify(invocation));
    const leases = neededPermissions(invocation.config).filter(({ request }) => request.resource === 'leases');
    expect(leases.map(({ request: { verb, name } }) => [verb, name])).toEqual([
      ['get', 'mine'],
      ['create', undefined],
      ['update', 'mine'],
    ]);
  });

  it('leaves out what is switched off', () => {
    expect(needs('--update-status=false')).not.toContain('update sealedsecrets/status *');
    expect(needs('--skip-recreate')).not.toContain('watch secrets *');
    expect(needs()).not.toContain('delete secrets *');
    expect(needs('--leader-elect')).toContain('update leases own');
  });
});
