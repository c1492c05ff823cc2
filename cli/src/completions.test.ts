import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWorkplace, type Workplace } from './testing/workplace.ts';

let place: Workplace;
beforeEach(() => {
  place = createWorkplace();
});
afterEach(() => place.dispose());

const script = async (shell: string) => (await place.run(['completion', shell])).stdout;

/** What bash offers for a line, the cursor at its end. */
async function completed(...words: string[]): Promise<string[]> {
  place.write('waxwing.bash', await script('bash'));
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const program = `set -u
source ./waxwing.bash
COMP_WORDS=(waxwing ${quoted}) COMP_CWORD=${words.length} COMPREPLY=()
_waxwing
printf '%s\\n' "\${COMPREPLY[@]:-}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', program], {
    cwd: place.folder,
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim().split('\n').sort();
}

describe('bash', () => {
  test('offers commands, and those that begin so', async () => {
    expect(await completed('')).toEqual(expect.arrayContaining(['seal', 'raw', 'keys', 'completion', '--json']));
    expect(await completed('ver')).toEqual(['verify']);
    expect(await completed('keys', 'ex')).toEqual(['export']);
  });

  test('offers the options of the command, the global ones too', async () => {
    expect(await completed('seal', '--s')).toEqual(['--scope']);
    expect(await completed('seal', 'x.yaml', '--q')).toEqual(['--quiet']);
    expect(await completed('keys', 'export', '--pass')).toEqual(['--passphrase', '--passphrase-file']);
    expect(await completed('lint', '--scope')).toEqual(['']);
  });

  test('offers the values of options and arguments', async () => {
    const scopes = ['cluster-wide', 'namespace-wide', 'strict'];
    expect(await completed('seal', '--scope', '')).toEqual(scopes);
    expect(await completed('seal', '--scope', '=', 'n')).toEqual(['namespace-wide']);
    expect(await completed('seal', '--scope', '=')).toEqual(scopes);
    expect(await completed('seal', '-o', 'y')).toEqual(['yaml']);
    expect(await completed('completion', 'f')).toEqual(['fish']);
  });

  test('offers files elsewhere', async () => {
    place.write('secret.yaml', '');
    expect(await completed('seal', 'sec')).toEqual(['secret.yaml']);
    expect(await completed('seal', '--cert', 'sec')).toEqual(['secret.yaml']);
  });
});

/** Shells that not every machine has; CI has them. */
function isThere(shell: string): boolean {
  const there = spawnSync(shell, ['--version']).error === undefined;
  if (!there && process.env['CI'] === 'true') throw new Error(`${shell} is not installed`);
  return there;
}

function runShell(shell: string, args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync(shell, args, { cwd: place.folder, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe.skipIf(!isThere('zsh'))('zsh', () => {
  /** What the function hands to zsh's line editor for a line, the cursor at its end; zsh itself then leaves out what does not fit. */
  async function handedOver(...words: string[]): Promise<string[]> {
    place.write('_waxwing', await script('zsh'));
    const editor = `compdef() { registered="$*" }
compadd() { shift; print -l -- "$@" }
compset() { true }
_describe() { local name="\${@[-1]}"; print -l -- "\${(@P)name}" }
_files() { print FILES }
source ./_waxwing
[[ "$registered" == '_waxwing waxwing' ]] || print "registered: $registered"
words=(waxwing ${words.map((word) => `'${word}'`).join(' ')}) CURRENT=${words.length + 1}
_waxwing`;
    return runShell('zsh', ['-f', '-c', editor]);
  }

  test('offers commands with what they do', async () => {
    expect(await handedOver('')).toEqual(
      expect.arrayContaining(['lint:check files before they are committed', 'verify:say whether SealedSecrets open']),
    );
    expect(await handedOver('keys', '')).toContain('export:back up keys, encrypted');
  });

  test('offers the options of the command, the global ones too', async () => {
    const names = (await handedOver('seal', 'x.yaml', '-')).map((line) => line.split(':')[0]);
    expect(names).toEqual(expect.arrayContaining(['--scope', '--cert', '--quiet']));
    expect(names).not.toContain('--passphrase');
  });

  test('offers the values of options and arguments', async () => {
    const scopes = ['strict', 'namespace-wide', 'cluster-wide'];
    expect(await handedOver('seal', '--scope', '')).toEqual(scopes);
    expect(await handedOver('seal', '--scope=n')).toEqual(scopes);
    expect(await handedOver('completion', 'f')).toEqual(['bash', 'zsh', 'fish', 'powershell']);
  });

  test('offers files elsewhere', async () => {
    expect(await handedOver('seal', 'sec')).toEqual(['FILES']);
    expect(await handedOver('seal', '--cert', 'sec')).toEqual(['FILES']);
  });
});

describe.skipIf(!isThere('fish'))('fish', () => {
  async function offered(line: string): Promise<string[]> {
    place.write('waxwing.fish', await script('fish'));
    const lines = runShell('fish', ['--no-config', '-c', `source waxwing.fish; complete -C '${line}'`]);
    return lines.map((each) => each.split('\t')[0] ?? '');
  }

  test('offers commands, options, values and files', async () => {
    place.write('secret.yaml', '');
    expect(await offered('waxwing ver')).toEqual(['verify']);
    expect(await offered('waxwing keys ex')).toEqual(['export']);
    expect(await offered('waxwing seal --s')).toEqual(['--scope']);
    expect(await offered('waxwing seal --scope n')).toEqual(['namespace-wide']);
    expect(await offered('waxwing completion f')).toEqual(['fish']);
    expect(await offered('waxwing seal sec')).toEqual(['secret.yaml']);
  });

  test('knows the short options, and where a value is due', async () => {
    expect(await offered('waxwing seal -')).toEqual(expect.arrayContaining(['-o', '--format', '-q', '--quiet']));
    expect(await offered('waxwing seal -o y')).toEqual(['yaml']);
    expect(await offered('waxwing seal -oy')).toEqual(['-oyaml']);
    place.write('team.pem', '');
    expect(await offered('waxwing seal --cert ')).toEqual(['team.pem', 'waxwing.fish']);
  });
});

test('fish knows every command with its description, and quotes what needs it', async () => {
  const lines = (await script('fish')).split('\n');
  expect(lines).toContain(
    "complete -c waxwing -n '__fish_use_subcommand' -a lint -d 'check files before they are committed'",
  );
  expect(lines.find((line) => line.includes('-l scope') && line.includes('seen_subcommand_from seal'))).toContain(
    "-xa 'strict namespace-wide cluster-wide'",
  );
  for (const line of lines.slice(1, -1)) expect(line.replaceAll("\\'", '').split("'").length % 2).toBe(1);
});

test('PowerShell knows every command and option', async () => {
  const text = await script('powershell');
  expect(text).toMatch(/'keys export' = @\(.*'--recipient'.*'--json'/);
  expect(text).toMatch(/'completion' = @\('bash', 'zsh', 'fish', 'powershell'/);
  expect(text.match(/\{/g)?.length).toBe(text.match(/\}/g)?.length);
});
