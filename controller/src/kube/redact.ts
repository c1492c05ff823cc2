const windowLength = 8;
/** Shorter values are looked for as a whole; below this length any word of a message could be one. */
const shortestWhole = 4;
const longestMessage = 4096;

/**
 * Takes every piece of the given values out of a text that somebody else wrote (an admission webhook may quote what it refuses):
 * as they are, in base64 at any offset, in hex, and as JSON escapes. Pieces of 8 characters count; values of 4 to 7 as a whole.
 * Only for error paths: it takes time linear in the size of the values.
 */
export function redactValues(text: string, values: Iterable<Uint8Array>): string {
  const message = text.length > longestMessage ? `${text.slice(0, longestMessage)}...` : text;
  const hidden = new Uint8Array(message.length);
  const windows = windowsOf(message);
  for (const value of values) {
    if (value.length < shortestWhole) continue;
    for (const form of formsOf(value)) {
      if (form.length < windowLength) hideWhole(message, form, hidden);
      else hidePieces(form, windows, hidden);
    }
  }
  return withoutHidden(message, hidden);
}

/** Every piece of 8 characters, and where it begins. Letter case is ignored because of hex. */
function windowsOf(message: string): Map<string, number[]> {
  const windows = new Map<string, number[]>();
  const lower = message.toLowerCase();
  for (let start = 0; start + windowLength <= lower.length; start++) {
    const piece = lower.slice(start, start + windowLength);
    const starts = windows.get(piece);
    if (starts === undefined) windows.set(piece, [start]);
    else starts.push(start);
  }
  return windows;
}

function formsOf(value: Uint8Array): Set<string> {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const forms = new Set<string>([bytes.toString('utf8'), bytes.toString('latin1'), bytes.toString('hex')]);
  for (const text of [...forms]) {
    const escaped = JSON.stringify(text).slice(1, -1);
    forms.add(escaped).add(JSON.stringify(escaped).slice(1, -1));
  }
  // Embedded in something longer, base64 starts at one of three offsets; the characters at the ends depend on the neighbours.
  for (const skip of [0, 1, 2]) {
    const part = bytes.subarray(skip, bytes.length - ((bytes.length - skip) % 3));
    const whole = skip === 0 ? bytes : part;
    forms.add(whole.toString('base64').replaceAll('=', '')).add(whole.toString('base64url'));
  }
  return new Set([...forms].map((form) => form.toLowerCase()).filter((form) => form.length >= shortestWhole));
}

function hideWhole(message: string, form: string, hidden: Uint8Array): void {
  const lower = message.toLowerCase();
  for (let at = lower.indexOf(form); at !== -1; at = lower.indexOf(form, at + 1)) hidden.fill(1, at, at + form.length);
}

function hidePieces(form: string, windows: ReadonlyMap<string, readonly number[]>, hidden: Uint8Array): void {
  for (let at = 0; at + windowLength <= form.length; at++) {
    for (const start of windows.get(form.slice(at, at + windowLength)) ?? []) {
      hidden.fill(1, start, start + windowLength);
    }
  }
}

function withoutHidden(message: string, hidden: Uint8Array): string {
  let text = '';
  for (let at = 0; at < message.length; at++) {
    if (hidden[at] === 0) text += message[at];
    else if (at === 0 || hidden[at - 1] === 0) text += '<redacted>';
  }
  return text;
}

/**
 * Takes the values out of field errors as Kubernetes words them: `Invalid value: "x": must be ...`, also where they are
 * numbers or whole objects, which end nobody knows where, so that the rest of the text goes too.
 */
export function redactFieldErrors(text: string): string {
  // JSON syntax errors of the API server name the character that they stumbled over.
  const named = text.replace(/invalid character '(?:\\.|[^'\\])*'/g, "invalid character '<redacted>'");
  return named.replace(
    /\b(Invalid value|Unsupported value|Duplicate value):\s*(?:"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?|true|false|null)(?=[:,\]]|$)|[\s\S]*)/g,
    (_whole, what: string) => `${what}: <redacted>`,
  );
}
