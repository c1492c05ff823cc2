import { decodeBase64, decodeUtf8, type Secret } from '@waxwing/shared';

/**
 * What looks like a mistake in the values of a Secret, as sentences that name items and never show a value: a newline that an editor or
 * `echo` put at the end, and a value that is base64 once more.
 */
export function findSuspiciousValues(secret: Secret): string[] {
  return Array.from(secret.data).flatMap(([item, value]) =>
    findSuspicions(value).map((suspicion) => `the value of item ${JSON.stringify(item)} ${suspicion}`),
  );
}

/** The same for one value, as the rest of a sentence about it. */
export function findSuspicions(value: Uint8Array): string[] {
  return [
    ...(endsWithLoneNewline(value)
      ? ["ends with a newline; if it is a password, remove it (printf '%s' instead of echo)"]
      : []),
    ...(isEncodedTwice(value) ? ['is base64 text; if it was encoded twice, put it under stringData'] : []),
  ];
}

/** A single line with a newline behind it. Texts of several lines end with one on purpose. */
function endsWithLoneNewline(value: Uint8Array): boolean {
  return value.length > 1 && value.at(-1) === 0x0a && value.indexOf(0x0a) === value.length - 1;
}

const base64Text = /^(?:[A-Za-z0-9+/]{4}){3,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)$|^(?:[A-Za-z0-9+/]{4}){3,}$/;

/** Base64 of printable text. Random keys are often base64 as well, but do not decode to text. */
function isEncodedTwice(value: Uint8Array): boolean {
  const text = decodeUtf8(value)?.trimEnd();
  if (text === undefined || !base64Text.test(text)) return false;
  const decoded = decodeUtf8(decodeBase64(text));
  return decoded !== undefined && decoded.length >= 8 && /^[\t\n\r\x20-\x7e]+$/.test(decoded);
}
