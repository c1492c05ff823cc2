import { CallError } from '../errors.ts';
import { parseUint64 } from '../number-text.ts';
import { compareBytes, GoVersion } from '../values/value.ts';
import { type CallContext, define, param, type TemplateFunction } from './definition.ts';
import { compileRegex } from './regex.ts';

/** Semantic versions and constraints, as Masterminds/semver 3.3 reads and compares them. */

const identifiers = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const versionPattern = new RegExp(
  `^v?([0-9]+)(?:\\.([0-9]+))?(?:\\.([0-9]+))?(?:-(${identifiers}))?(?:\\+(${identifiers}))?$`,
);

/** Parses a version; missing minor and patch numbers are zero. Throws `CallError`. */
function parseVersion(text: string): GoVersion {
  // JavaScript's `$` without the m flag is the end of the text, as Go's.
  const match = versionPattern.exec(text);
  if (match === null) throw new CallError('Invalid Semantic Version');
  const [, major = '', minor = '0', patch = '0', prerelease = '', metadata = ''] = match;
  checkPrerelease(prerelease);
  return new GoVersion({
    isPointer: true,
    major: segment(major),
    minor: segment(minor),
    patch: segment(patch),
    prerelease,
    metadata,
    original: text,
  });
}

function segment(digits: string): bigint {
  const value = parseUint64(digits, 10);
  if (value === undefined) throw new CallError('Error parsing version segment');
  return value;
}

function checkPrerelease(prerelease: string): void {
  if (prerelease === '') return;
  for (const part of prerelease.split('.')) {
    if (/^0[0-9]+$/.test(part)) throw new CallError('Version segment starts with 0');
    if (!/^[0-9A-Za-z-]*$/.test(part)) throw new CallError('Invalid Prerelease string');
  }
}

/** A version after another: pre-release and metadata go unless they are given. A struct, not a pointer, as in Go. */
export function versionWith(
  version: GoVersion,
  changes: Partial<Pick<GoVersion, 'major' | 'minor' | 'patch' | 'prerelease' | 'metadata'>>,
): GoVersion {
  const { major, minor, patch } = version;
  const fields = { major, minor, patch, prerelease: '', metadata: '', ...changes, isPointer: false, original: '' };
  checkPrerelease(fields.prerelease);
  if (!/^[0-9A-Za-z.-]*$/.test(fields.metadata)) throw new CallError('Invalid Metadata string');
  const next = new GoVersion(fields);
  const prefix = version.original.startsWith('v') ? 'v' : '';
  return new GoVersion({ ...fields, original: prefix + next.text });
}

/** Precedence: -1, 0 or 1. Metadata does not count. */
export function compareVersions(a: GoVersion, b: GoVersion): number {
  for (const field of ['major', 'minor', 'patch'] as const) {
    if (a[field] !== b[field]) return a[field] < b[field] ? -1 : 1;
  }
  if (a.prerelease === b.prerelease) return 0;
  if (a.prerelease === '') return 1;
  if (b.prerelease === '') return -1;
  return comparePrereleases(a.prerelease, b.prerelease);
}

function comparePrereleases(a: string, b: string): number {
  const partsA = a.split('.');
  const partsB = b.split('.');
  for (let i = 0; i < Math.max(partsA.length, partsB.length); i++) {
    const order = comparePrereleaseParts(partsA[i] ?? '', partsB[i] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

function comparePrereleaseParts(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '' || b === '') return a === '' ? -1 : 1;
  const numberA = parseUint64(a, 10);
  const numberB = parseUint64(b, 10);
  if (numberA === undefined && numberB === undefined) return compareBytes(a, b);
  // Numbers come before words.
  if (numberA === undefined) return 1;
  if (numberB === undefined) return -1;
  return numberA > numberB ? 1 : -1;
}

interface Constraint {
  readonly operator: string;
  readonly version: GoVersion;
  /** Some number is missing or `x`; `minorIsOpen` or `patchIsOpen` say which one is the first. */
  readonly isOpen: boolean;
  readonly minorIsOpen: boolean;
  readonly patchIsOpen: boolean;
}

const number = '[0-9|x|X|\\*]+';
const constraintVersion = `v?(${number})(\\.${number})?(\\.${number})?(-(${identifiers}))?(\\+(${identifiers}))?`;
const operators = '=||!=|>|<|>=|=>|<=|=<|~|~>|\\^';
// How the original takes a constraint apart. RE2, because JavaScript would try the repeated groups in exponentially many ways.
const constraintPattern = `^\\s*(${operators})\\s*(${constraintVersion})\\s*$`;
const findPattern = `(${operators})\\s*(${constraintVersion})`;
const rangePattern = `\\s*(${constraintVersion})\\s+-\\s+(${constraintVersion})\\s*`;
const listPattern = `^(\\s*(${operators})\\s*(${constraintVersion})\\s*)((?:\\s+|,\\s*)(${operators})\\s*(${constraintVersion})\\s*)*$`;

/** The texts of a match: the whole, then each group, empty where it took no part. */
function groupTexts(text: string, match: readonly number[]): string[] {
  const groups: string[] = [];
  for (let i = 0; i < match.length; i += 2) groups.push((match[i] ?? -1) < 0 ? '' : text.slice(match[i], match[i + 1]));
  return groups;
}

function findAllTexts({ budget }: CallContext, pattern: string, text: string, limit = -1): string[][] {
  return compileRegex(budget, pattern)
    .findAll(budget, text, limit)
    .map((match) => groupTexts(text, match));
}

/** Constraints joined by "or", each a list joined by "and". */
function parseConstraints(context: CallContext, text: string): Constraint[][] {
  return rewriteRanges(context, text)
    .split('||')
    .map((alternative) => parseAlternative(context, alternative));
}

/** `1.2 - 1.4` means `>= 1.2, <= 1.4`. */
function rewriteRanges(context: CallContext, text: string): string {
  let rewritten = text;
  for (const groups of findAllTexts(context, rangePattern, text)) {
    const [whole = '', from = ''] = groups;
    const at = rewritten.indexOf(whole);
    context.budget.allocate(rewritten.length);
    // The second version is the ninth group, behind the first version and its seven groups.
    if (at >= 0)
      rewritten = `${rewritten.slice(0, at)}>= ${from}, <= ${groups[9]} ${rewritten.slice(at + whole.length)}`;
  }
  return rewritten;
}

function parseAlternative(context: CallContext, text: string): Constraint[] {
  if (!compileRegex(context.budget, listPattern).matches(context.budget, text))
    throw new CallError('improper constraint');
  const found = findAllTexts(context, findPattern, text).map(([whole = '']) => whole);
  return (found.length === 0 ? [text] : found).map((constraint) => parseConstraint(context, constraint));
}

function parseConstraint(context: CallContext, text: string): Constraint {
  const [match] = findAllTexts(context, constraintPattern, text, 1);
  if (match === undefined) throw new CallError('improper constraint');
  const [, operator = '', whole = '', major = '', minor = '', patch = '', prerelease = ''] = match;
  const isAny = (part: string): boolean => /^\.?[xX*]?$/.test(part);
  const open = { isOpen: true, minorIsOpen: false, patchIsOpen: false };
  if (isAny(major)) return { operator, version: constraintBase(`0.0.0${prerelease}`), ...open };
  if (isAny(minor)) {
    return { operator, version: constraintBase(`${major}.0.0${prerelease}`), ...open, minorIsOpen: true };
  }
  if (isAny(patch)) {
    return { operator, version: constraintBase(`${major}${minor}.0${prerelease}`), ...open, patchIsOpen: true };
  }
  return { operator, version: constraintBase(whole), ...open, isOpen: false };
}

function constraintBase(text: string): GoVersion {
  try {
    return parseVersion(text);
  } catch (error) {
    if (error instanceof CallError) throw new CallError('constraint Parser Error');
    throw error;
  }
}

/** Whether a version meets a constraint. A pre-release only meets constraints that name one. */
function meets(version: GoVersion, constraint: Constraint): boolean {
  const { operator, version: base, isOpen, minorIsOpen } = constraint;
  if (operator === '!=') return differs(version, constraint);
  if (version.prerelease !== '' && base.prerelease === '') return false;
  const order = compareVersions(version, base);
  switch (operator) {
    case '>':
      return isGreater(version, constraint);
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      if (!isOpen) return order <= 0;
      if (version.major > base.major) return false;
      return !(version.major === base.major && version.minor > base.minor && !minorIsOpen);
    case '~':
    case '~>':
      return isWithinTilde(version, constraint);
    case '^':
      return isWithinCaret(version, constraint);
    default:
      return isOpen ? isWithinTilde(version, constraint) : order === 0;
  }
}

function differs(version: GoVersion, { version: base, isOpen, minorIsOpen, patchIsOpen }: Constraint): boolean {
  if (isOpen) {
    if (version.prerelease !== '' && base.prerelease === '') return false;
    if (base.major !== version.major) return true;
    if (base.minor !== version.minor && !minorIsOpen) return true;
    if (minorIsOpen) return false;
    if (base.patch !== version.patch && !patchIsOpen) return true;
    if (patchIsOpen) {
      if (version.prerelease === '' && base.prerelease === '') return false;
      return version.prerelease !== base.prerelease && comparePrereleases(version.prerelease, base.prerelease) !== 0;
    }
  }
  return compareVersions(version, base) !== 0;
}

function isGreater(version: GoVersion, { version: base, isOpen, minorIsOpen, patchIsOpen }: Constraint): boolean {
  if (!isOpen) return compareVersions(version, base) > 0;
  if (version.major !== base.major) return version.major > base.major;
  if (minorIsOpen) return false;
  if (patchIsOpen) return version.minor > base.minor;
  return compareVersions(version, base) > 0;
}

function isWithinTilde(version: GoVersion, { version: base, minorIsOpen, patchIsOpen }: Constraint): boolean {
  if (compareVersions(version, base) < 0) return false;
  const isZero = base.major === 0n && base.minor === 0n && base.patch === 0n;
  if (isZero && !minorIsOpen && !patchIsOpen) return true;
  return version.major === base.major && (version.minor === base.minor || minorIsOpen);
}

function isWithinCaret(version: GoVersion, { version: base, minorIsOpen, patchIsOpen }: Constraint): boolean {
  if (compareVersions(version, base) < 0) return false;
  if (base.major > 0n || minorIsOpen) return version.major === base.major;
  if (version.major > 0n) return false;
  if (base.minor > 0n || patchIsOpen) return version.minor === base.minor;
  return version.minor === 0n && version.patch === base.patch;
}

export const semverFunctions: readonly TemplateFunction[] = [
  define('semver', [param.string], (_, text) => parseVersion(text)),
  define('semverCompare', [param.string, param.string], (context, constraint, version) => {
    const alternatives = parseConstraints(context, constraint);
    const parsed = parseVersion(version);
    return alternatives.some((all) => all.every((one) => meets(parsed, one)));
  }),
];
