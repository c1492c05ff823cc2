import { templateFunctions } from '@waxwing/shared/gotemplate';
import * as pools from './pools.ts';
import type { SeededRandom } from './random.ts';

/** Random templates: mostly sensible ones, and in each something that may be wrong. */

/** A template and its data; all strings are byte strings. */
export interface GeneratedCase {
  readonly name: string;
  readonly text: string;
  readonly data: ReadonlyMap<string, string>;
  /** Node kinds and functions that stand in the text. */
  readonly uses: ReadonlySet<string>;
}

/** What a template can be made of besides functions; each has to be seen often. */
export const nodeKinds = [
  'text',
  'action',
  'if',
  'else',
  'else if',
  'with',
  'else with',
  'range',
  'range else',
  'range integer',
  'range with index',
  'range assignment',
  'break',
  'continue',
  'define',
  'template',
  'block',
  'comment',
  'trim',
  'variable',
  'assignment',
  'field',
  'chain',
  'method',
  'pipeline',
  'parentheses',
  'dot',
  'dollar',
  'nil',
  'bool',
  'string',
  'raw string',
  'integer',
  'float',
  'complex',
  'rune',
] as const;

export type NodeKind = (typeof nodeKinds)[number];

/** Functions whose result depends on time or chance, or whose order Go leaves open. */
const indeterministic = new Set([
  'now',
  'ago',
  'randAlpha',
  'randAlphaNum',
  'randNumeric',
  'randAscii',
  'randBytes',
  'randInt',
  'shuffle',
  'uuidv4',
  'bcrypt',
  'htpasswd',
  'encryptAES',
  'genPrivateKey',
  'genCA',
  'genCAWithKey',
  'genSelfSignedCert',
  'genSelfSignedCertWithKey',
  'genSignedCert',
  'genSignedCertWithKey',
  'buildCustomCert',
]);

export const deterministicFunctions: readonly string[] = [...templateFunctions.keys()].filter(
  (name) => !indeterministic.has(name),
);

/** Kinds of expressions the generator can aim at. */
type Want =
  | 'any'
  | 'string'
  | 'int'
  | 'int64'
  | 'float'
  | 'bool'
  | 'list'
  | 'dict'
  | 'time'
  | 'version'
  | 'duration'
  | 'plain';

const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const methods = {
  time: [
    'Year',
    'Month',
    'Day',
    'Weekday',
    'YearDay',
    'Hour',
    'Minute',
    'Second',
    'Nanosecond',
    'Unix',
    'UnixMilli',
    'UnixMicro',
    'UnixNano',
    'IsZero',
    'IsDST',
    'UTC',
    'Local',
    'String',
    'GoString',
    'Location',
    'ISOWeek',
    'Date',
    'MarshalText',
    'MarshalJSON',
    'Nope',
    'year',
  ],
  duration: ['Hours', 'Minutes', 'Seconds', 'Milliseconds', 'Microseconds', 'Nanoseconds', 'String', 'Abs'],
  version: [
    'Major',
    'Minor',
    'Patch',
    'Prerelease',
    'Metadata',
    'String',
    'Original',
    'IncMajor',
    'IncMinor',
    'IncPatch',
    'MarshalText',
    'Nope',
  ],
} as const;

export class TemplateGenerator {
  readonly #random: SeededRandom;
  #uses = new Set<string>();
  #variables: string[] = [];
  #data = new Map<string, string>();
  #hasInvalidBytes = false;
  #templates: string[] = [];
  #usedScrypt = false;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A case that uses the given function or node kind. */
  generate(focus: string): GeneratedCase {
    this.#uses = new Set();
    this.#variables = [];
    this.#usedScrypt = false;
    this.#hasInvalidBytes = this.#random.chance(0.2);
    this.#data = this.#makeData();
    this.#templates = [];
    let text = this.#random.chance(0.2) ? this.#definition() : '';
    const before = this.#random.chance(0.3) ? this.#node(1) : '';
    text += before + this.#focused(focus) + (this.#random.chance(0.3) ? this.#node(1) : '');
    if (this.#random.chance(0.05)) text = this.#mutated(text);
    return { name: this.#random.pick(['t', 'conf.yaml', 'a-b']), text, data: this.#data, uses: this.#uses };
  }

  #makeData(): Map<string, string> {
    const data = new Map<string, string>();
    for (const key of ['a', 'b', 'c', 'n', 'under_score', 'Upper']) {
      if (this.#random.chance(0.85)) data.set(key, this.#bytes());
    }
    data.set('num', this.#random.pick(['0', '42', '-7', '3.5', 'x']));
    data.set('list', 'x,y,z');
    data.set('json', toBytes(this.#random.pick(pools.jsonTexts)));
    data.set('bin', this.#hasInvalidBytes ? this.#invalidBytes() : 'bin');
    data.set('a-b', 'dash');
    return data;
  }

  #bytes(): string {
    if (this.#hasInvalidBytes && this.#random.chance(0.5)) return this.#invalidBytes();
    return toBytes(this.#random.pick(pools.words));
  }

  #invalidBytes(): string {
    const parts = [
      '\xff',
      '\xfe\x00',
      '\xc3',
      'a\x80b',
      '\xed\xa0\x80',
      '\xf5',
      'ok ',
      toBytes('ü'),
      '\xe2\x98',
      'x,\xff,y',
      ' \xa0 ',
      '\xc0\xaf',
    ];
    let bytes = '\xff';
    for (let i = this.#random.between(0, 3); i > 0; i--)
      bytes = this.#random.chance(0.5) ? bytes + this.#random.pick(parts) : this.#random.pick(parts) + bytes;
    return bytes;
  }

  // ---- nodes ----

  #use(kind: NodeKind): void {
    this.#uses.add(kind);
  }

  #open(): string {
    if (!this.#random.chance(0.12)) return '{{ ';
    this.#use('trim');
    return '{{- ';
  }

  #close(): string {
    if (!this.#random.chance(0.12)) return ' }}';
    this.#use('trim');
    return ' -}}';
  }

  #tag(content: string): string {
    return this.#open() + content + this.#close();
  }

  /** A node that holds what the case is about. */
  #focused(focus: string): string {
    if (templateFunctions.has(focus)) return this.#tag(this.#statement(this.#call(focus, 1)));
    return this.#nodeOfKind(focus as NodeKind, 1);
  }

  /** A pipeline as an action, a condition, or in another place where a value is looked at. */
  #statement(pipeline: string): string {
    this.#use('action');
    // What is slow is done once.
    if (this.#usedScrypt) return pipeline;
    if (this.#random.chance(0.15)) return `printf "%T %v" (${pipeline}) (${pipeline})`;
    if (this.#random.chance(0.08)) return `toJson (${pipeline})`;
    return pipeline;
  }

  #node(depth: number): string {
    const simple: NodeKind[] = ['text', 'action', 'action', 'field', 'variable', 'comment', 'pipeline', 'dot'];
    const nested: NodeKind[] = ['if', 'with', 'range', 'template', 'block', 'else', 'range else', 'range with index'];
    const kinds = depth > 3 ? simple : [...simple, ...nested];
    return this.#nodeOfKind(this.#random.pick(kinds), depth + 1);
  }

  #nodes(depth: number): string {
    let text = '';
    for (let i = this.#random.between(0, 2); i >= 0; i--) text += this.#node(depth);
    return text;
  }

  #scoped<T>(make: () => T): T {
    const count = this.#variables.length;
    const result = make();
    this.#variables.length = count;
    return result;
  }

  #nodeOfKind(kind: NodeKind, depth: number): string {
    this.#use(kind);
    switch (kind) {
      case 'text':
        return this.#text();
      case 'comment':
        if (this.#random.chance(0.04)) return '{{ /* bad */ }}';
        return this.#random.pick(['{{/* c */}}', '{{- /* a\nb */ -}}', '{{/* }} */}}', '{{/**/}}']);
      case 'trim':
        this.#use('action');
        return `${this.#text()} {{- ${this.#expression('any', depth)} -}} \n${this.#text()}`;
      case 'if':
      case 'else':
      case 'else if':
        return this.#conditional('if', kind, depth);
      case 'with':
      case 'else with':
        return this.#conditional('with', kind, depth);
      case 'range':
      case 'range else':
      case 'range integer':
      case 'range with index':
      case 'range assignment':
      case 'break':
      case 'continue':
        return this.#range(kind, depth);
      case 'define':
        return this.#definition() + this.#callTemplate(depth);
      case 'template':
        return this.#callTemplate(depth);
      case 'block':
        return this.#block(depth);
      case 'variable':
      case 'assignment':
        return this.#assignment(kind, depth);
      default:
        this.#use('action');
        return this.#tag(this.#operandOfKind(kind, depth));
    }
  }

  #text(): string {
    this.#use('text');
    const texts = ['x', ' ', '\n', 'a: b\n', '}} {', '  ü☃ ', '"', '\t- '].map(toBytes);
    return this.#hasInvalidBytes && this.#random.chance(0.3) ? '\xff\xfe' : this.#random.pick(texts);
  }

  #conditional(keyword: 'if' | 'with', kind: NodeKind, depth: number): string {
    return this.#scoped(() => {
      this.#use(keyword);
      let text =
        this.#tag(`${keyword} ${this.#declaration(depth)}${this.#expression('any', depth)}`) + this.#nodes(depth);
      if (kind === 'else if' || kind === 'else with') {
        text += this.#tag(`else ${keyword} ${this.#expression('any', depth)}`) + this.#nodes(depth);
      }
      if (kind !== keyword || this.#random.chance(0.3)) {
        this.#use('else');
        text += this.#tag('else') + this.#nodes(depth);
      }
      return text + this.#tag('end');
    });
  }

  #declaration(depth: number): string {
    if (depth > 4 || !this.#random.chance(0.15)) return '';
    this.#use('variable');
    return `${this.#newVariable()} := `;
  }

  #newVariable(): string {
    const name = `$v${this.#random.between(0, 4)}`;
    this.#variables.push(name);
    return name;
  }

  #range(kind: NodeKind, depth: number): string {
    return this.#scoped(() => {
      this.#use('range');
      let variables = '';
      if (kind === 'range with index') variables = `${this.#newVariable()}, ${this.#newVariable()} := `;
      else if (kind === 'range assignment' && this.#variables.length > 0) {
        variables = `${this.#random.pick(this.#variables)}${this.#random.chance(0.5) ? `, ${this.#random.pick(this.#variables)}` : ''} = `;
      } else if (this.#random.chance(0.3)) variables = `${this.#newVariable()} := `;
      const over =
        kind === 'range integer'
          ? this.#random.pick(['3', '0', '-2', '(len .a)', '(int64 2)', '(add 1 1)', '(index "\\x03" 0)'])
          : this.#expression(this.#random.pick(['list', 'list', 'dict', 'any', 'int']), depth);
      let body = this.#nodes(depth);
      if (kind === 'break' || kind === 'continue') {
        const condition = this.#random.pick(['.', '$', '(eq . "y")', '(eq . 1)', 'true']);
        body = `${this.#tag(`if ${condition}`)}${this.#tag(kind)}${this.#tag('end')}${body}`;
      }
      // A range over a number that an expression gives could be endless.
      const isSafe = kind === 'range integer' || isSurelyNoNumber(over);
      const safeOver = isSafe ? over : `(list (${over}))`;
      let text = this.#tag(`range ${variables}${safeOver}`) + body;
      if (kind === 'range else' || this.#random.chance(0.2)) {
        this.#use('range else');
        text += this.#tag('else') + this.#nodes(depth);
      }
      return text + this.#tag('end');
    });
  }

  #definition(): string {
    this.#use('define');
    const outer = this.#variables;
    this.#variables = [];
    const name = this.#random.pick(['one', 'two']);
    const body = this.#random.pick([
      'D{{ . }}',
      '{{ with . }}[{{ . }}]{{ end }}',
      '',
      '  ',
      '{{ $ }}|{{ .a }}',
      '{{ range toStrings . }}<{{ . }}>{{ end }}',
      this.#tag(this.#expression('any', 3)),
    ]);
    this.#variables = outer;
    this.#templates.push(name);
    return `{{ define "${name}" }}${body}{{ end }}`;
  }

  #callTemplate(depth: number): string {
    this.#use('template');
    const name =
      this.#templates.length > 0 && this.#random.chance(0.85) ? this.#random.pick(this.#templates) : 'missing';
    const literal = this.#random.chance(0.2) ? `\`${name}\`` : `"${name}"`;
    return this.#tag(`template ${literal}${this.#random.chance(0.8) ? ` ${this.#expression('any', depth + 1)}` : ''}`);
  }

  #block(depth: number): string {
    this.#use('block');
    const outer = this.#variables;
    const argument = this.#expression('any', depth + 1);
    this.#variables = [];
    const name = this.#random.pick(['blk', 'one', 'other']);
    const text = `${this.#tag(`block "${name}" ${argument}`)}${this.#random.pick(['B', '{{ . }}', '{{ $ }}'])}{{ end }}`;
    this.#variables = outer;
    return text;
  }

  #assignment(kind: 'variable' | 'assignment', depth: number): string {
    const value = this.#expression('any', depth);
    if (kind === 'assignment' || (this.#variables.length > 0 && this.#random.chance(0.3))) {
      this.#use('assignment');
      this.#use('variable');
      const declared = this.#variables.at(-1);
      const name = declared ?? this.#newVariable();
      const declaration = declared === undefined ? this.#tag(`${name} := ${this.#expression('any', depth)}`) : '';
      return `${declaration}${this.#tag(`${name} = ${value}`)}${this.#tag(name)}`;
    }
    const name = this.#newVariable();
    return this.#tag(`${name} := ${value}`) + this.#tag(name);
  }

  #operandOfKind(kind: NodeKind, depth: number): string {
    switch (kind) {
      case 'field':
        return this.#field();
      case 'chain':
        return this.#random.pick([
          '(fromJson .json).a',
          '(dict "x" (dict "y" 1)).x.y',
          `(${this.#call('dict', 2)}).a`,
          '(urlParse "https://h/p").host',
          '(split "," .list)._1',
          '(dict "x" nil).x.y',
          '(list 1).x',
        ]);
      case 'method':
        return this.#method(depth);
      case 'pipeline':
        return this.#pipeline(depth);
      case 'parentheses':
        return `(${this.#expression('any', depth)})`;
      case 'dot':
        return '.';
      case 'dollar':
        return this.#random.pick(['$', '$.a', '$.missing', '$.a.b']);
      case 'nil':
        return this.#random.pick([
          'nil',
          'print nil',
          'eq nil .missing',
          'list nil',
          '(nil)',
          'nil | print',
          'default "x" nil',
        ]);
      case 'bool':
        return this.#random.pick(['true', 'false', 'not true', 'true | ternary 1 2']);
      case 'string':
        return this.#literal(this.#random.pick(pools.words));
      case 'raw string':
        return `\`${toBytes(this.#random.pick(['', 'raw \\n "x"', 'a\nb', 'ü']))}\``;
      case 'integer':
        return this.#random.pick([...pools.integers, ...pools.hugeIntegers, '18446744073709551615', '08', '1__0']);
      case 'float':
        return this.#random.pick([...pools.floats, '1e400', '1.2.3', '.5', '5.', '0x1.8p1']);
      case 'complex':
        return this.#random.pick(pools.complexes);
      case 'rune':
        return this.#random.pick([
          "'a'",
          "'\\n'",
          "'\\u00e9'",
          "'\\''",
          "'\"'",
          "'\\xff'",
          "''",
          toBytes("'☃'"),
          "'ab'",
        ]);
      default:
        return this.#expression('any', depth);
    }
  }

  #field(): string {
    this.#use('field');
    const keys = ['a', 'b', 'c', 'n', 'num', 'list', 'json', 'bin', 'missing', 'under_score', 'Upper'];
    const field = `.${this.#random.pick(keys)}`;
    return this.#random.chance(0.05) ? `${field}.deep` : field;
  }

  #pipeline(depth: number): string {
    this.#use('pipeline');
    const stages = [
      'quote',
      'upper',
      'trim',
      'toString',
      'toJson',
      'len',
      'b64enc',
      'print',
      'printf "%v"',
      'default "d"',
      'list',
      'not',
      'title',
      'html',
      'nindent 2',
      'toStrings',
      'first',
      'kindOf',
      'int',
      'add 1',
      'trunc 3',
      '.a',
      'and 1',
    ];
    let text = this.#expression('any', depth + 1);
    for (let i = this.#random.between(1, 3); i > 0; i--) {
      const stage = this.#random.pick(stages);
      this.#uses.add(stage.split(' ')[0] ?? '');
      text += ` | ${stage}`;
    }
    return text;
  }

  #method(depth: number): string {
    this.#use('method');
    this.#use('chain');
    const kind = this.#random.pick(['time', 'time', 'duration', 'version'] as const);
    const receiver = `(${this.#unparenthesised(kind, depth)})`;
    if (this.#random.chance(0.6)) return `${receiver}.${this.#random.pick(methods[kind])}`;
    const time = `(${this.#unparenthesised('time', depth + 1)})`;
    const version = `(${this.#unparenthesised('version', depth + 1)})`;
    const withArguments = {
      time: [
        `Format ${this.#literal(this.#random.pick(pools.layouts))}`,
        `AddDate ${this.#random.pick(pools.smallCounts)} ${this.#random.pick(pools.smallCounts)} ${this.#random.pick(pools.smallCounts)}`,
        `Sub ${time}`,
        `After ${time}`,
        `Before ${time}`,
        `Equal ${time}`,
        `Compare ${time}`,
        `Add ${this.#random.pick(pools.integers)}`,
        'Truncate 3600000000000',
        'Round 60000000000',
        `In ${time}.Location`,
        'Format 1',
      ],
      duration: ['Round 60000000000', 'Truncate 7000', 'Round -1', 'Nope'],
      version: [
        `Compare ${version}`,
        `LessThan ${version}`,
        `GreaterThan ${version}`,
        `Equal ${version}`,
        `LessThanEqual ${version}`,
        `GreaterThanEqual ${version}`,
        'SetPrerelease "rc.1"',
        'SetMetadata "m"',
        'SetPrerelease "0é"',
        'Equal nil',
        'Compare nil',
      ],
    };
    return `${receiver}.${this.#random.pick(withArguments[kind])}`;
  }

  // ---- expressions ----

  /** A literal of a text (not of bytes) in double quotes. */
  #literal(text: string): string {
    this.#use('string');
    let body = '';
    for (const character of text) {
      if (character === '"' || character === '\\') body += `\\${character}`;
      else if (character === '\n') body += '\\n';
      else if (character < ' ') body += `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
      else body += toBytes(character);
    }
    if (this.#hasInvalidBytes && this.#random.chance(0.15))
      body += this.#random.pick(['\\xff', '\xff', '\\377', '\xe2\x98']);
    return `"${body}"`;
  }

  /** An operand: parenthesised where it has to be. */
  #operand(want: Want, depth: number): string {
    const text = this.#unparenthesised(want, depth);
    if (!text.includes(' ') || /^"([^"\\]|\\.)*"$/s.test(text)) return text;
    this.#use('parentheses');
    return `(${text})`;
  }

  #expression(want: Want, depth: number): string {
    if (depth <= 3 && this.#random.chance(0.12)) return this.#pipeline(depth + 1);
    return this.#operand(want, depth);
  }

  #unparenthesised(want: Want, depth: number): string {
    if (depth <= 3 && this.#random.chance(want === 'any' ? 0.35 : 0.2)) {
      const call = this.#callFor(want, depth);
      if (call !== undefined) return call;
    }
    const random = this.#random;
    switch (want) {
      case 'string':
        if (random.chance(0.45)) return this.#field();
        return this.#literal(random.pick(pools.words));
      case 'int':
        return random.chance(0.1) ? random.pick(pools.hugeIntegers) : random.pick(pools.integers);
      case 'int64':
        return `int64 ${random.pick(pools.integers)}`;
      case 'float':
        return random.pick(pools.floats);
      case 'bool':
        return random.pick(['true', 'false']);
      case 'list':
        return this.#list(depth);
      case 'dict':
        return this.#dict(depth);
      case 'time':
        return random.pick([
          'toDate "2006-01-02" "2020-02-29"',
          'toDate "2006-01-02 15:04:05.000" "1999-12-31 23:59:59.750"',
          `toDate "2006-01-02T15:04:05Z07:00" "${random.pick(['2021-06-01T10:00:00Z', '2021-06-01T10:00:00+02:00', '1969-07-20T20:17:40-04:00'])}"`,
          'toDate "x" "y"',
          `dateModify ${this.#literal(random.pick(pools.durations))} (toDate "2006" "2024")`,
        ]);
      case 'version':
        return `semver ${this.#literal(random.pick(pools.versions))}`;
      case 'duration':
        return `(toDate "2006" "2021").Sub (toDate "2006-01-02 15:04:05.000" "${random.pick(['2020-12-31 22:30:15.250', '2021-01-01 00:00:00.000', '2021-06-01 00:00:00.001', '2020-12-31 23:59:59.999'])}")`;
      case 'plain':
        return this.#operand(
          random.pick(['string', 'string', 'int', 'int64', 'float', 'bool', 'list', 'dict']),
          depth + 1,
        );
      case 'any':
        break;
    }
    if (random.chance(0.12)) return random.pick(['.', '$', '.missing', 'nil', '1i', "'x'", ...this.#variables]);
    return this.#unparenthesised(
      random.pick(['string', 'string', 'int', 'int64', 'float', 'bool', 'list', 'dict', 'time', 'version', 'duration']),
      depth + 1,
    );
  }

  #list(depth: number): string {
    const random = this.#random;
    if (depth > 4 || random.chance(0.3)) {
      return random.pick([
        'splitList "," .list',
        'until 4',
        'list',
        'splitList "" "abc"',
        'toStrings (list nil "b" "a")',
        'regexFindAll "[a-z]" "abc" -1',
        'fromJson "[3,1,2]"',
        'chunk 2 (until 5)',
        'rest (list 1)',
        'concat (list 1) (list 2)',
        'compact (list 0 1 "")',
        'list "b" "a" "c" "b"',
      ]);
    }
    this.#uses.add('list');
    return `list${this.#many('any', depth + 1, 0, 4)}`;
  }

  #dict(depth: number): string {
    const random = this.#random;
    if (depth > 4 || random.chance(0.2))
      return random.pick([
        'fromJson "{\\"a\\":1,\\"b\\":{\\"c\\":[1]}}"',
        'dict',
        'urlParse "http://u:p@h/p?q#f"',
        'split "," .list',
        '.',
      ]);
    this.#uses.add('dict');
    let text = 'dict';
    for (let i = random.between(0, 3); i > 0; i--) {
      text += ` ${this.#literal(random.pick(pools.dictKeys))} ${this.#operand(random.chance(0.3) ? 'dict' : 'any', depth + 2)}`;
    }
    return text;
  }

  #many(want: Want, depth: number, low: number, high: number): string {
    let text = '';
    for (let i = this.#random.between(low, high); i > 0; i--) text += ` ${this.#operand(want, depth)}`;
    return text;
  }

  /** A call whose result is probably of the wanted kind. */
  #callFor(want: Want, depth: number): string | undefined {
    const makers: Partial<Record<Want, readonly string[]>> = {
      string: [
        'upper',
        'lower',
        'trim',
        'quote',
        'print',
        'printf',
        'toString',
        'join',
        'replace',
        'b64enc',
        'trunc',
        'toJson',
        'repeat',
        'indent',
        'substr',
        'title',
        'cat',
        'regexReplaceAll',
        'sha256sum',
        'date',
        'camelcase',
        'ternary',
      ],
      int: ['len', 'int', 'atoi'],
      int64: ['add', 'sub', 'mul', 'div', 'mod', 'max', 'min', 'int64', 'add1', 'toDecimal'],
      float: ['addf', 'subf', 'mulf', 'divf', 'float64', 'round', 'floor', 'ceil', 'maxf'],
      bool: [
        'eq',
        'ne',
        'lt',
        'not',
        'and',
        'or',
        'contains',
        'hasPrefix',
        'hasKey',
        'has',
        'empty',
        'all',
        'any',
        'typeIs',
        'regexMatch',
        'deepEqual',
      ],
      list: [
        'append',
        'prepend',
        'reverse',
        'uniq',
        'without',
        'slice',
        'initial',
        'rest',
        'compact',
        'concat',
        'splitList',
        'until',
        'sortAlpha',
        'pluck',
        'regexFindAll',
        'regexSplit',
        'toStrings',
        'chunk',
      ],
      dict: ['set', 'unset', 'merge', 'mergeOverwrite', 'pick', 'omit', 'deepCopy'],
      plain: ['add', 'upper', 'list', 'len', 'eq', 'dict'],
      any: [
        'default',
        'coalesce',
        'ternary',
        'first',
        'last',
        'index',
        'get',
        'fromJson',
        'dig',
        'and',
        'or',
        'slice',
        'deepCopy',
        'printf',
      ],
    };
    const names = makers[want];
    return names === undefined ? undefined : this.#call(this.#random.pick(names), depth + 1);
  }

  /** A call of a function with arguments that fit it, most of the time. */
  #call(name: string, depth: number): string {
    this.#uses.add(name);
    if (name === 'derivePassword') {
      // Slow on both sides: one per template.
      if (this.#usedScrypt) return `sha1sum ${this.#operand('string', depth)}`;
      this.#usedScrypt = true;
    }
    const args = this.#argumentsOf(name, depth);
    if (this.#random.chance(0.025) && args.length > 0) args.pop();
    else if (this.#random.chance(0.02)) args.push(this.#operand('any', depth + 1));
    if (args.length > 1 && this.#random.chance(0.12)) {
      this.#use('pipeline');
      const last = args.pop();
      return `${last} | ${[name, ...args].join(' ')}`;
    }
    return [name, ...args].join(' ');
  }

  #argumentsOf(name: string, depth: number): string[] {
    const fitting = this.#fittingArguments(name, depth) ?? this.#typedArguments(name, depth);
    // Arguments that must stay as they are: a date of another type would be the time of day, a huge count would fill the memory.
    if (/date|Date|repeat|indent|until|seq|keys|values|durationRound|wrap|derivePassword|printf/.test(name))
      return fitting;
    return fitting.map((argument) => (this.#random.chance(0.04) ? this.#operand('any', depth + 1) : argument));
  }

  #typedArguments(name: string, depth: number): string[] {
    const fn = templateFunctions.get(name);
    if (fn === undefined) return [];
    const args = fn.parameters.map(({ name: type }) => this.#operand(wantFor(type), depth + 1));
    if (fn.variadic !== undefined) {
      const want = wantFor(fn.variadic.name);
      for (let i = this.#random.between(0, 3); i > 0; i--) args.push(this.#operand(want, depth + 1));
    }
    return args;
  }

  #from(pool: readonly string[]): string {
    return this.#literal(this.#random.pick(pool));
  }

  /** Arguments for functions whose parameters mean something special; `undefined` for the others. */
  #fittingArguments(name: string, depth: number): string[] | undefined {
    const random = this.#random;
    const string = (): string => this.#operand('string', depth + 1);
    const number = (): string => this.#operand(random.pick(['int', 'int64', 'float', 'string', 'any']), depth + 1);
    const count = (): string => random.pick(pools.smallCounts);
    const bare = name.replace(/^must(?=[A-Z])/, '').replace(/^[A-Z]/, (letter) => letter.toLowerCase());
    switch (bare) {
      case 'printf':
        return this.#formatArguments();
      case 'regexMatch':
      case 'regexFind':
        return [this.#from(pools.patterns), string()];
      case 'regexFindAll':
      case 'regexSplit':
        return [this.#from(pools.patterns), string(), random.pick(['-1', '0', '1', '2', '5'])];
      case 'regexReplaceAll':
      case 'regexReplaceAllLiteral':
        return [this.#from(pools.patterns), string(), this.#from(pools.replacements)];
      case 'semver':
        return [this.#from(pools.versions)];
      case 'semverCompare':
        return [this.#from(pools.constraints), this.#from(pools.versions)];
      case 'date':
        return [this.#from(pools.layouts), this.#dateValue(depth)];
      case 'dateInZone':
      case 'date_in_zone':
        return [this.#from(pools.layouts), this.#recentDate(), this.#from(pools.zones)];
      case 'htmlDate':
        return [this.#dateValue(depth)];
      case 'htmlDateInZone':
        return [this.#recentDate(), this.#from(pools.zones)];
      case 'toDate':
        return this.#layoutAndText();
      case 'dateModify':
      case 'date_modify':
      case 'must_date_modify':
        return [this.#from(pools.durations), random.chance(0.9) ? this.#operand('time', 5) : string()];
      case 'unixEpoch':
        return [random.chance(0.9) ? this.#operand('time', depth + 1) : '1'];
      case 'duration':
        return [
          random.chance(0.7)
            ? this.#from(['95', '0', 'x', '86400', '-5', '9223372037', ''])
            : this.#operand('any', depth + 1),
        ];
      case 'durationRound':
        return [
          random.chance(0.7)
            ? this.#from(pools.durations)
            : random.pick(['(int64 7200000000001)', '5', 'true', '(list)']),
        ];
      case 'urlParse':
        return [this.#from(pools.urls)];
      case 'urlJoin':
        return [
          random.chance(0.5)
            ? `(urlParse ${this.#from(pools.urls)})`
            : `(dict "scheme" ${random.pick(['"http"', '""', '1'])} "host" "h:1" "path" ${string()} "userinfo" ${random.pick(['"u:p"', '"u@x"', '""', '"a/b"'])} "query" "q=1" "fragment" ${string()})`,
        ];
      case 'b64dec':
        return [random.chance(0.8) ? this.#from(pools.base64Texts) : string()];
      case 'b32dec':
        return [random.chance(0.8) ? this.#from(pools.base32Texts) : string()];
      case 'fromJson':
        return [random.chance(0.8) ? this.#from(pools.jsonTexts) : string()];
      case 'base':
      case 'dir':
      case 'clean':
      case 'ext':
      case 'isAbs':
      case 'osBase':
      case 'osDir':
      case 'osClean':
      case 'osExt':
      case 'osIsAbs':
        return [this.#from(pools.paths)];
      case 'typeIs':
      case 'typeIsLike':
        return [this.#from(pools.typeNames), this.#operand('any', depth + 1)];
      case 'kindIs':
        return [this.#from(pools.kindNames), this.#operand('any', depth + 1)];
      case 'derivePassword':
        return [
          random.pick(['1', '7', '4294967295', '-1', '4294967296']),
          this.#from(pools.passwordTypes),
          string(),
          string(),
          string(),
        ];
      case 'decryptAES':
        return [this.#from(['k', 'secretkey', '']), this.#from(pools.ciphertexts)];
      case 'repeat':
      case 'indent':
      case 'nindent':
        return [count(), string()];
      case 'until':
        return [count()];
      case 'untilStep':
        return [count(), count(), count()];
      case 'seq':
        return Array.from({ length: random.between(0, 4) }, count);
      case 'wrap':
        return [count(), string()];
      case 'wrapWith':
        return [count(), this.#from(['', '|', '\n', '--']), string()];
      case 'round':
        return [number(), count(), ...(random.chance(0.3) ? [random.pick(['0.1', '0.9', '1', '0.5'])] : [])];
      case 'keys':
      case 'values':
        return [random.pick(['(dict "only" 1)', '(dict)', '(dict "k" (list 1))', '(fromJson "{\\"a\\":[]}")'])];
      case 'dict':
        return this.#dict(depth).split(' ').length > 1
          ? [this.#dict(depth).slice(5)].filter((text) => text !== '')
          : [];
      case 'get':
      case 'hasKey':
      case 'unset':
        return [this.#operand('dict', depth + 1), this.#from(pools.dictKeys)];
      case 'set':
        return [this.#operand('dict', depth + 1), this.#from(pools.dictKeys), this.#operand('plain', depth + 1)];
      case 'pick':
      case 'omit':
        return [this.#operand('dict', depth + 1), this.#from(pools.dictKeys), this.#from(pools.dictKeys)];
      case 'pluck':
        return [this.#from(pools.dictKeys), this.#operand('dict', depth + 1), this.#operand('dict', depth + 1)];
      case 'dig':
        return random.chance(0.7)
          ? [this.#from(pools.dictKeys), this.#from(pools.dictKeys), '"d"', this.#operand('dict', depth + 1)]
          : [this.#from(pools.dictKeys), this.#operand('any', depth + 1), this.#operand('dict', depth + 1)];
      case 'merge':
      case 'mergeOverwrite':
        return Array.from({ length: random.between(1, 3) }, () => this.#operand('dict', depth + 1));
      case 'append':
      case 'push':
      case 'prepend':
        return [this.#operand('list', depth + 1), this.#operand('any', depth + 1)];
      case 'first':
      case 'last':
      case 'rest':
      case 'initial':
      case 'reverse':
      case 'uniq':
      case 'compact':
      case 'sortAlpha':
      case 'toStrings':
        return [this.#operand('list', depth + 1)];
      case 'without':
        return [this.#operand('list', depth + 1), this.#operand('any', depth + 1), this.#operand('plain', depth + 1)];
      case 'has':
        return [this.#operand('plain', depth + 1), this.#operand('list', depth + 1)];
      case 'slice':
        return [
          this.#operand('list', depth + 1),
          ...Array.from({ length: random.between(0, 2) }, () => (random.chance(0.8) ? count() : number())),
        ];
      case 'chunk':
        return [count(), this.#operand('list', depth + 1)];
      case 'concat':
        return Array.from({ length: random.between(0, 3) }, () => this.#operand('list', depth + 1));
      case 'join':
        return [this.#from([',', '', '-', ' ']), this.#operand('list', depth + 1)];
      case 'index':
        return random.chance(0.5)
          ? [this.#operand('list', depth + 1), count()]
          : random.chance(0.5)
            ? [this.#operand('dict', depth + 1), this.#from(pools.dictKeys)]
            : ['.', this.#from(['a', 'a-b', 'missing', 'list'])];
      case 'eq':
      case 'ne':
      case 'lt':
      case 'le':
      case 'gt':
      case 'ge':
        return this.#comparison(bare, depth);
      case 'ternary':
        return [this.#operand('any', depth + 1), this.#operand('any', depth + 1), this.#operand('bool', depth + 1)];
      case 'split':
      case 'splitList':
        return [this.#from([',', '', ' ', 'a', '/']), string()];
      case 'splitn':
        return [this.#from([',', '', ' ', '/']), count(), string()];
      case 'replace':
        return [this.#from(['a', '', ' ', 'o', '☃']), this.#from(['', 'X', 'oo']), string()];
      case 'trimAll':
      case 'trimall':
      case 'trimPrefix':
      case 'trimSuffix':
      case 'contains':
      case 'hasPrefix':
      case 'hasSuffix':
        return [this.#from(['a', ' ', '', 'x', 'he', 'ü', 'ld', '"', '\n']), string()];
      case 'substr':
        return [count(), random.chance(0.8) ? random.pick(['1', '3', '5', '-1', '100']) : count(), string()];
      case 'abbrev':
        return [random.pick(['3', '4', '5', '7', '10', '20']), string()];
      case 'abbrevboth':
        return [
          random.pick(['0', '1', '4', '5', '8', '30', '-2']),
          random.pick(['3', '5', '7', '9', '12', '20']),
          string(),
        ];
      case 'plural':
        return ['"one"', '"many"', random.chance(0.8) ? count() : '(len .a)'];
      case 'toDecimal':
        return [random.pick(['"777"', '"0644"', '"8"', '755', '(int64 10)', '""', '"-17"'])];
      case 'atoi':
        return [
          this.#from(['42', '-1', '0x10', '1_0', '', 'x', '99999999999999999999', '+5', '-99999999999999999999']),
        ];
      case 'add1':
      case 'add1f':
      case 'int':
      case 'int64':
      case 'float64':
      case 'ceil':
      case 'floor':
        return [number()];
      case 'add':
      case 'addf':
      case 'mul':
      case 'mulf':
      case 'subf':
      case 'divf':
      case 'max':
      case 'biggest':
      case 'maxf':
      case 'min':
      case 'minf':
        return Array.from({ length: random.between(1, 3) }, number);
      case 'sub':
      case 'div':
      case 'mod':
        return [number(), number()];
      default:
        return undefined;
    }
  }

  #comparison(name: string, depth: number): string[] {
    const kind = this.#random.pick(['string', 'int', 'int64', 'float', 'bool', 'any', 'time', 'version'] as const);
    const other = this.#random.chance(0.8) ? kind : 'any';
    const extra = name === 'eq' && this.#random.chance(0.3) ? [this.#operand(other, depth + 1)] : [];
    return [this.#operand(kind, depth + 1), this.#operand(other, depth + 1), ...extra];
  }

  /** Moments that do not depend on the time of day. */
  #dateValue(depth: number): string {
    return this.#random.chance(0.5)
      ? this.#random.pick(['0', '1700000000', '951782400', '(int64 86399)', '1593561600', '-1', '1609459200'])
      : this.#operand('time', depth + 4);
  }

  /** Moments since 1970: about older ones the time zone databases of two programs need not agree. */
  #recentDate(): string {
    return this.#random.pick([
      '0',
      '1700000000',
      '951782400',
      '(int64 86399)',
      '1593561600',
      '1609459200',
      '(toDate "2006-01-02" "2020-02-29")',
      '(toDate "2006-01-02 15:04:05.000" "1999-12-31 23:59:59.750")',
      '(toDate "2006-01-02T15:04:05Z07:00" "2021-06-01T10:00:00+02:00")',
    ]);
  }

  #layoutAndText(): string[] {
    const index = this.#random.between(0, pools.layouts.length - 1);
    const layout = pools.layouts[index] ?? '';
    // A text that fits: a date written after the layout.
    if (this.#random.chance(0.5))
      return [
        this.#literal(layout),
        `(date ${this.#literal(layout)} ${this.#random.pick(['0', '1700000000', '951782400', '(int64 86399)'])})`,
      ];
    return [this.#literal(layout), this.#from(pools.dateTexts)];
  }

  #formatArguments(): string[] {
    const random = this.#random;
    // Indexes give values to verbs they are not meant for, and dates print addresses under some.
    const isReordered = random.chance(0.1);
    let format = '';
    const args: string[] = [];
    for (let i = random.between(1, 3); i > 0; i--) {
      const flags = random.chance(0.4) ? random.pick(['+', '-', '#', ' ', '0', '+0', '# ', '-#', '+#', '0-']) : '';
      const width = random.chance(0.3) ? random.pick(['1', '5', '10', '20', '*', '03']) : '';
      const precision = random.chance(0.25) ? random.pick(['.', '.0', '.1', '.3', '.10', '.*']) : '';
      const index = isReordered && random.chance(0.5) ? random.pick(['[1]', '[2]', '[9]', '[x]', '[']) : '';
      for (const star of (width + precision).match(/\*/g) ?? [])
        args.push(star === '*' ? random.pick(['5', '-7', '3', '"x"', '0']) : '');
      const verb = random.pick([...'vvvsdqxXtTcUeEfFgGboO%!z', 'v', 'w']);
      format += `${random.pick(['', 'a', ' ', '|'])}%${flags}${index}${width}${precision}${verb}`;
      // Pointers print as addresses, which are never the same.
      if (verb !== '%')
        args.push(
          this.#operand(
            'vsTq'.includes(verb) && !flags.includes('#') && !isReordered
              ? random.pick(['plain', 'plain', 'time', 'duration'])
              : this.#scalarWant(),
            5,
          ),
        );
    }
    if (random.chance(0.08)) args.pop();
    if (random.chance(0.08)) args.push('1');
    if (random.chance(0.03)) format += '%';
    return [this.#literal(format), ...args];
  }

  #scalarWant(): Want {
    return this.#random.pick(['string', 'int', 'int64', 'float', 'bool', 'plain']);
  }

  /** The text with something deleted, doubled or put in. */
  #mutated(text: string): string {
    const at = this.#random.between(0, text.length);
    const length = this.#random.between(1, 4);
    switch (this.#random.between(0, 2)) {
      case 0:
        return text.slice(0, at) + text.slice(at + length);
      case 1:
        return text.slice(0, at) + text.slice(at, at + length) + text.slice(at);
      default:
        return (
          text.slice(0, at) +
          this.#random.pick([
            '{{',
            '}}',
            '(',
            ')',
            '|',
            '"',
            '.',
            '$',
            ' ',
            '-',
            '{{ end }}',
            '{{ else }}',
            '0x',
            '\xff',
            ':=',
            'nil',
            '\\',
          ]) +
          text.slice(at)
        );
    }
  }
}

/** Whether an expression gives a list or a dict, or fails. */
function isSurelyNoNumber(expression: string): boolean {
  if (expression === '$') return true;
  const makers =
    /^\(?(list|splitList|until|toStrings|regexFindAll|fromJson|chunk|rest|concat|compact|dict|urlParse|split|tuple)\b/;
  return makers.test(expression) && !expression.includes('|');
}

function wantFor(type: string): Want {
  switch (type) {
    case 'string':
    case 'int':
    case 'bool':
      return type;
    case 'float64':
      return 'float';
    case 'map[string]interface {}':
      return 'dict';
    case '[]interface {}':
      return 'list';
    case 'time.Time':
      return 'time';
    default:
      return 'any';
  }
}
