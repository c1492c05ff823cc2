import type { Command, Option } from 'commander';

export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;
export type Shell = (typeof shells)[number];

interface CommandWords {
  /** The command as typed after the program, such as `keys list`; empty for the program itself. */
  readonly path: string;
  readonly summary: string;
  readonly subcommands: readonly string[];
  /** Values of arguments that take only these. */
  readonly argumentChoices: readonly string[];
  readonly options: readonly {
    readonly flag: string;
    /** The one-letter spelling, where there is one. */
    readonly short: string | undefined;
    readonly takesValue: boolean;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
}

/** The completion script of a shell, made from the commands themselves so that it cannot be out of date. */
export function completionScript(program: Command, shell: Shell): string {
  const words = collect(program, '');
  switch (shell) {
    case 'bash':
      return bashScript(words);
    case 'zsh':
      return zshScript(words);
    case 'fish':
      return fishScript(words);
    case 'powershell':
      return powershellScript(words);
  }
}

function collect(command: Command, path: string): CommandWords[] {
  const own: CommandWords = {
    path,
    summary: command.summary() || command.description(),
    subcommands: command.commands.map((child) => child.name()),
    argumentChoices: command.registeredArguments.flatMap((argument) => argument.argChoices ?? []),
    options: command.options.filter((option) => !option.hidden).map(wordsOfOption),
  };
  return [own, ...command.commands.flatMap((child) => collect(child, `${path} ${child.name()}`.trim()))];
}

function wordsOfOption(option: Option): CommandWords['options'][number] {
  return {
    flag: option.long ?? option.short ?? '',
    short: option.short,
    takesValue: option.required,
    description: option.description,
    choices: option.argChoices ?? [],
  };
}

/** Lists of words per command, and of values per option with choices; files for everything else. */
function bashScript(words: readonly CommandWords[]): string {
  const globals = words[0]?.options.map(({ flag }) => flag) ?? [];
  const cases = words.map(({ path, subcommands, argumentChoices, options }) => {
    const all = [...subcommands, ...argumentChoices, ...options.map(({ flag }) => flag), ...globals];
    return `    '${path}') words='${[...new Set(all)].join(' ')}' ;;`;
  });
  const choices = new Map(
    words.flatMap(({ options }) =>
      options
        .filter(({ choices }) => choices.length > 0)
        .map(({ flag, short, choices }) => [short === undefined ? flag : `${flag}|${short}`, choices]),
    ),
  );
  const values = Array.from(
    choices,
    ([flag, list]) => `    ${flag}) COMPREPLY=($(compgen -W '${list.join(' ')}' -- "$current")); return ;;`,
  );
  const names = words.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return `_waxwing() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command='' words='' word candidate
  # bash splits --option=value into three words.
  if [[ "$current" == = ]]; then current=''
  elif [[ "$previous" == = ]]; then previous="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    candidate="\${command:+$command }$word"
    case " ${names.join(' ').replaceAll("'", '|')} " in *"|$candidate|"*) command="$candidate" ;; esac
  done
  case "$previous" in
${values.join('\n')}
  esac
  case "$command" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* || ( -z "$command" && COMP_CWORD -eq 1 ) ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _waxwing waxwing
`;
}

/** As `'name:what it does'`, in which a colon of the name would end it. */
function zshEntry(name: string, description: string): string {
  const text = name.replaceAll(':', '\\:') + (description === '' ? '' : `:${description}`);
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Sourced it registers itself; as a file `_waxwing` on the `fpath` it is the function that completes. */
function zshScript(words: readonly CommandWords[]): string {
  const globals = words[0]?.options ?? [];
  const summaries = new Map(words.map(({ path, summary }) => [path, summary]));
  const cases = words.map(({ path, subcommands, argumentChoices, options }) => {
    const commands = subcommands.map((name) => zshEntry(name, summaries.get(`${path} ${name}`.trim()) ?? ''));
    const own = path === '' ? options : [...options, ...globals];
    const flags = own.map(({ flag, description }) => zshEntry(flag, description));
    return `    '${path}')
      commands=(${[...commands, ...argumentChoices.map((choice) => zshEntry(choice, ''))].join(' ')})
      options=(${flags.join(' ')}) ;;`;
  });
  const values = words.flatMap(({ options }) =>
    options.flatMap(({ flag, short, choices }) => {
      const spellings = [flag, ...(short === undefined ? [] : [short])].join('|');
      return choices.length === 0 ? [] : [`    ${spellings}) compadd -- ${choices.join(' ')}; return ;;`];
    }),
  );
  const names = words.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return `#compdef waxwing
_waxwing() {
  local command='' word candidate current="\${words[CURRENT]}" previous="\${words[CURRENT-1]}"
  local -a commands options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    candidate="\${command:+$command }$word"
    case "$candidate" in ${names.join('|')}) command="$candidate" ;; esac
  done
  if [[ "$current" == --*=* ]]; then
    previous="\${current%%=*}"
    compset -P '*='
  fi
  case "$previous" in
${[...new Set(values)].join('\n')}
  esac
  case "$command" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    _describe -o option options
    return
  fi
  if (( $#commands )); then _describe command commands; else _files; fi
}
if [[ "\${funcstack[1]}" == _waxwing ]]; then _waxwing "$@"; else compdef _waxwing waxwing; fi
`;
}

function quoteFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function fishSpellings({ flag, short }: CommandWords['options'][number]): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(flag.startsWith('--') ? [`-l ${flag.slice(2)}`] : []),
  ].join(' ');
}

/** Without `-r` fish offers commands and options where a value is due. */
function fishValues({ takesValue, choices }: CommandWords['options'][number]): string {
  if (choices.length > 0) return ` -xa ${quoteFish(choices.join(' '))}`;
  return takesValue ? ' -r' : '';
}

function fishScript(words: readonly CommandWords[]): string {
  const lines: string[] = [];
  const top = words[0]?.subcommands ?? [];
  for (const { path, summary, argumentChoices, options } of words) {
    const [first = '', second] = path.split(' ');
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : `__fish_seen_subcommand_from ${first}${second === undefined ? '' : `; and __fish_seen_subcommand_from ${second}`}`;
    if (path !== '') {
      const parent = second === undefined ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${first}`;
      lines.push(`complete -c waxwing -n ${quoteFish(parent)} -a ${second ?? first} -d ${quoteFish(summary)}`);
    }
    if (argumentChoices.length > 0) {
      lines.push(`complete -c waxwing -n ${quoteFish(condition)} -xa ${quoteFish(argumentChoices.join(' '))}`);
    }
    const scope = path === '' ? '' : ` -n ${quoteFish(condition)}`;
    for (const option of options) {
      lines.push(
        `complete -c waxwing${scope} ${fishSpellings(option)} -d ${quoteFish(option.description)}${fishValues(option)}`,
      );
    }
  }
  return `# ${top.length} commands\n${lines.join('\n')}\n`;
}

function quotePowershell(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function powershellScript(words: readonly CommandWords[]): string {
  const globals = words[0]?.options.map(({ flag }) => flag) ?? [];
  const entries = words.map(({ path, subcommands, argumentChoices, options }) => {
    const all = new Set([...subcommands, ...argumentChoices, ...options.map(({ flag }) => flag), ...globals]);
    return `    ${quotePowershell(path)} = @(${Array.from(all, quotePowershell).join(', ')})`;
  });
  return `Register-ArgumentCompleter -Native -CommandName waxwing -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${entries.join('\n')}
  }
  $command = ''
  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
    $candidate = ("$command " + $element.ToString()).Trim()
    if ($words.ContainsKey($candidate)) { $command = $candidate }
  }
  $words[$command] | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterName', $_)
  }
}
`;
}
