const windowLength = 8;
const gramLength = 4;
/** However a window of 8 characters lies, one gram inside it begins at a multiple of this. */
const stride = windowLength - gramLength + 1;
const gramSlots = 2 ** 18;
/** Shorter values are looked for as a whole; below this length any word of a message could be one. */
const shortestWhole = 4;
const longestMessage = 4096;
/** Values beyond these bounds cost too much to look for on the thread that renews the lease. A value costs something however short it is. */
const mostValueBytes = 128 * 1024;
const bytesPerValue = 256;
/** Places of the values that look like one of the text and are compared with it. More of them come of values that repeat themselves. */
const mostCandidates = 50_000;

/**
 * Takes every piece of the given values out of a text that somebody else wrote (an admission webhook may quote what it refuses):
 * as they are, in base64 at any offset, in hex, and as JSON escapes, in any letter case. Pieces of 8 characters count; values of 4 to
 * 7 as a whole. Undefined if there is too much to look for: then nothing of the text may be shown.
 */
export function redactValues(text: string, values: Iterable<Uint8Array>): string | undefined {
  const sought = [...values].filter(({ length }) => length >= shortestWhole);
  if (sought.reduce((sum, { length }) => sum + length + bytesPerValue, 0) > mostValueBytes) return undefined;
  const message = text.length > longestMessage ? `${text.slice(0, longestMessage)}...` : text;
  const folded = fold(message);
  const hidden = new Uint8Array(message.length);
  const windows = createWindows(folded, hidden);
  for (const value of sought) {
    for (const form of formsOf(value)) {
      if (form.length < windowLength) hideWhole(folded, fold(form), hidden);
      else if (!windows.hidePiecesOf(form)) return undefined;
    }
  }
  return withoutHidden(message, hidden);
}

let lowerCase: Uint16Array | undefined;

/** UTF-16 code units in lower case, where that is one code unit too, so that no position moves. */
function lowerCaseTable(): Uint16Array {
  lowerCase ??= Uint16Array.from({ length: 0x1_0000 }, (_, code) => {
    const lower = String.fromCharCode(code).toLowerCase();
    return lower.length === 1 ? lower.charCodeAt(0) : code;
  });
  return lowerCase;
}

function fold(text: string): string {
  const table = lowerCaseTable();
  let folded = '';
  for (let at = 0; at < text.length; at++) folded += String.fromCharCode(table[text.charCodeAt(at)] as number);
  return folded;
}

/** Where a gram of four characters is counted: several may share a slot. */
function gramSlot(text: string, at: number, table: Uint16Array): number {
  let slot = 0;
  for (let i = at; i < at + gramLength; i++) slot = Math.imul(slot, 0x2f0b) + (table[text.charCodeAt(i)] as number);
  return (slot ^ (slot >>> 14)) & (gramSlots - 1);
}

interface Windows {
  /** Hides what the text has in common with the form; false if there was too much to compare. */
  hidePiecesOf(form: string): boolean;
}

/**
 * The pieces of 8 characters of a text that have not been found in a value yet. Only every fifth gram of a form is looked at, in a table that
 * says whether the text has it; and what was found once is not looked for again.
 */
function createWindows(folded: string, hidden: Uint8Array): Windows {
  const table = lowerCaseTable();
  const startsOf = new Map<string, number[]>();
  const grams = new Uint16Array(gramSlots);
  let candidates = 0;
  const count = (piece: string, change: 1 | -1) => {
    for (let at = 0; at < stride; at++) (grams[gramSlot(piece, at, table)] as number) += change;
  };
  for (let start = 0; start + windowLength <= folded.length; start++) {
    const piece = folded.slice(start, start + windowLength);
    const starts = startsOf.get(piece);
    if (starts !== undefined) starts.push(start);
    else {
      startsOf.set(piece, [start]);
      count(piece, 1);
    }
  }
  const hide = (piece: string) => {
    const starts = startsOf.get(piece);
    if (starts === undefined) return;
    for (const start of starts) hidden.fill(1, start, start + windowLength);
    startsOf.delete(piece);
    count(piece, -1);
  };
  return {
    hidePiecesOf(form) {
      for (let at = 0; at + gramLength <= form.length; at += stride) {
        if (grams[gramSlot(form, at, table)] === 0) continue;
        if (++candidates > mostCandidates) return false;
        const from = Math.max(0, at - stride + 1);
        const near = fold(form.slice(from, at + windowLength));
        for (let start = 0; start + windowLength <= near.length; start++) hide(near.slice(start, start + windowLength));
      }
      return true;
    },
  };
}

function formsOf(value: Uint8Array): Set<string> {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  const forms = new Set<string>([bytes.toString('utf8'), bytes.toString('latin1')]);
  for (const text of [...forms]) {
    const escaped = JSON.stringify(text).slice(1, -1);
    forms.add(escaped).add(JSON.stringify(escaped).slice(1, -1));
  }
  forms.add(bytes.toString('hex'));
  // Embedded in something longer, base64 starts at one of three offsets; the characters at the ends depend on the neighbours.
  for (const skip of [0, 1, 2]) {
    const part = bytes.subarray(skip, bytes.length - ((bytes.length - skip) % 3));
    const whole = skip === 0 ? bytes : part;
    forms.add(whole.toString('base64').replaceAll('=', '')).add(whole.toString('base64url'));
  }
  return new Set([...forms].filter((form) => form.length >= shortestWhole));
}

function hideWhole(folded: string, form: string, hidden: Uint8Array): void {
  for (let at = folded.indexOf(form); at !== -1; at = folded.indexOf(form, at + 1))
    hidden.fill(1, at, at + form.length);
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
