import type { Flag, FlagValue, ParsedFlags } from './pflag.ts';

/** Prefix of the environment variables that set flags. */
export const environmentPrefix = 'SEALED_SECRETS_';

function own(flag: Omit<Flag, 'fromEnv'>): Flag {
  return { ...flag, fromEnv: true };
}

const ownFlags: readonly Flag[] = [
  own({
    name: 'cert',
    type: 'string',
    default: '',
    usage: 'Certificate to seal with, as a file or URL. The cluster is not asked for it then.',
  }),
  own({
    name: 'controller-namespace',
    type: 'string',
    default: 'kube-system',
    usage: 'Namespace in which the controller runs.',
  }),
  own({
    name: 'controller-name',
    type: 'string',
    default: 'sealed-secrets-controller',
    usage: "Name of the controller's Service.",
  }),
  own({
    name: 'format',
    shorthand: 'o',
    type: 'string',
    default: 'json',
    usage: 'Format of the output: json or yaml.',
  }),
  own({
    name: 'sealed-secret-file',
    shorthand: 'w',
    type: 'string',
    default: '',
    usage: 'Write the result to this file instead of standard output. The names *.yaml and *.yml mean YAML.',
  }),
  own({
    name: 'secret-file',
    shorthand: 'f',
    type: 'string',
    default: '',
    usage: 'Read the input from this file instead of standard input.',
  }),
  own({ name: 'fetch-cert', type: 'bool', default: false, usage: 'Write the certificate to standard output.' }),
  own({ name: 'allow-empty-data', type: 'bool', default: false, usage: 'Take Secrets without data.' }),
  own({
    name: 'validate',
    type: 'bool',
    default: false,
    usage: 'Ask the controller whether it can decrypt the SealedSecrets of the input.',
  }),
  own({
    name: 'merge-into',
    type: 'string',
    default: '',
    usage: 'Put the sealed items into this existing SealedSecret file.',
  }),
  own({
    name: 'raw',
    type: 'bool',
    default: false,
    usage: 'Seal one value instead of a Secret, and print its ciphertext alone.',
  }),
  own({
    name: 'name',
    type: 'string',
    default: '',
    usage: 'Name of the Secret. Needed with --raw and scope strict.',
  }),
  own({
    name: 'from-file',
    type: 'strings',
    default: [],
    usage: 'With --raw: the file with the value, as path or item=path.',
  }),
  own({
    name: 'kubeconfig',
    type: 'string',
    default: '',
    usage: 'Kubeconfig file to use instead of the usual ones.',
  }),
  own({
    name: 'scope',
    type: 'enum',
    default: 'strict',
    choices: ['strict', 'namespace-wide', 'cluster-wide'],
    usage: 'Where the result opens: strict, namespace-wide or cluster-wide.',
    defaultText: 'strict',
  }),
  own({
    name: 're-encrypt',
    type: 'bool',
    default: false,
    usage: 'Have the controller seal the SealedSecrets of the input anew, under its newest key.',
  }),
  own({
    name: 'rotate',
    type: 'bool',
    default: false,
    usage: '',
    deprecated: 'please use --re-encrypt instead',
  }),
  own({
    name: 'recovery-unseal',
    type: 'bool',
    default: false,
    usage: 'Decrypt a SealedSecret offline, with the private keys given.',
  }),
  own({
    name: 'recovery-private-key',
    type: 'strings',
    default: [],
    usage: 'Files with private keys, as PEM or as Secrets. Used by --recovery-unseal.',
  }),
  own({ name: 'help', type: 'bool', default: false, usage: 'Print this list.' }),
  own({ name: 'version', type: 'bool', default: false, usage: 'Print the version.' }),
];

/** The usual flags of clients of the Kubernetes API. */
const clientFlags: readonly Flag[] = [
  own({ name: 'namespace', shorthand: 'n', type: 'string', default: '', usage: 'Namespace to work in.' }),
  own({ name: 'context', type: 'string', default: '', usage: 'Context of the kubeconfig to use.' }),
  own({ name: 'cluster', type: 'string', default: '', usage: 'Cluster of the kubeconfig to use.' }),
  own({ name: 'user', type: 'string', default: '', usage: 'User of the kubeconfig to use.' }),
  own({ name: 'server', type: 'string', default: '', usage: 'Address of the API server.' }),
  own({
    name: 'tls-server-name',
    type: 'string',
    default: '',
    usage: "Name to expect in the API server's certificate, if it is not the host name.",
  }),
  own({
    name: 'insecure-skip-tls-verify',
    type: 'bool',
    default: false,
    usage: "Do not check the API server's certificate. Whoever is in between sees everything.",
  }),
  own({ name: 'certificate-authority', type: 'string', default: '', usage: 'File with the CA of the API server.' }),
  own({ name: 'client-certificate', type: 'string', default: '', usage: 'File with a client certificate.' }),
  own({ name: 'client-key', type: 'string', default: '', usage: 'File with the key of the client certificate.' }),
  own({ name: 'token', type: 'string', default: '', usage: 'Bearer token for the API server.' }),
  own({ name: 'as', type: 'string', default: '', usage: 'User to impersonate.' }),
  own({ name: 'as-uid', type: 'string', default: '', usage: 'UID to impersonate.' }),
  own({ name: 'as-group', type: 'array', default: [], usage: 'Group to impersonate; may be repeated.' }),
  own({ name: 'username', type: 'string', default: '', usage: 'Name for basic authentication.' }),
  own({ name: 'password', type: 'string', default: '', usage: 'Password for basic authentication.' }),
  own({ name: 'proxy-url', type: 'string', default: '', usage: 'Proxy to reach the API server through.' }),
  own({ name: 'disable-compression', type: 'bool', default: false, usage: 'Ask for uncompressed answers.' }),
  own({
    name: 'request-timeout',
    type: 'string',
    default: '0',
    usage: 'How long to wait for one request, such as 1s, 2m or 3h. Zero means for ever.',
  }),
];

function logging(flag: Omit<Flag, 'fromEnv'>): Flag {
  return { ...flag, fromEnv: false };
}

/** Flags of the logging library upstream uses. Taken so that no script breaks; only `-v` means something here. */
const loggingFlags: readonly Flag[] = [
  logging({ name: 'v', shorthand: 'v', type: 'int', default: 0, typeName: 'Level', usage: 'Verbosity.' }),
  logging({ name: 'vmodule', type: 'string', default: '', typeName: 'moduleSpec', usage: 'Without effect.' }),
  logging({ name: 'logtostderr', type: 'bool', default: true, usage: 'Without effect: there is no other log.' }),
  logging({ name: 'alsologtostderr', type: 'bool', default: false, usage: 'Without effect.' }),
  logging({ name: 'stderrthreshold', type: 'severity', default: 2, usage: 'Without effect.' }),
  logging({
    name: 'alsologtostderrthreshold',
    type: 'severity',
    default: 0,
    usage: 'Without effect.',
    defaultText: 'INFO',
  }),
  logging({ name: 'legacy_stderr_threshold_behavior', type: 'bool', default: true, usage: 'Without effect.' }),
  logging({ name: 'log_dir', type: 'string', default: '', usage: 'Without effect: no log files are written.' }),
  logging({ name: 'log_file', type: 'string', default: '', usage: 'Without effect: no log files are written.' }),
  logging({ name: 'log_file_max_size', type: 'uint', default: 1800, usage: 'Without effect.' }),
  logging({
    name: 'log_backtrace_at',
    type: 'string',
    default: '',
    typeName: 'traceLocation',
    usage: 'Without effect.',
    defaultText: ':0',
  }),
  logging({ name: 'add_dir_header', type: 'bool', default: false, usage: 'Without effect.' }),
  logging({ name: 'skip_headers', type: 'bool', default: false, usage: 'Without effect.' }),
  logging({ name: 'skip_log_headers', type: 'bool', default: false, usage: 'Without effect.' }),
  logging({ name: 'one_output', type: 'bool', default: false, usage: 'Without effect.' }),
];

/** Every flag of the `kubeseal` entry point. */
export const kubesealFlags: readonly Flag[] = [...ownFlags, ...clientFlags, ...loggingFlags];

/** Typed access to parsed values. The table says which type a flag has; asking for another one is a mistake in our code. */
export interface FlagReader {
  text(name: string): string;
  isSet(name: string): boolean;
  list(name: string): readonly string[];
  /** Whether it was given at all, in argv or by the environment. */
  given(name: string): boolean;
}

export function createFlagReader(parsed: ParsedFlags): FlagReader {
  const value = (name: string): FlagValue => {
    const found = parsed.values.get(name);
    if (found === undefined) throw new TypeError(`there is no flag --${name}`);
    return found;
  };
  return {
    text: (name) => String(value(name)),
    isSet: (name) => value(name) === true,
    list: (name) => {
      const found = value(name);
      return Array.isArray(found) ? found : [];
    },
    given: (name) => parsed.given.has(name),
  };
}
