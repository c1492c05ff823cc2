/*
 * Vectors of upstream's behaviour that we differ from on purpose, by name, each with its reason. A vector that stands here is not skipped: its
 * test asserts what we do instead. The spellings `-1` and `-2` of a vector are one entry.
 */

/** What `kubeseal` does instead of what a vector says. What is absent is asserted as the vector has it. */
export interface KubesealWaiver {
  /** The wanted difference: an item of the list in section 10.2 of the specification, or a [FIX] in the section named. */
  readonly reason: string;
  readonly exit?: number;
  /** Absent together with a changed exit status that is not 0: nothing. */
  readonly stdout?: string;
  readonly stderr?: RegExp;
  /** Files after the run, in full, or as an expression to be found. */
  readonly filesAfter?: Readonly<Record<string, string | RegExp>>;
}

const flagErrors = 'FIX 11: flag errors never go to standard output, where they would corrupt redirected results';
const environment = 'FIX 7: an unusable value of the environment fails loudly instead of becoming a zero value';
const brokenDocuments = 'FIX 3: a broken document is an error with its position, never skipped';
const position =
  'FIX 3 and 6.10: a field that cannot be decoded is reported with line, column and path, not with Go types';
const keyFiles = 'FIX 16: key files are named when they hold no key, and every document of them is read';
const merging = 'FIX 5: merging makes absent maps, keeps the format of the file, and takes several documents';
const templateValues = 'FIX 1: errors of templates never contain values, so the text of `fail` is left out';

function flagError(text: string): KubesealWaiver {
  const escaped = text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return {
    reason: flagErrors,
    stdout: '',
    stderr: new RegExp(`^Usage of kubeseal:\\n(.|\\n)*--allow-empty-data (.|\\n)*${escaped}`),
  };
}

function unreadable(where: string): KubesealWaiver {
  return {
    reason: brokenDocuments,
    stderr: new RegExp(`^error: no secrets found\\. Ensure the input is valid and UTF-8 encoded: stdin: ${where}`),
  };
}

function undecodable(text: string): KubesealWaiver {
  return { reason: position, stderr: new RegExp(`^error: stdin: line \\d+, column \\d+: ${text}\\n$`) };
}

export const kubesealWaivers: Readonly<Record<string, KubesealWaiver>> = {
  'unknown-flag': flagError('unknown flag: --'),
  'unknown-flag-with-value': flagError('unknown flag: --'),
  'unknown-short-flag': flagError("unknown shorthand flag: '"),
  'flag-without-value': flagError('flag needs an argument: --'),
  'short-flag-without-value': flagError("flag needs an argument: '"),
  'bad-boolean': flagError('flag: strconv.ParseBool: parsing "maybe": invalid syntax'),
  'bad-scope': flagError('for "--scope" flag: must be one of: strict, namespace-wide, cluster-wide'),
  'bad-verbosity': flagError('for "-v, --v" flag: strconv.ParseInt: parsing "'),
  'bad-scope-from-env-ignored': {
    reason: environment,
    exit: 2,
    stderr: /^error: invalid argument ".+" for environment variable SEALED_SECRETS_SCOPE: must be one of: strict, /,
  },
  'fetch-cert-bad-env-boolean': {
    reason: environment,
    exit: 2,
    stdout: '',
    stderr: /^error: invalid argument ".+" for environment variable SEALED_SECRETS_RAW: strconv\.ParseBool: /,
  },
  'rotate-is-deprecated': {
    reason: 'FIX 11: the deprecation notice goes to standard error',
    stdout: '',
    stderr:
      /^Flag --rotate has been deprecated, please use --re-encrypt instead\nerror: invalid configuration: no configuration /,
  },

  'input-words': unreadable('document 1, line 1, column 1: expected an object'),
  'input-truncated-json': unreadable('document 1, line 1, column '),
  'input-json-array': unreadable('document 1, line 1, column 1: expected an object, found a list'),
  'input-yaml-list-of-secrets': unreadable('document 1, line 1, column 1: expected an object, found a list'),
  'input-tab-indented-yaml': unreadable('document 1, line 2, column 1: '),
  'input-broken-yaml-only': unreadable('document 1, line '),
  'input-utf16': unreadable('is UTF-16, not UTF-8'),
  'input-binary': unreadable(''),
  'broken-then-good-document': { ...unreadable('document 1, line 1, column '), exit: 1, stdout: '' },
  'input-separator-with-text': {
    reason: brokenDocuments,
    stderr: /^error: no secrets found\. Ensure the input is valid and UTF-8 encoded: stdin: line 1, column 1: /,
  },
  'input-second-document-fails': {
    reason: 'Architecture 8: standard output gets all documents or none (6.4.2)',
    stdout: '',
  },
  'input-second-document-namespace-mismatch': {
    reason: 'Architecture 8: standard output gets all documents or none (6.4.2)',
    stdout: '',
  },
  'input-data-not-base64-yaml': undecodable('data\\..+: illegal base64 data at input byte \\d+'),
  'input-data-not-base64-json': undecodable('data\\..+: illegal base64 data at input byte \\d+'),
  'input-data-a-number': undecodable('data\\..+: must be base64 text, not a number: .*'),
  'input-data-a-list': undecodable('data: must be an object, not a list'),
  'input-labels-a-list': undecodable('metadata\\.labels: must be an object, not a list'),
  'input-string-data-a-string': undecodable('stringData: must be an object, not a string'),
  'input-string-data-nested': undecodable('stringData\\..+: must be a string, not an object'),
  'input-name-a-number': undecodable('metadata\\.name: must be a string, not a list'),
  'managed-fields-kept': { reason: 'FIX 17: managedFields do not survive sealing' },

  'secret-file-flag-ignored': { reason: 'FIX 18: --raw takes the value from -f' },

  'merge-target-words': {
    reason: position,
    stderr: /^error: couldn't get version\/kind; json parse error: t\.yaml: expected an object, found a string\n$/,
  },
  'merge-target-number-in-map': {
    reason: position,
    stderr: /^error: t\.yaml: line 3, column \d+: metadata\.labels\.a: must be a string, not a number\n$/,
  },
  'merge-two-documents-json': { reason: merging, exit: 0, stderr: /^$/, filesAfter: { 't.yaml': /^ {4}a: Ag/m } },
  'merge-labels-into-target-without-labels': {
    reason: merging,
    exit: 0,
    stderr: /^$/,
    filesAfter: { 't.yaml': /\n {6}labels:\n {8}l: / },
  },
  'merge-annotations-into-target-without-annotations': {
    reason: merging,
    exit: 0,
    stderr: /^$/,
    filesAfter: { 't.yaml': /\n {6}annotations:\n {8}l: / },
  },
  'merge-target-without-encrypted-data': {
    reason: merging,
    exit: 0,
    stderr: /^$/,
    filesAfter: { 't.yaml': /encryptedData/ },
  },
  'merge-target-file-overwritten-by-w': {
    reason: 'FIX 4: -w never empties a file',
    filesAfter: { 't.yaml': /^apiVersion: bitnami\.com\/v1alpha1\n/ },
  },
  'yaml-target-becomes-json': { reason: merging },
  'template-data-kept': {
    reason: 'Issue 4, FIX 5: a file that people wrote keeps every untouched byte; upstream prints it anew',
  },

  'recovery-backup-list-then-secret': { reason: keyFiles, exit: 0, stdout: '"a": "', stderr: /^$/ },
  'recovery-backup-secret-then-list': { reason: keyFiles, exit: 0, stdout: '"a": "', stderr: /^$/ },
  'recovery-backup-secretlist': {
    reason: 'FIX of 6.9: kind SecretList is accepted',
    exit: 0,
    stdout: '"a": "',
    stderr: /^$/,
  },
  'recovery-backup-empty-list': { reason: keyFiles, stderr: /^error: b\.yaml: no private key found\n$/ },
  'recovery-backup-without-key': {
    reason: keyFiles,
    stderr: /^error: b\.yaml: document 1: secret \S+ must contain a 'tls\.key' key under data\n$/,
  },
  'recovery-backup-string-data': {
    reason: keyFiles,
    stderr: /^error: b\.yaml: document 1: secret \S+ must contain a 'tls\.key' key under data\n$/,
  },
  'recovery-key-file-words': { reason: keyFiles, stderr: /^error: k\.pem: no private key found\n$/ },
  'recovery-key-file-empty': { reason: keyFiles, stderr: /^error: k\.pem: no private key found\n$/ },
  'recovery-key-file-a-certificate': { reason: keyFiles, stderr: /^error: k\.pem: no private key found\n$/ },
  'recovery-key-file-elliptic-curve': {
    reason: keyFiles,
    stderr: /^error: k\.pem: the private key is ec, not RSA\n$/,
  },
  'recovery-input-words': {
    reason: position,
    stderr: /^error: couldn't get version\/kind; json parse error: stdin: expected an object, found a string\n$/,
  },
  'recovery-template-error': {
    reason: templateValues,
    stderr: /^error: template: t:1:4: error calling fail: the template asked to fail \(t\)\n$/,
  },
  'recovery-template-parse-error': {
    reason: 'Architecture 4: errors of templates name the entry and the position, here with its column',
    stderr: /^error: template: t:1:9: function "nofunc" not defined \(t\)\n$/,
  },
};

/** The waiver of a vector, by its name with or without the number of the spelling. */
export function kubesealWaiver(name: string): KubesealWaiver | undefined {
  return kubesealWaivers[name.replace(/-\d+$/, '')];
}

/** What `/v1/verify` and `/v1/rotate` answer instead of what a vector says. */
export interface VerifyRotateWaiver {
  readonly reason: string;
  readonly verifyStatus?: number;
  readonly rotateStatus?: number;
}

const noCrash = "FIX 8: a body cannot crash the handler; upstream's cuts the connection (status 0 in the vector)";

/** @public Read by controller/src/http/server.test.ts, which may not import from here. */
export const verifyRotateWaivers: Readonly<Record<string, VerifyRotateWaiver>> = {
  'bad-broken-json-1': { reason: noCrash, verifyStatus: 500 },
  'bad-broken-yaml-1': { reason: noCrash, verifyStatus: 500 },
};

/** What unsealing does instead of what a vector says: the code of our error. */
export const unsealWaivers: Readonly<Record<string, { readonly reason: string; readonly code: string }>> = {
  'empty-document-1': { reason: 'FIX 23: empty input is an error, not a hollow Secret', code: 'EmptyInput' },
};
