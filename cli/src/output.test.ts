import * as fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FileSystem } from './io.ts';
import { deliver, prepareOutput, stdoutTarget } from './output.ts';
import { createSpool } from './spool.ts';
import { createTestIo, type TestIoOptions } from './testing/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'waxwing-output-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const modeOf = (name: string) => fs.statSync(at(name)).mode & 0o7777;

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'test' });
}

async function write(name: string, text: string, options: Partial<TestIoOptions> & { private?: boolean } = {}) {
  const io = createTestIo({ workingFolder: folder, ...options });
  const spool = createSpool(io);
  spool.append(text);
  await deliver(io, prepareOutput(io, name), spool, { private: options.private === true });
  return io;
}

describe('a file', () => {
  test('is made with the permissions of the umask', async () => {
    await write('new.txt', 'result', { umask: 0o027 });
    expect(fs.readFileSync(at('new.txt'), 'utf8')).toBe('result');
    expect(modeOf('new.txt')).toBe(0o640);
  });

  test('keeps its permissions when it is replaced', async () => {
    fs.writeFileSync(at('old.txt'), 'old');
    fs.chmodSync(at('old.txt'), 0o604);
    await write('old.txt', 'new');
    expect(fs.readFileSync(at('old.txt'), 'utf8')).toBe('new');
    expect(modeOf('old.txt')).toBe(0o604);
  });

  test('with decrypted values is for its owner alone, even where others could read the old one', async () => {
    fs.writeFileSync(at('secret.yaml'), 'old', { mode: 0o644 });
    await write('secret.yaml', 'new', { private: true });
    expect(modeOf('secret.yaml')).toBe(0o600);
    await write('fresh.yaml', 'new', { private: true });
    expect(modeOf('fresh.yaml')).toBe(0o600);
  });

  test('behind a symbolic link is replaced, and the link stays', async () => {
    fs.mkdirSync(at('real'));
    fs.writeFileSync(at('real/target.txt'), 'old');
    fs.symlinkSync('real/target.txt', at('link.txt'));
    await write('link.txt', 'new');
    expect(fs.lstatSync(at('link.txt')).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(at('real/target.txt'), 'utf8')).toBe('new');
  });

  test('behind a dangling link is made where the link points', async () => {
    fs.symlinkSync('missing.txt', at('link.txt'));
    await write('link.txt', 'new');
    expect(fs.lstatSync(at('link.txt')).isSymbolicLink()).toBe(true);
    expect(fs.readFileSync(at('missing.txt'), 'utf8')).toBe('new');
  });

  test('that nobody may write is refused', async () => {
    fs.writeFileSync(at('locked.txt'), 'old', { mode: 0o444 });
    await expect(write('locked.txt', 'new')).rejects.toMatchObject({
      code: 'UnwritableFile',
      message: /permission denied/,
    });
    expect(fs.readFileSync(at('locked.txt'), 'utf8')).toBe('old');
  });

  test('that this user may not write is refused, though the folder is writable', async () => {
    fs.writeFileSync(at('theirs.txt'), 'old');
    const files: Partial<FileSystem> = {
      accessSync: () => {
        throw systemError('EACCES');
      },
    };
    await expect(write('theirs.txt', 'new', { files })).rejects.toMatchObject({ code: 'UnwritableFile' });
    expect(fs.readFileSync(at('theirs.txt'), 'utf8')).toBe('old');
  });

  test.for([
    ['a directory', '.', /is a directory/],
    ['a name in a missing folder', 'missing/out.txt', /no such file or directory/],
    ['a name below a file', 'file/out.txt', /not a directory/],
  ] as const)('cannot be %s', async ([, name, message]) => {
    fs.writeFileSync(at('file'), '');
    await expect(write(name, 'new')).rejects.toMatchObject({ code: 'UnwritableFile', message });
    expect(fs.readdirSync(folder)).toEqual(['file']);
  });
});

describe('a failed run leaves nothing behind', () => {
  test.for(['writeSync', 'fsyncSync', 'fchmodSync', 'renameSync'] as const)('when %s fails', async (name) => {
    fs.writeFileSync(at('old.txt'), 'old');
    const files = {
      [name]: () => {
        throw systemError('ENOSPC');
      },
    } as Partial<FileSystem>;
    await expect(write('old.txt', 'new', { files })).rejects.toMatchObject({
      code: 'UnwritableFile',
      message: 'write old.txt: no space left on device',
    });
    expect(fs.readdirSync(folder)).toEqual(['old.txt']);
    expect(fs.readFileSync(at('old.txt'), 'utf8')).toBe('old');
  });

  test('a signal removes the temporary file', async () => {
    let io: ReturnType<typeof createTestIo> | undefined;
    const files: Partial<FileSystem> = {
      fsyncSync: (descriptor) => {
        expect(fs.readdirSync(folder)).toHaveLength(1);
        for (const cleanUp of io?.cleanUps ?? []) cleanUp();
        expect(fs.readdirSync(folder)).toEqual([]);
        fs.fsyncSync(descriptor);
        throw systemError('EIO');
      },
    };
    io = createTestIo({ workingFolder: folder, files });
    const spool = createSpool(io);
    spool.append('new');
    await expect(deliver(io, prepareOutput(io, 'out.txt'), spool)).rejects.toThrow();
    expect(io.cleanUps.size).toBe(0);
  });
});

describe('a file that cannot be replaced is written in place', () => {
  test.for([
    [
      'a bind mount',
      {
        renameSync: () => {
          throw systemError('EBUSY');
        },
      },
    ],
    ['a folder without write permission', { openSync: openOnlyExisting }],
  ] as [string, Partial<FileSystem>][])('%s', async ([, files]) => {
    fs.writeFileSync(at('old.txt'), 'a much longer old content', { mode: 0o640 });
    const inode = fs.statSync(at('old.txt')).ino;
    await write('old.txt', 'new', { files });
    expect(fs.readFileSync(at('old.txt'), 'utf8')).toBe('new');
    expect(fs.statSync(at('old.txt')).ino).toBe(inode);
    expect(fs.readdirSync(folder)).toEqual(['old.txt']);
  });

  test('a full disk gets the old content back', async () => {
    fs.writeFileSync(at('old.txt'), 'old content');
    let writes = 0;
    const files: Partial<FileSystem> = {
      renameSync: () => {
        throw systemError('EBUSY');
      },
      writeSync: ((descriptor: number, ...rest: [Uint8Array, number, number, number]) => {
        // The first is the temporary file, the second overwrites.
        if (++writes === 2) {
          fs.writeSync(descriptor, Buffer.from('ne'), 0, 2, 0);
          throw systemError('ENOSPC');
        }
        return fs.writeSync(descriptor, ...rest);
      }) as FileSystem['writeSync'],
    };
    await expect(write('old.txt', 'new', { files })).rejects.toMatchObject({ code: 'UnwritableFile' });
    expect(fs.readFileSync(at('old.txt'), 'utf8')).toBe('old content');
  });

  function openOnlyExisting(...[path, flags, mode]: Parameters<FileSystem['openSync']>): number {
    if (String(flags).includes('x')) throw systemError('EACCES');
    return fs.openSync(path, flags, mode);
  }
});

describe('other outputs', () => {
  test('a device is written, not replaced', async () => {
    await write('/dev/null', 'result');
    expect(fs.statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('a full device is an error', async () => {
    await expect(write('/dev/full', 'result')).rejects.toMatchObject({
      code: 'UnwritableFile',
      message: 'write /dev/full: no space left on device',
    });
  });

  test('/dev/stdout is standard output', async () => {
    const io = await write('/dev/stdout', 'result');
    expect(io.written.stdout).toBe('result');
  });

  test.for([
    ['EPIPE', 'write standard output: broken pipe'],
    ['ENOSPC', 'write standard output: no space left on device'],
  ] as const)('standard output that fails with %s is an error', async ([code, message]) => {
    const writeStdout = () => {
      throw systemError(code);
    };
    const io = createTestIo({ workingFolder: folder, writeStdout });
    const spool = createSpool(io);
    spool.append('result');
    await expect(deliver(io, stdoutTarget, spool)).rejects.toMatchObject({ code: 'UnwritableFile', message });
  });
});

describe('the spool', () => {
  const megabyte = 'x'.repeat(1024 * 1024);

  test('keeps large results in a file without a name', () => {
    const opened: string[] = [];
    const files: Partial<FileSystem> = {
      openSync: (path, flags, mode) => {
        opened.push(String(path));
        expect(mode).toBe(0o600);
        return fs.openSync(path, flags, mode);
      },
    };
    const io = createTestIo({ workingFolder: folder, env: { TMPDIR: folder }, files });
    const spool = createSpool(io);
    for (let i = 0; i < 20; i++) spool.append(`${i}:${megabyte}\n`);
    expect(opened).toHaveLength(1);
    expect(fs.readdirSync(folder)).toEqual([]);
    const content = Buffer.concat(Array.from(spool.chunks(), (chunk) => Buffer.from(chunk))).toString();
    expect(content.length).toBe(spool.byteLength);
    expect(content.split('\n').map((line) => line.split(':')[0])).toEqual([...Array(20).keys(), ''].map(String));
    expect(Buffer.concat(Array.from(spool.chunks(), (chunk) => Buffer.from(chunk))).toString()).toBe(content);
    spool.dispose();
  });

  test('never lets a secret reach the disk', () => {
    const files: Partial<FileSystem> = {
      openSync: () => {
        throw new Error('opened a file');
      },
    };
    const spool = createSpool(createTestIo({ workingFolder: folder, files }), { secret: true });
    for (let i = 0; i < 20; i++) spool.append(megabyte);
    expect(spool.byteLength).toBe(20 * 1024 * 1024);
    spool.dispose();
  });
});
