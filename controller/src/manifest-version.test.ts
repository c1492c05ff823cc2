import { describe, expect, test } from 'vitest';
import { manifestAge } from './manifest-version.ts';

describe('the version of the manifest', () => {
  test.each([
    ['1.2.3', 'v1.2.3', 'same'],
    ['1.2.3+build', '1.2.3', 'same'],
    ['1.2.3', '1.2.4', 'older'],
    ['1.9.0', '1.10.0', 'older'],
    ['2.0.0', '1.99.99', 'newer'],
    ['1.2.3-rc.1', '1.2.3', 'older'],
    ['1.2.3', '1.2.3-rc.1', 'newer'],
    ['1.2.3-rc.2', '1.2.3-rc.10', 'older'],
    ['1.2.3-rc', '1.2.3-rc.1', 'older'],
    ['1.2.3-alpha', '1.2.3-1', 'newer'],
    ['1.2.3', 'UNKNOWN', 'unknown'],
    ['', '1.2.3', 'unknown'],
    ['latest', '1.2.3', 'unknown'],
    [undefined, '1.2.3', 'unknown'],
  ] as const)('%s is, to the program %s: %s', (manifest, program, age) => {
    expect(manifestAge(manifest, program)).toBe(age);
  });
});
