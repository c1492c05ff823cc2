import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
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
