import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The programs that `test/go.mod` and those of `test/helm`, `test/promtool` and `test/lua` pin. */
export type GoTool = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kubectl' | 'helm' | 'promtool' | 'glua';

const testFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

interface GoToolSource {
  readonly moduleFolder: string;
  readonly importPath: string;
  /** `-X` settings; without them Kubernetes programs call themselves v0.0.0-master and refuse to talk about compatibility. */
  readonly variables: readonly string[];
  readonly buildTags?: readonly string[];
}

const kubernetesVersion = readPinnedVersion(join(testFolder, 'go.mod'), 'k8s.io/kubernetes');
const kubernetesVariables = [
  `k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
  `k8s.io/client-go/pkg/version.gitVersion=${kubernetesVersion}`,
];

const sources: Readonly<Record<GoTool, GoToolSource>> = {
  etcd: { moduleFolder: testFolder, importPath: 'go.etcd.io/etcd/server/v3', variables: [] },
  'kube-apiserver': kubernetesTool('kube-apiserver'),
  'kube-controller-manager': kubernetesTool('kube-controller-manager'),
  kubectl: kubernetesTool('kubectl'),
  helm: { moduleFolder: join(testFolder, 'helm'), importPath: 'helm.sh/helm/v4/cmd/helm', variables: [] },
  promtool: {
    moduleFolder: join(testFolder, 'promtool'),
    importPath: 'github.com/prometheus/prometheus/cmd/promtool',
    variables: [],
    // Rules are tested without looking for targets; the clients of all clouds would take minutes to build.
    buildTags: ['remove_all_sd'],
  },
  glua: { moduleFolder: join(testFolder, 'lua'), importPath: 'github.com/yuin/gopher-lua/cmd/glua', variables: [] },
};

export const goTools = Object.keys(sources) as readonly GoTool[];

function kubernetesTool(name: string): GoToolSource {
  return { moduleFolder: testFolder, importPath: `k8s.io/kubernetes/cmd/${name}`, variables: kubernetesVariables };
}

function readPinnedVersion(goMod: string, module: string): string {
  const version = new RegExp(`^\\s*(?:require )?${module} (v\\S+)`, 'm').exec(readFileSync(goMod, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${goMod} does not require ${module}`);
  return version;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Where tools are looked for and built; both have a default. */
export interface GoToolPlaces {
  /** `KUBEBUILDER_ASSETS` and `PATH` count. */
  readonly environment?: Environment;
  /** Default `test/.bin`, which git ignores. */
  readonly cacheFolder?: string;
}

/** What a real API server is made of. */
const realServerTools: readonly GoTool[] = ['etcd', 'kube-apiserver', 'kube-controller-manager'];

/**
 * Why these tools cannot be had here, as one line for people, or `undefined` if they can. A test run that skips
 * something for it prints the line; with `CI` set it has to fail instead.
 */
export function goToolsBlocker(
  tools: readonly GoTool[] = realServerTools,
  places: GoToolPlaces = {},
): string | undefined {
  const missing = tools.filter((tool) => findBuilt(tool, places) === undefined);
  if (missing.length === 0) return undefined;
  const { environment = process.env } = places;
  const go = spawnSync('go', ['version'], { encoding: 'utf8', env: environment as NodeJS.ProcessEnv });
  if (go.error === undefined && go.status === 0) return undefined;
  return `${missing.join(', ')} must be built and there is no Go: install Go 1.26, or set KUBEBUILDER_ASSETS to a folder that has them.`;
}

/**
 * The path of a tool: from the folder that `KUBEBUILDER_ASSETS` names if it is there, else from `test/.bin`, built
 * first if needed (kube-apiserver takes about three minutes on two cores the first time, then comes from Go's cache).
 * Throws if Go is missing or the build fails, with Go's own words.
 */
export async function goTool(tool: GoTool, places: GoToolPlaces = {}): Promise<string> {
  const built = findBuilt(tool, places);
  if (built !== undefined) return built;
  const blocker = goToolsBlocker([tool], places);
  if (blocker !== undefined) throw new Error(blocker);
  const target = cachedPath(tool, places);
  await mkdir(dirname(target), { recursive: true });
  const release = await lockBuild(`${dirname(target)}.lock`);
  try {
    if (!existsSync(target)) await buildTool(tool, target, places.environment ?? process.env);
  } finally {
    await release();
  }
  return target;
}

async function buildTool(tool: GoTool, target: string, environment: Environment): Promise<void> {
  process.stderr.write(`Building ${tool} from Go sources; the first time takes up to three minutes ...\n`);
  const startedAt = performance.now();
  const unfinished = `${target}.unfinished`;
  try {
    await goBuild(sources[tool], unfinished, environment);
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { force: true });
  }
  process.stderr.write(`Built ${tool} in ${((performance.now() - startedAt) / 1000).toFixed(0)} s.\n`);
  await removeOlderBuilds(tool, target);
}

/**
 * Waits until no other process builds this tool, then claims it; test workers ask for tools at the same time, and two
 * builds of one would take twice as long. A lock whose process is gone counts for nothing.
 */
async function lockBuild(lockFile: string): Promise<() => Promise<void>> {
  // The name appears with the process's number in it: an empty lock would be waited for for ever if its process died over it.
  const draft = `${lockFile}.${randomUUID()}`;
  for (;;) {
    try {
      await writeFile(draft, String(process.pid));
      await link(draft, lockFile);
      return () => rm(lockFile, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(draft, { force: true });
    }
    const owner = Number(await readFile(lockFile, 'utf8').catch(() => ''));
    if (owner > 0 && !isRunning(owner)) await rm(lockFile, { force: true });
    else await delay(200);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function findBuilt(tool: GoTool, places: GoToolPlaces): string | undefined {
  const assets = (places.environment ?? process.env)['KUBEBUILDER_ASSETS'];
  const candidates = assets === undefined || assets === '' ? [] : [join(assets, tool)];
  return [...candidates, cachedPath(tool, places)].find((path) => existsSync(path));
}

/** The folder is named for all that decides what is in it, so that a changed go.sum or flag never finds an old program. */
function cachedPath(tool: GoTool, { cacheFolder = join(testFolder, '.bin') }: GoToolPlaces): string {
  const { moduleFolder, importPath, variables, buildTags = [] } = sources[tool];
  const settings = [importPath, variables, process.platform, process.arch, ...buildTags];
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const file of ['go.mod', 'go.sum']) hash.update(readFileSync(join(moduleFolder, file)));
  return join(cacheFolder, `${tool}-${hash.digest('hex').slice(0, 16)}`, tool);
}

async function removeOlderBuilds(tool: GoTool, target: string): Promise<void> {
  const current = dirname(target);
  const folders = await readdir(dirname(current));
  const sameTool = new RegExp(`^${tool}-[0-9a-f]{16}$`);
  const older = folders.filter((name) => sameTool.test(name) && join(dirname(current), name) !== current);
  await Promise.all(older.map((name) => rm(join(dirname(current), name), { recursive: true, force: true })));
}

async function goBuild(
  { moduleFolder, importPath, variables, buildTags = [] }: GoToolSource,
  target: string,
  environment: Environment,
): Promise<void> {
  const linkerFlags = ['-s', '-w', ...variables.map((variable) => `-X ${variable}`)].join(' ');
  const tags = buildTags.length === 0 ? [] : ['-tags', buildTags.join(',')];
  const args = [
    'build',
    '-mod=readonly',
    '-buildvcs=false',
    ...tags,
    '-ldflags',
    linkerFlags,
    '-o',
    target,
    importPath,
  ];
  // Go's own settings decide where modules come from. A C compiler is not needed: Go does without where there is none.
  const go = spawn('go', args, {
    cwd: moduleFolder,
    env: { ...environment, GOWORK: 'off' } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  go.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    words = (words + chunk).slice(-4000);
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    go.once('error', reject);
    go.once('close', resolve);
  });
  if (status !== 0) throw new Error(`go build ${importPath} failed:\n${words}`);
}

if (import.meta.main) {
  const wanted = process.argv.length > 2 ? process.argv.slice(2) : goTools;
  for (const name of wanted) {
    const tool = goTools.find((known) => known === name);
    if (tool === undefined)
      throw new Error(`There is no tool ${JSON.stringify(name)}; there are ${goTools.join(', ')}.`);
    process.stdout.write(`${await goTool(tool)}\n`);
  }
}
