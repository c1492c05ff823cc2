import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runCommand } from '../../integration/command-line.ts';
import { root } from './markdown.ts';

const examples = join(root, 'docs/examples');
const keys = join(root, 'test/vectors/test-keys');
const folder = await mkdtemp(join(tmpdir(), 'waxwing-examples-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const waxwing = (args: string[], cwd = examples) => runCommand('waxwing', args, { cwd });

/** The values of a Secret that `waxwing unseal` printed. */
function valuesOf(secret: { data: Record<string, string> }): Record<string, string> {
  const entries = Object.entries(secret.data);
  return Object.fromEntries(entries.map(([item, value]) => [item, Buffer.from(value, 'base64').toString()]));
}

describe('the examples', () => {
  it.each(['prod.yaml', 'staging.yaml'])('%s lints without a warning', async (file) => {
    expect(await waxwing(['lint', '--strict', join('clusters', file)])).toMatchObject({ status: 0 });
  });

  it.each([
    ['prod.yaml', 'alpha', 'charlie'],
    ['staging.yaml', 'charlie', 'alpha'],
  ])('%s opens with the key of its cluster and no other, and holds what secret.yaml says', async (file, own, other) => {
    const unseal = (key: string) =>
      waxwing(['unseal', join('clusters', file), '--private-key', join(keys, `${key}.key.pem`)]);
    const opened = await unseal(own);
    expect(opened.status).toBe(0);
    const secret = parse(await readFile(join(examples, 'secret.yaml'), 'utf8'));
    expect(valuesOf(parse(opened.stdout))).toEqual(secret.stringData);
    expect((await unseal(other)).status).not.toBe(0);
  });

  it.each(['secret.yaml', 'immutable.yaml'])('%s can be sealed, linted and opened again', async (file) => {
    const sealed = join(folder, file);
    expect(await waxwing(['seal', file, '--cert', join(keys, 'alpha.crt.pem'), '--output', sealed])).toMatchObject({
      status: 0,
    });
    expect(await waxwing(['lint', '--strict', sealed])).toMatchObject({ status: 0 });
    const opened = await waxwing(['unseal', sealed, '--private-key', join(keys, 'alpha.key.pem')]);
    const secret = parse(await readFile(join(examples, file), 'utf8'));
    const result = parse(opened.stdout);
    expect(valuesOf(result)).toEqual(secret.stringData);
    expect(result.immutable).toBe(secret.immutable);
  });

  it('template.yaml takes items, lints without a warning, and renders', async () => {
    const sealed = join(folder, 'template.yaml');
    await copyFile(join(examples, 'template.yaml'), sealed);
    const values = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'shop-config', namespace: 'payments' } };
    const stdin = JSON.stringify({ ...values, stringData: { username: 'app_user', password: 'p@ss/word' } });
    const cert = join(keys, 'alpha.crt.pem');
    const options = { cwd: folder, stdin };
    expect(await runCommand('waxwing', ['merge', '--into', sealed, '--cert', cert], options)).toMatchObject({
      status: 0,
    });
    expect(await waxwing(['lint', '--strict', sealed])).toMatchObject({ status: 0 });
    const opened = await waxwing(['unseal', sealed, '--private-key', join(keys, 'alpha.key.pem')]);
    const rendered = valuesOf(parse(opened.stdout));
    expect(rendered['database.url']).toBe('postgres://app_user:p%40ss%2Fword@db.payments.svc:5432/shop');
    expect(parse(rendered['application.yaml'] ?? '').database).toEqual({
      user: 'app_user',
      password: 'p@ss/word',
      poolSize: 10,
    });
    expect(rendered).not.toHaveProperty('password');
  });

  it('are all in the list', async () => {
    const list = await readFile(join(examples, 'README.md'), 'utf8');
    for (const entry of await readdir(examples, { withFileTypes: true })) {
      if (entry.name !== 'README.md') expect(list, entry.name).toContain(`\`${entry.name}`);
    }
  });
});
