/** One line of the report: what was measured, against which bar. */
export interface Measurement {
  readonly name: string;
  /** The value with its unit, for people. */
  readonly value: string;
  /** The bar and whether it was reached; without one the line only informs. */
  readonly bar?: { readonly text: string; readonly reached: boolean };
}

/** A benchmark: a name to choose it by, and what it measured. */
export interface Benchmark {
  readonly name: string;
  readonly description: string;
  run(): Promise<readonly Measurement[]>;
}

export function printMeasurements(measurements: readonly Measurement[]): void {
  for (const { name, value, bar } of measurements) {
    const verdict = bar === undefined ? '' : `   ${bar.reached ? 'reached' : 'MISSED '} (bar: ${bar.text})`;
    console.log(`  ${name.padEnd(58)} ${value.padStart(14)}${verdict}`);
  }
}

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Linear interpolation between the two nearest values. NaN for no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const lower = sorted[Math.floor(position)] ?? Number.NaN;
  const upper = sorted[Math.ceil(position)] ?? Number.NaN;
  return lower + (upper - lower) * (position - Math.floor(position));
}

export function formatMs(ms: number): string {
  return ms < 10_000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function formatRatio(ratio: number): string {
  return `${ratio.toFixed(2)} x`;
}
