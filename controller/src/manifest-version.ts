/** What a manifest is to the program that it started. */
export type ManifestAge = 'same' | 'older' | 'newer' | 'unknown';

/**
 * Compares the version that the chart or the static manifest wrote into `WAXWING_MANIFEST_VERSION` with the program's own
 * (`v1.2.3` or `1.2.3`, SemVer 2.0; build metadata does not count, a pre-release comes before its release). `unknown` if there
 * is no manifest of ours, or if one of the two is no version, as when the program runs from source.
 */
export function manifestAge(manifest: string | undefined, program: string): ManifestAge {
  const ours = parseVersion(program);
  const theirs = manifest === undefined ? undefined : parseVersion(manifest);
  if (ours === undefined || theirs === undefined) return 'unknown';
  const difference =
    compareNumbers(theirs.numbers, ours.numbers) || comparePreReleases(theirs.preRelease, ours.preRelease);
  if (difference === 0) return 'same';
  return difference < 0 ? 'older' : 'newer';
}

interface Version {
  readonly numbers: readonly number[];
  /** Identifiers; empty for a release. */
  readonly preRelease: readonly string[];
}

function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, major, minor, patch, preRelease] = match;
  return { numbers: [major, minor, patch].map(Number), preRelease: preRelease?.split('.') ?? [] };
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  return a.map((value, index) => value - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/** SemVer 2.0, section 11: numbers below words, fewer identifiers below more, and any pre-release below the release. */
function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = compareIdentifiers(a[index], b[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  const [aIsNumber, bIsNumber] = [a, b].map((identifier) => /^\d+$/.test(identifier));
  if (aIsNumber && bIsNumber) return Number(a) - Number(b);
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return a < b ? -1 : 1;
}
