import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { goTool, goToolsBlocker } from './build.ts';

const folder = await mkdtemp(join(tmpdir(), 'waxwing-build-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const cacheFolder = join(folder, 'cache');
await mkdir(join(folder, 'empty'));
const withoutGo = { PATH: join(folder, 'empty') };

it('without Go and without programs, one line says what is missing and what to do', async () => {
  const line = goToolsBlocker(['etcd', 'kube-apiserver'], { environment: withoutGo, cacheFolder });
  expect(line).toMatch(/^etcd, kube-apiserver must be built and there is no Go: .*KUBEBUILDER_ASSETS/);
  expect(line).not.toContain('\n');
  await expect(goTool('etcd', { environment: withoutGo, cacheFolder })).rejects.toThrow(/there is no Go/);
});

it('programs in KUBEBUILDER_ASSETS are used as they are', async () => {
  const assets = join(folder, 'assets');
  await mkdir(assets);
  await writeFile(join(assets, 'etcd'), '#!/bin/sh\n');
  await chmod(join(assets, 'etcd'), 0o755);
  const environment = { ...withoutGo, KUBEBUILDER_ASSETS: assets };
  expect(goToolsBlocker(['etcd'], { environment, cacheFolder })).toBeUndefined();
  expect(await goTool('etcd', { environment, cacheFolder })).toBe(join(assets, 'etcd'));
  // What that folder lacks (setup-envtest has no kube-controller-manager) still has to be built.
  expect(goToolsBlocker(['etcd', 'kube-controller-manager'], { environment, cacheFolder })).toMatch(
    /^kube-controller-manager /,
  );
});

it('a tool that two ask for at the same time is built once, and found from then on', async () => {
  // Stands in for Go: writes the program after a moment and counts its runs.
  const bin = join(folder, 'bin');
  const runs = join(folder, 'runs');
  await mkdir(bin);
  const fakeGo = `#!/bin/sh
[ "$1" = version ] && exit 0
echo run >> ${JSON.stringify(runs)}
while [ "$1" != -o ]; do shift; done
sleep 0.3
echo program > "$2"
`;
  await writeFile(join(bin, 'go'), fakeGo, { mode: 0o755 });
  const places = { environment: { PATH: `${bin}:${process.env['PATH']}` }, cacheFolder };
  const [first, second] = await Promise.all([goTool('etcd', places), goTool('etcd', places)]);
  expect(first).toBe(second);
  expect(await readFile(first, 'utf8')).toBe('program\n');
  expect(await goTool('etcd', places)).toBe(first);
  expect(await readFile(runs, 'utf8')).toBe('run\n');
});
