import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { Json } from '../../apiserver/client.ts';
import { goTool } from '../../apiserver/real/build.ts';

/** The chart of this repository. */
export const chartFolder = fileURLToPath(new URL('../../../charts/waxwing', import.meta.url));

/** What a program answered; a failure is an answer too. */
export interface ProgramResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program without a shell, with the environment's PATH and HOME replaced by `environment`. */
export function runProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const options = {
      env: { PATH: process.env['PATH'], ...environment },
      maxBuffer: 64 * 1024 * 1024,
      timeout: 300_000,
    };
    execFile(program, args, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      // A text is the code of a system error: the program did not run.
      if (typeof status === 'number') resolve({ status, stdout, stderr });
      else reject(error);
    });
  });
}

/** Runs the pinned helm with a home of its own, so that nothing of this machine's configuration counts. */
export async function helm(args: readonly string[], kubeconfig?: string): Promise<ProgramResult> {
  const program = await goTool('helm');
  const home = await mkdtemp(join(tmpdir(), 'waxwing-helm-'));
  try {
    return await runProgram(program, args, {
      HOME: home,
      ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

export interface RenderOptions {
  /** Default `sealed-secrets`. */
  readonly release?: string;
  /** Default `kube-system`. */
  readonly namespace?: string;
  /** Values as a values file would have them; as text to test how a file reads. */
  readonly values?: object | string;
  readonly args?: readonly string[];
}

/** Runs `helm template`. */
export async function templateChart(options: RenderOptions = {}): Promise<ProgramResult> {
  const { release = 'sealed-secrets', namespace = 'kube-system', values = {}, args = [] } = options;
  return withValuesFile(values, (file) =>
    helm(['template', release, chartFolder, '--namespace', namespace, '--values', file, ...args]),
  );
}

/** The objects that `helm template` renders. Throws with Helm's words if it does not. */
export async function renderChart(options: RenderOptions = {}): Promise<Json[]> {
  const result = await templateChart(options);
  if (result.status !== 0) throw new Error(result.stderr);
  return parseObjects(result.stdout);
}

/** What Helm says against values. Throws if it renders them. */
export async function refusalOf(values: object, args: readonly string[] = []): Promise<string> {
  const result = await templateChart({ values, args });
  if (result.status === 0) throw new Error('helm template accepted the values.');
  return result.stderr;
}

/** Calls `use` with a temporary file that holds the values. */
export async function withValuesFile<T>(values: object | string, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'waxwing-values-'));
  try {
    const file = join(folder, 'values.yaml');
    await writeFile(file, typeof values === 'string' ? values : JSON.stringify(values));
    return await use(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The objects of a YAML stream; empty documents are left out. */
export function parseObjects(text: string): Json[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const object = document.toJS();
    return object === null ? [] : [object];
  });
}

/** The only object of this kind and, if given, name. Throws unless there is exactly one. */
export function theObject(objects: readonly Json[], kind: string, name?: string): Json {
  const found = objectsOf(objects, kind).filter((object) => name === undefined || object.metadata.name === name);
  if (found.length !== 1) throw new Error(`There are ${found.length} objects ${kind} ${name ?? ''}.`);
  return found[0];
}

export function objectsOf(objects: readonly Json[], kind: string): Json[] {
  return objects.filter((object) => object.kind === kind);
}
