import { describe, expect, test } from 'vitest';
import { kubesealFlags } from './kubeseal-flags.ts';
import { type Flag, FlagError, type FlagValue, formatFlagList, HelpRequested, parseFlags } from './pflag.ts';

const parse = (argv: string[], env: [string, string][] = []) =>
  parseFlags(
    kubesealFlags,
    argv,
    new Map(env.map(([name, value]) => [name, { variable: `SEALED_SECRETS_${name.toUpperCase()}`, value }])),
  );

/** Every way to write a value that the library knows, as argv. */
function spellings(flag: Flag, text: string): string[][] {
  const long = `--${flag.name}`;
  const short = flag.shorthand === undefined ? [] : [`-${flag.shorthand}`];
  if (flag.type === 'bool') {
    return [[`${long}=${text}`], ...(text === 'true' ? [[long]] : []), ...short.map((name) => [`${name}=${text}`])];
  }
  return [
    [`${long}=${text}`],
    [long, text],
    ...short.flatMap((name) => [[name, text], [name + text], [`${name}=${text}`]]),
  ];
}

const samples: Readonly<Record<Flag['type'], readonly (readonly [string, FlagValue])[]>> = {
  bool: [
    ...['true', '1', 't', 'T', 'TRUE', 'True'].map((text) => [text, true] as const),
    ...['false', '0', 'f', 'F', 'FALSE', 'False'].map((text) => [text, false] as const),
  ],
  string: [
    ['some value', 'some value'],
    ['-o', '-o'],
    ['a=b', 'a=b'],
    ['ü', 'ü'],
  ],
  enum: [
    ['cluster-wide', 'cluster-wide'],
    ['namespace-wide', 'namespace-wide'],
    ['strict', 'strict'],
  ],
  strings: [
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    ['"a,b",c', ['a,b', 'c']],
    ['"say ""hi""",x', ['say "hi"', 'x']],
    ['a,,b', ['a', '', 'b']],
  ],
  array: [['a,b', ['a,b']]],
  int: [
    ['3', 3],
    ['-4', -4],
    ['0x10', 16],
    ['+7', 7],
  ],
  uint: [
    ['0', 0],
    ['1800', 1800],
  ],
  severity: [
    ['2', 2],
    ['error', 'ERROR'],
    ['WARNING', 'WARNING'],
  ],
};

describe('every flag in every spelling', () => {
  const rows = kubesealFlags.flatMap((flag) =>
    samples[flag.type].flatMap(([text, value]) =>
      spellings(flag, text).map((argv) => ({ title: argv.join(' '), flag, argv, value })),
    ),
  );

  test.for(rows)('$title', ({ flag, argv, value }) => {
    const parsed = parse(argv);
    expect(parsed.values.get(flag.name)).toEqual(value);
    expect([...parsed.given]).toEqual([flag.name]);
    expect(parsed.positional).toEqual([]);
  });

  test.for(kubesealFlags.filter(({ type, fromEnv }) => fromEnv && type === 'string'))(
    '--$name from the environment',
    ({ name }) => {
      expect(parse([], [[name, 'from env']]).values.get(name)).toBe('from env');
      expect(parse([`--${name}=from argv`], [[name, 'from env']]).values.get(name)).toBe('from argv');
    },
  );

  test.for(kubesealFlags.filter(({ fromEnv }) => !fromEnv))('--$name is not set by the environment', (flag) => {
    const parsed = parse([], [[flag.name, '1']]);
    expect(parsed.values.get(flag.name)).toEqual(flag.default);
  });
});

describe('the rules of pflag', () => {
  test('defaults stand where nothing is given', () => {
    expect(parse([]).values).toEqual(new Map(kubesealFlags.map((flag) => [flag.name, flag.default])));
  });

  test('the last of several values wins', () => {
    expect(parse(['-o', 'yaml', '--format=json']).values.get('format')).toBe('json');
  });

  test('lists add up, over the environment too', () => {
    const { values } = parse(['--from-file', 'b', '--from-file=c,d'], [['from-file', 'a']]);
    expect(values.get('from-file')).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a value may begin with a dash', () => {
    expect(parse(['--cert', '--raw']).values.get('cert')).toBe('--raw');
  });

  test('a boolean takes no value behind a space', () => {
    const { values, positional } = parse(['--raw', 'false']);
    expect(values.get('raw')).toBe(true);
    expect(positional).toEqual(['false']);
  });

  test('two dashes end the flags', () => {
    expect(parse(['a', '--', '-o', 'yaml'])).toMatchObject({ positional: ['a', '-o', 'yaml'] });
    expect(parse(['--', '-o']).values.get('format')).toBe('json');
  });

  test('a single dash is an argument', () => {
    expect(parse(['-', '-f', '-']).positional).toEqual(['-']);
  });

  test('an equals sign alone behind a shorthand is the value, as in the library', () => {
    expect(parse(['-o=']).values.get('format')).toBe('=');
  });

  test('bundled shorthands', () => {
    const table: Flag[] = [
      { name: 'all', shorthand: 'a', type: 'bool', default: false, usage: '', fromEnv: false },
      { name: 'brief', shorthand: 'b', type: 'bool', default: false, usage: '', fromEnv: false },
      { name: 'out', shorthand: 'o', type: 'string', default: '', usage: '', fromEnv: false },
    ];
    expect(Object.fromEntries(parseFlags(table, ['-aboyaml']).values)).toEqual({ all: true, brief: true, out: 'yaml' });
    expect(Object.fromEntries(parseFlags(table, ['-ab=false']).values)).toEqual({ all: true, brief: false, out: '' });
    expect(() => parseFlags(table, ['-axb'])).toThrow(new FlagError("unknown shorthand flag: 'x' in -xb"));
  });

  test('a deprecated flag is answered with a notice', () => {
    expect(parse(['--rotate']).warnings).toEqual([
      'Flag --rotate has been deprecated, please use --re-encrypt instead',
    ]);
  });

  test.for([
    [['--nope'], 'unknown flag: --nope'],
    [['--nope=1', '--raw'], 'unknown flag: --nope'],
    [['-x'], "unknown shorthand flag: 'x' in -x"],
    [['--cert'], 'flag needs an argument: --cert'],
    [['-o'], "flag needs an argument: 'o' in -o"],
    [['---raw'], 'bad flag syntax: ---raw'],
    [['--=x'], 'bad flag syntax: --=x'],
    [['--raw=maybe'], 'invalid argument "maybe" for "--raw" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
    [['-v', 'x'], 'invalid argument "x" for "-v, --v" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [
      ['-v', '99999999999'],
      'invalid argument "99999999999" for "-v, --v" flag: strconv.ParseInt: parsing "99999999999": value out of range',
    ],
    [
      ['--log_file_max_size=-1'],
      'invalid argument "-1" for "--log_file_max_size" flag: strconv.ParseUint: parsing "-1": invalid syntax',
    ],
    [
      ['--scope=all'],
      'invalid argument "all" for "--scope" flag: must be one of: strict, namespace-wide, cluster-wide',
    ],
    [
      ['--from-file=a"b'],
      'invalid argument "a\\"b" for "--from-file" flag: parse error on line 1, column 2: bare " in non-quoted field',
    ],
    [
      ['--from-file="a'],
      'invalid argument "\\"a" for "--from-file" flag: parse error on line 1, column 3: extraneous or missing " in quoted-field',
    ],
  ] as [string[], string][])('%j is refused', ([argv, message]) => {
    expect(() => parse(argv)).toThrow(new FlagError(message));
  });

  test('the first mistake counts', () => {
    expect(() => parse(['--raw=maybe', '--nope'])).toThrow(/ParseBool/);
  });

  test('-h asks for help where the table has no h', () => {
    expect(() => parse(['-h'])).toThrow(HelpRequested);
  });

  test('an unusable value of the environment is told, unless argv replaces it', () => {
    expect(parse([], [['raw', 'billing']]).environmentErrors.map(({ message }) => message)).toEqual([
      'invalid argument "billing" for environment variable SEALED_SECRETS_RAW: strconv.ParseBool: parsing "billing": invalid syntax',
    ]);
    expect(parse(['--raw=false'], [['raw', 'billing']]).environmentErrors).toEqual([]);
  });
});

describe('the list of flags', () => {
  const list = formatFlagList(kubesealFlags);

  test('is sorted, aligned, and names every flag but the deprecated one', () => {
    const names = list
      .trimEnd()
      .split('\n')
      .map((line) => /--(\S+)/.exec(line)?.[1]);
    expect(names).toEqual(
      kubesealFlags
        .filter(({ name }) => name !== 'rotate')
        .map(({ name }) => name)
        .toSorted((a, b) => (a < b ? -1 : 1)),
    );
    // The table of the specification has 54 flags without `--rotate`.
    expect(names).toHaveLength(54);
  });

  test.for([
    '  -o, --format string                       Format of the output: json or yaml. (default "json")',
    '      --as-group stringArray ',
    '      --recovery-private-key strings ',
    '  -v, --v Level ',
    '      --vmodule moduleSpec ',
    '      --stderrthreshold severity ',
    '      --log_file_max_size uint ',
    '      --allow-empty-data  ',
    '(default "kube-system")',
    '(default "sealed-secrets-controller")',
    '(default 1800)',
    '(default :0)',
    '(default strict)',
    '(default "0")',
  ])('has %j', (part) => {
    expect(list).toContain(part);
  });
});
