import pc from 'picocolors';
import type { Io, OutputStream } from './io.ts';

/** Paints texts for people; without a terminal, with `NO_COLOR` or with `--no-color` it leaves them alone. */
export type Paint = ReturnType<typeof pc.createColors>;

export function createPaint(stream: OutputStream, env: Io['env'], wanted: boolean): Paint {
  const allowed = wanted && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb';
  return pc.createColors(allowed && stream.isTerminal);
}
