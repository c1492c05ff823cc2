import { readFileSync } from 'node:fs';

/** Tells on a terminal what happens: a numbered step, what came of it, and how long it took. */
export interface Narrator {
  /** Runs a step and prints its result lines, the first one beside the time it took. */
  step(title: string, run: () => Promise<readonly string[]>): Promise<void>;
  /** Shows a command line as a person would type it. */
  command(line: string): void;
  note(text: string): void;
  /** @param cleansUp whether everything is stopped now */
  done(cleansUp: boolean): void;
  keepRunning(kubeconfig: string): void;
  failed(error: unknown, logFile: string | undefined): void;
}

export function createNarrator(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Narrator {
  const colours = stream.isTTY === true && environment['NO_COLOR'] === undefined;
  const paint = (code: number) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const bold = paint(1);
  const dim = paint(2);
  const green = paint(32);
  const red = paint(31);
  const startedAt = performance.now();
  let steps = 0;
  const print = (line: string) => stream.write(`${line}\n`);

  return {
    async step(title, run) {
      steps++;
      print(`\n${bold(`${steps}. ${title}`)}`);
      const from = performance.now();
      const lines = await run();
      const took = performance.now() - from;
      for (const line of lines) print(`   ${line}`);
      print(`   ${green('ok')} ${dim(formatDuration(took))}`);
    },
    command: (line) => print(`   ${dim(`$ ${line}`)}`),
    note: (text) => print(`   ${text}`),
    done: (cleansUp) => {
      const took = formatDuration(performance.now() - startedAt);
      print(`\n${green('Done')} in ${took}.${cleansUp ? ' Everything this run started is stopped and removed.' : ''}`);
    },
    keepRunning(kubeconfig) {
      print(`\nThe cluster keeps running until Ctrl-C. Look around:`);
      print(`   export KUBECONFIG=${kubeconfig}`);
      print('   kubectl get sealedsecrets,secrets --all-namespaces');
    },
    failed(error, logFile) {
      print(`\n${red('Failed')}: ${error instanceof Error ? error.message : String(error)}`);
      if (logFile === undefined) return;
      print(dim('The last lines of the controller:'));
      for (const line of lastLines(logFile, 12)) print(dim(`   ${line}`));
    },
  };
}

function formatDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function lastLines(file: string, count: number): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count);
  } catch {
    return [];
  }
}
