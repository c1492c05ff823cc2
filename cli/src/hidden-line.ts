import { ReadStream } from 'node:tty';

const backspaces: readonly string[] = ['\b', '\u007f'];
const lineEnds: readonly string[] = ['\r', '\n', '\u0004'];
const interrupt = '\u0003';

/**
 * Reads a line in raw mode, so that the terminal cannot echo it. Ctrl-C ends the process as it does everywhere else.
 *
 * @param ask shows the question; called when nothing is echoed any more
 */
export function readHiddenLine(pid: number, ask: () => Promise<void>): Promise<string> {
  const terminal = new ReadStream(0);
  terminal.setRawMode(true);
  terminal.setEncoding('utf8');
  let typed: string[] = [];
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void) => {
      terminal.setRawMode(false);
      terminal.destroy();
      settle();
    };
    terminal.on('error', (error) => finish(() => reject(error)));
    ask().catch((error: unknown) => finish(() => reject(error)));
    terminal.on('data', (text: string) => {
      for (const character of text) {
        if (lineEnds.includes(character)) return finish(() => resolve(typed.join('')));
        if (character === interrupt) return finish(() => process.kill(pid, 'SIGINT'));
        typed = backspaces.includes(character) ? typed.slice(0, -1) : [...typed, character];
      }
    });
  });
}
