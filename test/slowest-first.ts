import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Test files that take long, the longest first: begun last, one of them would keep a core busy while the others have nothing left to do.
 * Only a matter of time: a file that is missing here runs all the same.
 */
const slow: readonly string[] = [
  'real test/integration/key-commands',
  'unit test/contract/docs/commands',
  'real test/integration/fleet',
  'real test/integration/faults',
  'real test/integration/high-availability',
  'real test/integration/cluster-faults',
  'real test/integration/restart',
  'embedded test/integration/key-commands',
  'embedded test/integration/cluster-faults',
  'embedded test/integration/faults',
  'embedded test/integration/high-availability',
  'unit test/contract/gotemplate-differential',
  'embedded test/integration/fleet',
  'embedded test/integration/restart',
  'real test/integration/chart',
  'real test/integration/network-faults',
  'real test/integration/keys',
  'real test/integration/permissions',
  'real test/integration/least-privilege',
  'embedded test/integration/network-faults',
  'unit test/contract/cli-package',
  'unit test/contract/release',
  'unit shared/src/rendering/rendering-thread',
];

/** The slow files, then the others project by project: a process goes on with the next file of its project, and keeps what it has loaded. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const rank = ({ project, moduleId }: TestSpecification) => {
      const name = `${project.name} ${moduleId.slice(root.length + 1).replace(/\.test\.ts$/, '')}`;
      const place = slow.indexOf(name);
      return place < 0 ? slow.length : place;
    };
    return files.toSorted((a, b) => rank(a) - rank(b) || a.project.name.localeCompare(b.project.name));
  }
}
