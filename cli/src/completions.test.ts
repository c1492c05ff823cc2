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

test.for([
  ['zsh', ['zsh', '-n']],
  ['fish', ['fish', '--no-execute']],
] as const)('%s is given a script without mistakes of syntax, where that shell is there', async ([shell, command]) => {
  const text = await script(shell);
  expect(text).toContain('waxwing');
  place.write('script', text);
  const [program, ...args] = command;
  const { status, stderr, error } = spawnSync(program, [...args, 'script'], { cwd: place.folder, encoding: 'utf8' });
  if (error !== undefined) expect(error).toMatchObject({ code: 'ENOENT' });
  else expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
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
