import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Json } from '../apiserver/client.ts';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The image's files as a folder, base image included. */
export interface Image extends AsyncDisposable {
  readonly folder: string;
}

/**
 * The root of an image that was built, of which WAXWING_IMAGE_ROOT is the unpacked or mounted root; without that, one as the Dockerfile makes it:
 * bundle and layout by its scripts, over the libraries of this machine instead of Debian's packages.
 */
export async function imageRoot(): Promise<Image> {
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-image-'));
  const out = join(folder, 'root');
  const built = process.env['WAXWING_IMAGE_ROOT'];
  if (built === undefined) await layOutImage(join(folder, 'bundle'), out);
  else await run('cp', ['--archive', built, out]);
  for (const place of ['proc', 'tmp', 'dev', 'var/run/secrets/kubernetes.io/serviceaccount']) {
    await mkdir(join(out, place), { recursive: true });
  }
  return {
    folder: out,
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function layOutImage(bundle: string, out: string): Promise<void> {
  const node = process.execPath;
  await run(node, [join(root, 'scripts/build.ts'), '--controller', bundle], { cwd: root });
  await run(node, [join(root, 'scripts/image.ts'), '--out', out, '--bundle', bundle, '--node', node]);
  for (const library of await librariesOf(node)) {
    // Debian's /lib is a link since /usr was merged; here it has the libraries themselves.
    await mkdir(join(out, dirname(library)), { recursive: true });
    await copyFile(await realpath(library), join(out, library));
  }
}

/** Paths of the shared libraries of a program, the loader included, as its own loader lists them. */
async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await run('ldd', [program]);
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, path]) => (path === undefined ? [] : [path]));
}

export interface ContainerOptions {
  readonly image: Image;
  /** Container of a Pod template: command, args and env count. */
  readonly container: Json;
  /** What the kubelet adds to the environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** What the kubelet mounts for the service account: token, ca.crt, namespace. */
  readonly serviceAccount: Readonly<Record<'token' | 'ca.crt' | 'namespace', string>>;
}

/** A process that runs as a container would. */
export interface Container {
  logs(): string;
  /** Sends a signal to the program itself. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** `/proc/PID/status` of the program, as the host sees it. */
  status(): Promise<string>;
  exited(): Promise<number | NodeJS.Signals>;
}

/** Any id that is not in the image's passwd file: it has none. */
export const containerUser = 54_321;

/**
 * Runs the container's command as the first process of its own PID namespace, with the image as its root, an id that owns nothing there,
 * and only the environment of the spec and the kubelet. Root is needed for the foreign id; without it the caller's own is kept.
 */
export async function runContainer(options: ContainerOptions): Promise<Container> {
  const { image, container } = options;
  const account = join(image.folder, 'var/run/secrets/kubernetes.io/serviceaccount');
  for (const [name, text] of Object.entries(options.serviceAccount)) await writeFile(join(account, name), text);
  const isRoot = process.getuid?.() === 0;
  const identity = isRoot
    ? [`--setuid=${containerUser}`, `--setgid=${containerUser}`]
    : ['--user', '--map-current-user'];
  const own = Object.fromEntries(
    (container.env ?? []).flatMap(({ name, value }: Json) => (value === undefined ? [] : [[name, String(value)]])),
  );
  const child = spawn(
    'unshare',
    [
      ...identity,
      ...['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', `--root=${image.folder}`, '--wd=/', '--'],
      ...container.command,
      ...(container.args ?? []),
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...own, ...options.environment },
    },
  );
  return watchContainer(child);
}

function watchContainer(child: ChildProcess): Container {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals);
  const programId = async () => {
    const [id = ''] = (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')).split(' ');
    // A signal to 0 would go to ourselves.
    if (!(Number(id) > 0)) throw new Error('the container has ended');
    return Number(id);
  };
  return {
    logs: () => output,
    async kill(signal) {
      process.kill(await programId(), signal);
    },
    status: async () => readFile(`/proc/${await programId()}/status`, 'utf8'),
    exited: () => ended,
  };
}
