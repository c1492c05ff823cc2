/**
 * Go's `unicode` package for single runes: simple case mappings (one rune to one rune, never the expanding ones that JavaScript
 * uses) and the categories that text functions and quoting ask for.
 */

const upperLetter = /^\p{Lu}$/u;
const titleLetter = /^\p{Lt}$/u;
const lowerLetter = /^\p{Ll}$/u;
const letter = /^\p{L}$/u;
const decimalDigit = /^\p{Nd}$/u;
const number = /^\p{N}$/u;
const punctuation = /^\p{P}$/u;
// Go's IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space.
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

function matches(pattern: RegExp, rune: number): boolean {
  if (rune < 0 || rune > 0x10ffff) return false;
  return pattern.test(String.fromCodePoint(rune));
}

/** True for upper-case letters (Lu). */
export function isUpper(rune: number): boolean {
  return rune < 0x80 ? rune >= 0x41 && rune <= 0x5a : matches(upperLetter, rune);
}

/** True for title-case letters (Lt). */
export function isTitle(rune: number): boolean {
  return rune >= 0x80 && matches(titleLetter, rune);
}

/** True for lower-case letters (Ll). */
export function isLower(rune: number): boolean {
  return rune < 0x80 ? rune >= 0x61 && rune <= 0x7a : matches(lowerLetter, rune);
}

/** True for letters (L). */
export function isLetter(rune: number): boolean {
  return rune < 0x80 ? isUpper(rune) || isLower(rune) : matches(letter, rune);
}

/** True for decimal digits (Nd). */
export function isDigit(rune: number): boolean {
  return rune < 0x80 ? rune >= 0x30 && rune <= 0x39 : matches(decimalDigit, rune);
}

/** True for numbers (N). */
export function isNumber(rune: number): boolean {
  return rune < 0x80 ? isDigit(rune) : matches(number, rune);
}

/** True for punctuation (P). */
export function isPunct(rune: number): boolean {
  return matches(punctuation, rune);
}

/** True for the runes with Unicode's White_Space property. */
export function isSpace(rune: number): boolean {
  if (rune < 0x100) return (rune >= 9 && rune <= 13) || rune === 0x20 || rune === 0x85 || rune === 0xa0;
  return (
    rune === 0x1680 ||
    (rune >= 0x2000 && rune <= 0x200a) ||
    rune === 0x2028 ||
    rune === 0x2029 ||
    rune === 0x202f ||
    rune === 0x205f ||
    rune === 0x3000
  );
}

/** True for what Go prints as it is in a quoted string: graphic characters, and of the spaces only U+0020. */
export function isPrint(rune: number): boolean {
  if (rune < 0x80) return rune >= 0x20 && rune < 0x7f;
  return matches(printable, rune);
}

/** JavaScript's mapping where it stays one rune, else `undefined`. */
function singleRune(text: string, original: number): number | undefined {
  const rune = text.codePointAt(0) ?? original;
  return text.length === (rune > 0xffff ? 2 : 1) ? rune : undefined;
}

/** Greek small letters with iota subscript: their simple upper and title case is one rune, JavaScript's is two. */
function greekIotaCapital(rune: number): number | undefined {
  if (rune >= 0x1f80 && rune <= 0x1faf) return (rune & 8) === 0 ? rune + 8 : rune;
  if (rune === 0x1fb3 || rune === 0x1fc3 || rune === 0x1ff3) return rune + 9;
  return undefined;
}

/** Simple upper case. */
export function toUpper(rune: number): number {
  if (rune < 0x80) return rune >= 0x61 && rune <= 0x7a ? rune - 32 : rune;
  if (!isEncodable(rune)) return rune;
  return greekIotaCapital(rune) ?? singleRune(String.fromCodePoint(rune).toUpperCase(), rune) ?? rune;
}

/** Simple lower case. */
export function toLower(rune: number): number {
  if (rune < 0x80) return rune >= 0x41 && rune <= 0x5a ? rune + 32 : rune;
  if (rune === 0x130) return 0x69;
  if (!isEncodable(rune)) return rune;
  return singleRune(String.fromCodePoint(rune).toLowerCase(), rune) ?? rune;
}

/** Simple title case: upper case, but for the digraphs that have a letter of their own and for Georgian, which has none. */
export function toTitle(rune: number): number {
  if (rune >= 0x1c4 && rune <= 0x1cc) return rune <= 0x1c6 ? 0x1c5 : rune <= 0x1c9 ? 0x1c8 : 0x1cb;
  if (rune >= 0x1f1 && rune <= 0x1f3) return 0x1f2;
  if ((rune >= 0x10d0 && rune <= 0x10fa) || (rune >= 0x10fd && rune <= 0x10ff)) return rune;
  return toUpper(rune);
}

function isEncodable(rune: number): boolean {
  return rune >= 0 && rune <= 0x10ffff && !(rune >= 0xd800 && rune <= 0xdfff);
}
