import { spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { goTool } from '../../apiserver/real/build.ts';
import { waitFor } from '../../apiserver/wait-for.ts';
import { type PageCluster, startPageCluster } from './kubelet.ts';
import { type Block, type Page, root } from './markdown.ts';

// The words of a page that its tests understand, in HTML comments above a fenced block, so that a reader does not see them:
//
//   <!-- not run: needs ... -->   the block needs something that tests do not have
//   <!-- fails: 4 -->             the last command ends with this status
//   <!-- before: COMMANDS -->     commands that go before the block, for what the page takes for granted
//   <!-- after: COMMANDS -->      commands that go behind it: mostly, what a reader has to see then
//   <!-- file: PATH -->           the block shows this file of the repository (any language)
//   <!-- clusters: a, b -->       anywhere on the page: contexts of the kubeconfig, the first one current; `none`: nothing is installed
//
//                                 `not COMMAND` is one that has to fail
//   <!-- shown by: COMMANDS -->   above a `text` block: what a reader sees who runs these
//
// A `text` block behind a `sh` block is what its commands print: each line has to be found there, `...` standing for anything.

/** Whether a block is run: every `sh` block that does not say why it cannot be. */
function isRun(block: Block): boolean {
  return block.language === 'sh' && wordOf(block, 'not run') === undefined;
}

/** Whether something is run for a block: the commands that it is, or those that show it. */
export function hasCommands(block: Block): boolean {
  return isRun(block) || (block.language === 'text' && wordOf(block, 'shown by') !== undefined);
}

/** What stands behind `WORD:` in a comment above the block. */
export function wordOf(block: Block, word: string): string | undefined {
  const found = block.comments.find((comment) => comment.startsWith(`${word}:`));
  return found?.slice(word.length + 1).trim();
}

interface PageResult {
  /** Undefined if every block ended as the page says. */
  readonly failure: string | undefined;
}

/** Runs every block of a page, in order, in one shell and one folder, on clusters of its own. */
export async function runPage(path: string, page: Page): Promise<PageResult> {
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-docs-'));
  const clusters: PageCluster[] = [];
  try {
    const said = page.comments.find((comment) => comment.startsWith('clusters:'))?.slice('clusters:'.length);
    const names = said?.split(',').map((name) => name.trim()) ?? ['kind'];
    const isBare = names[0] === 'none';
    for (const name of isBare ? ['kind'] : names) clusters.push(await startPageCluster(folder, name));
    const shell = await prepareShell(folder, isBare ? ['kind'] : names, clusters);
    if (!isBare) for (const name of names) await install(shell, name);
    return { failure: await runBlocks(path, page, shell) };
  } finally {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

interface Shell {
  readonly folder: string;
  readonly workFolder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Texts that a reader replaces by their own. */
  readonly placeholders: ReadonlyMap<string, string>;
}

async function prepareShell(folder: string, contexts: readonly string[], clusters: PageCluster[]): Promise<Shell> {
  const programs = join(folder, 'programs');
  const workFolder = join(folder, 'waxwing');
  await Promise.all([programs, workFolder, join(folder, 'home')].map((path) => mkdir(path)));
  // As in a clone of the repository after `npm run build`; what a page writes stays here.
  for (const name of await readdir(root)) {
    if (name !== 'docs' && !name.startsWith('.')) await symlink(join(root, name), join(workFolder, name));
  }
  await cp(join(root, 'docs'), join(workFolder, 'docs'), { recursive: true });
  const kubeconfig = join(folder, 'kubeconfig');
  await writeKubeconfig(kubeconfig, contexts, clusters);
  await writeProgram(join(programs, 'kubectl'), kubectlOnANode(await goTool('kubectl'), folder, contexts[0] as string));
  await symlink(await goTool('helm'), join(programs, 'helm'));
  const identity = await generateX25519Identity();
  await writeFile(join(folder, 'identity.txt'), `${identity}\n`);
  await writeFile(join(folder, 'age.mjs'), ageProgram);
  const ageModule = import.meta.resolve('age-encryption');
  await writeProgram(
    join(programs, 'age'),
    `AGE_MODULE='${ageModule}' exec '${process.execPath}' '${join(folder, 'age.mjs')}' "$@"\n`,
  );
  return {
    folder,
    workFolder,
    environment: {
      PATH: `${programs}:${join(root, 'bin')}:${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: join(folder, 'home'),
      KUBECONFIG: kubeconfig,
      IDENTITY: join(folder, 'identity.txt'),
      GIT_CONFIG_GLOBAL: join(folder, 'home/.gitconfig'),
      GIT_AUTHOR_NAME: 'Reader',
      GIT_AUTHOR_EMAIL: 'reader@example.com',
      GIT_COMMITTER_NAME: 'Reader',
      GIT_COMMITTER_EMAIL: 'reader@example.com',
    },
    placeholders: new Map([
      // Through npm it would first install what package.json says.
      ['npm run demo', 'node scripts/demo.ts'],
      ['age1...', await identityToRecipient(identity)],
      ['KEY-ID', '$KEY_ID'],
      ['YOUR-REGISTRY', 'registry.example.com'],
    ]),
  };
}

async function writeProgram(file: string, script: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\n${script}`);
  await chmod(file, 0o755);
}

async function writeKubeconfig(file: string, names: readonly string[], clusters: PageCluster[]): Promise<void> {
  const parts = await Promise.all(
    clusters.map(async ({ server }) => JSON.parse(await readFile(server.kubeconfig, 'utf8'))),
  );
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: names.map((name, i) => ({ name, cluster: parts[i].clusters[0].cluster })),
    users: names.map((name, i) => ({ name, user: parts[i].users[0].user })),
    contexts: names.map((name) => ({ name, context: { cluster: name, user: name } })),
    'current-context': names[0],
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
}

/** kubectl, but for what needs a node: signals to the controller, and its log. */
function kubectlOnANode(kubectl: string, folder: string, context: string): string {
  return `case " $* " in
*" exec "*" -- kill -USR1 1 "*) exec kill -USR1 "$(cat '${folder}/${context}.pid')" ;;
*" logs "*) exec cat '${folder}/${context}.log' ;;
# A List is validated by kubectl itself, with a description in protobuf that the API server in memory does not have.
*" create -f - "*) set -- "$@" --validate=false ;;
esac
exec '${kubectl}' --cache-dir '${folder}/cache' "$@"
`;
}

/** \`age -d -i IDENTITY FILE\`, by the age library of the tests. */
const ageProgram = `import { readFileSync } from 'node:fs';
const { armor, Decrypter } = await import(process.env.AGE_MODULE);
const [decrypt, i, identity, file] = process.argv.slice(2);
if (decrypt !== '-d' || i !== '-i') throw new Error('age: only -d -i IDENTITY FILE is known here');
const decrypter = new Decrypter();
decrypter.addIdentity(readFileSync(identity, 'utf8').trim());
process.stdout.write(await decrypter.decrypt(armor.decode(readFileSync(file, 'utf8'))));
`;

/** As a cluster in which the controller has run for a while. */
async function install(shell: Shell, context: string): Promise<void> {
  const script = `kubectl --context ${context} apply --server-side -f deploy/controller.yaml
kubectl --context ${context} -n kube-system rollout status deployment/sealed-secrets-controller --timeout=120s`;
  const { status, output } = await runScript(shell, script);
  if (status !== 0) throw new Error(`the controller cannot be installed in ${context}: ${output}`);
  await waitFor(async () => (await runScript(shell, `waxwing cert --context ${context}`)).status === 0, {
    timeoutMs: 60_000,
    what: 'the certificate',
  });
}

async function runScript(shell: Shell, script: string): Promise<{ status: number; output: string }> {
  const child = spawn('bash', ['-c', script], {
    cwd: shell.workFolder,
    env: shell.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 240_000,
    killSignal: 'SIGKILL',
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const status = await new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  return { status, output };
}

async function runBlocks(path: string, page: Page, shell: Shell): Promise<string | undefined> {
  const numbered = page.blocks.map((block, i) => ({ block, i })).filter(({ block }) => hasCommands(block));
  // `not COMMAND` is for checks: a failing `! COMMAND` does not end a shell.
  const script = ['set -eo pipefail', 'not() { if "$@"; then return 1; fi; }'];
  for (const { block, i } of numbered) script.push(scriptOf(block, i, shell));
  const { status, output } = await runScript(shell, script.join('\n'));
  const current = Number(await readFile(join(shell.folder, 'current'), 'utf8').catch(() => '-1'));
  const printed = (i: number) => readFile(join(shell.folder, `printed-${i}`), 'utf8').catch(() => '');
  if (status !== 0) {
    const line = page.blocks[current]?.line ?? 0;
    return `${path}:${line}: the commands ended with ${status}:\n${await printed(current)}${output}`;
  }
  for (const { block, i } of numbered) {
    const next = page.blocks[i + 1];
    const shown = block.language === 'text' ? block : next;
    if (shown?.language !== 'text' || (shown === next && hasCommands(shown))) continue;
    const missing = missingLine(shown.text, await printed(i));
    if (missing !== undefined) return `${path}:${shown.line}: not printed: ${missing}\n${await printed(i)}`;
  }
  return undefined;
}

function scriptOf(block: Block, i: number, { folder, placeholders }: Shell): string {
  const text = block.language === 'text' ? `${wordOf(block, 'shown by')}\n` : block.text;
  const fails = wordOf(block, 'fails');
  const body = fails === undefined ? `{\n${text}}` : `set +e\n(\nset -eo pipefail\n${text})`;
  const check = fails === undefined ? '' : `\n[ $? -eq ${fails} ] || { echo "not status ${fails}"; exit 99; }\nset -e`;
  let script = [
    `echo ${i} >'${folder}/current'`,
    wordOf(block, 'before') ?? '',
    `${body} >'${folder}/printed-${i}' 2>&1${check}`,
    wordOf(block, 'after') ?? '',
  ].join('\n');
  for (const [placeholder, own] of placeholders) script = script.replaceAll(placeholder, own);
  return script;
}

/** The first line of the expectation that no line of the output fits. */
function missingLine(expected: string, printed: string): string | undefined {
  const flat = printed.replaceAll(/\s+/g, ' ');
  return expected
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '))
    .find((line) => {
      const parts = line.split('...').map((part) => part.trim());
      let from = 0;
      for (const part of parts) {
        const at = flat.indexOf(part, from);
        if (at < 0) return true;
        from = at + part.length;
      }
      return false;
    });
}
