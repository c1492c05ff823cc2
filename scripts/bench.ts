import { parseArgs } from 'node:util';
import { cliStart } from './bench/cli-start.ts';
import { coldStart, coldStartSmallerKey, manyKeys, memory, newObject } from './bench/controller.ts';
import { flatMemory } from './bench/flat-memory.ts';
import { type Benchmark, printMeasurements } from './bench/report.ts';
import { sealMany } from './bench/seal-many.ts';
import { templates } from './bench/templates.ts';

const benchmarks: readonly Benchmark[] = [
  cliStart,
  sealMany,
  templates,
  coldStart,
  coldStartSmallerKey,
  manyKeys,
  newObject,
  memory,
  flatMemory,
];

const usage = `Measures, and prints ratios of one run. Nothing here fails because a machine is slow.

  pnpm bench [NAME...]

${benchmarks.map(({ name, description }) => `  ${name.padEnd(16)} ${description}`).join('\n')}
`;

const { values, positionals } = parseArgs({
  options: { help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (values.help === true || unknown.length > 0) {
  process.stdout.write(usage);
  if (unknown.length > 0) console.error(`unknown: ${unknown.join(', ')}`);
  process.exit(unknown.length > 0 ? 2 : 0);
}
for (const benchmark of benchmarks) {
  if (positionals.length > 0 && !positionals.includes(benchmark.name)) continue;
  console.log(`${benchmark.name}: ${benchmark.description}`);
  printMeasurements(await benchmark.run());
  console.log('');
}
process.exit();
