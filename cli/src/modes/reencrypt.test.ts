import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Controller, ControllerAnswer } from '../cluster.ts';
import { openInput, standardInput } from '../input.ts';
import { prepareOutput, stdoutTarget } from '../output.ts';
import { createTestIo } from '../testing/index.ts';
import { runReencrypt } from './reencrypt.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'waxwing-reencrypt-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

interface Posted {
  readonly metadata: Record<string, unknown>;
  readonly spec: { readonly encryptedData: Record<string, string>; readonly template: unknown };
}

/** A controller that answers as upstream's do: template metadata is the top level's, template entries are gone, and there is no kind. */
function upstreamController(
  change: (answer: Record<string, unknown>, posted: Posted) => unknown = (answer) => answer,
): Controller & { posted: Posted[] } {
  const posted: Posted[] = [];
  return {
    posted,
    fetchCertificate: async () => Buffer.from(''),
    verify: async () => ({ status: 200, body: Buffer.from(''), failure: '' }),
    reencrypt: async (body): Promise<ControllerAnswer> => {
      const object = JSON.parse(body) as Posted;
      posted.push(object);
      const { name, namespace } = object.metadata;
      const encryptedData = Object.fromEntries(
        Object.keys(object.spec.encryptedData).map((item) => [item, `new-${item}`]),
      );
      const answer = {
        metadata: { name, namespace },
        spec: { template: { metadata: object.metadata }, encryptedData },
      };
      return { status: 200, body: Buffer.from(JSON.stringify(change(answer, object))), failure: '' };
    },
  };
}

async function print(text: string, controller: Controller): Promise<string> {
  const io = createTestIo({ workingFolder: folder, stdin: text });
  const options = { format: 'json', isInPlace: false, nothingFound: 'nothing', acceptUtf16: false } as const;
  await runReencrypt(standardInput(io), stdoutTarget, controller, options, io);
  return io.written.stdout;
}

async function rewrite(text: string, controller: Controller): Promise<string> {
  const io = createTestIo({ workingFolder: folder });
  fs.writeFileSync(join(folder, 'file'), text);
  const options = { format: 'yaml', isInPlace: true, nothingFound: 'nothing', acceptUtf16: false } as const;
  await runReencrypt(openInput(io, 'file'), prepareOutput(io, 'file'), controller, options, io);
  return fs.readFileSync(join(folder, 'file'), 'utf8');
}

const object = (parts: object = {}) =>
  JSON.stringify({
    kind: 'SealedSecret',
    metadata: { name: 'a', namespace: 'b' },
    spec: { encryptedData: { x: 'old' } },
    ...parts,
  });

describe('what is printed', () => {
  test('has the template of the input, not of the answer', async () => {
    const template = {
      metadata: { labels: { l: 'm' }, name: 'a', namespace: 'b' },
      type: 'Opaque',
      data: { conf: '{{ .x }}', gone: null },
    };
    const printed = JSON.parse(
      await print(object({ spec: { template, encryptedData: { x: 'old' } } }), upstreamController()),
    );
    expect(printed.spec).toEqual({ template, encryptedData: { x: 'new-x' } });
    expect(printed).toMatchObject({ kind: 'SealedSecret', apiVersion: 'bitnami.com/v1alpha1' });
  });

  test('has nothing the API server set', async () => {
    const metadata = {
      name: 'a',
      namespace: 'b',
      uid: 'u',
      resourceVersion: '5',
      generation: 3,
      creationTimestamp: '2024-01-01T00:00:00Z',
      managedFields: [{ manager: 'kubectl' }],
      labels: { kept: 'yes' },
    };
    const text = object({ metadata, status: { observedGeneration: 3, conditions: [] } });
    const printed = JSON.parse(await print(text, upstreamController()));
    expect(printed.metadata).toEqual({ name: 'a', namespace: 'b', labels: { kept: 'yes' } });
    expect(printed.status).toBeUndefined();
  });

  test('ignores items an older controller rendered from the template', async () => {
    const controller = upstreamController((answer) => {
      const { spec } = answer as { spec: { encryptedData: Record<string, string> } };
      spec.encryptedData['conf'] = 'rendered';
      return answer;
    });
    const text = object({ spec: { template: { data: { conf: '{{ .x }}' } }, encryptedData: { x: 'old' } } });
    const { spec } = JSON.parse(await print(text, controller));
    expect(spec.encryptedData).toEqual({ x: 'new-x' });
    expect(spec.template.data).toEqual({ conf: '{{ .x }}' });
  });

  test('never widens the scope of the top level', async () => {
    const template = { metadata: { annotations: { 'sealedsecrets.bitnami.com/cluster-wide': 'true' } } };
    const text = object({ spec: { template, encryptedData: { x: 'old' } } });
    expect(JSON.parse(await print(text, upstreamController())).spec.template.metadata.annotations).toBeUndefined();
  });

  test('is the answer itself for the deprecated format', async () => {
    const controller = upstreamController(() => ({
      metadata: { name: 'a', namespace: 'b' },
      spec: { template: { type: 'Opaque' }, encryptedData: { x: 'new' } },
    }));
    const printed = JSON.parse(await print(object({ spec: { data: 'AgA=' } }), controller));
    expect(printed.spec).toMatchObject({ template: { type: 'Opaque' }, encryptedData: { x: 'new' } });
    expect(printed.spec.data).toBeUndefined();
  });
});

describe('a file', () => {
  test('that names fields in another case is written anew, with everything in it', async () => {
    const text = 'Kind: SealedSecret\nMetadata: {name: a, namespace: b}\nSpec: {EncryptedData: {x: old}}\n';
    expect(await rewrite(text, upstreamController())).toMatch(
      /^apiVersion: .*\nkind: SealedSecret\n(.|\n)* {4}x: new-x\n/,
    );
  });

  test('with anchors at the place is written anew', async () => {
    const text = '---\nkind: SealedSecret\nmetadata: {name: a, namespace: b}\nspec: {encryptedData: &items {x: old}}\n';
    expect(await rewrite(text, upstreamController())).toMatch(/^---\napiVersion: .*\n(.|\n)* {4}x: new-x\n/);
  });

  test.for([
    [undefined, 'k1', undefined],
    ['k1', 'k2', 'k2'],
    ['k1', undefined, undefined],
  ] as const)('with the key id hint %s gets, from a controller that says %s, %s', async ([before, answered, after]) => {
    const controller = upstreamController((answer) => ({
      ...answer,
      metadata: {
        name: 'a',
        namespace: 'b',
        ...(answered === undefined ? {} : { annotations: { 'waxwing.dev/key-id': answered } }),
      },
    }));
    const hint = before === undefined ? '' : `, annotations: {waxwing.dev/key-id: ${before}, other: kept}`;
    const text = `kind: SealedSecret\nmetadata: {name: a, namespace: b${hint}}\nspec: {encryptedData: {x: old}}\n`;
    const rewritten = await rewrite(text, controller);
    expect(/key-id: "?([^,}"]*)/.exec(rewritten)?.[1]).toBe(after);
    expect(rewritten.includes('other: kept')).toBe(before !== undefined);
  });
});

describe('failures', () => {
  const failing = (answer: ControllerAnswer): Controller => ({
    ...upstreamController(),
    reencrypt: async () => answer,
  });
  test.for([
    [{ status: 409, body: Buffer.from(''), failure: 'the server reported a conflict' }, 'unable to rotate secret: a'],
    [
      { status: 500, body: Buffer.from(''), failure: 'an error on the server' },
      'cannot re-encrypt secret: an error on the server',
    ],
    [
      { status: 200, body: Buffer.from('<html>'), failure: '' },
      'cannot re-encrypt secret: the answer for a is no SealedSecret',
    ],
    [
      { status: 200, body: Buffer.from('{"spec":{"encryptedData":{}}}'), failure: '' },
      'cannot re-encrypt secret: the answer for a lacks item x',
    ],
  ] as [ControllerAnswer, string][])('%j', async ([answer, message]) => {
    await expect(print(object(), failing(answer))).rejects.toThrow(message);
    await expect(rewrite(object(), failing(answer))).rejects.toThrow(message);
    expect(fs.readFileSync(join(folder, 'file'), 'utf8')).toBe(object());
  });

  test('an input without documents', async () => {
    await expect(print('# nothing\n', upstreamController())).rejects.toMatchObject({ code: 'EmptyInput' });
    await expect(rewrite('# nothing\n', upstreamController())).rejects.toMatchObject({ code: 'EmptyInput' });
    expect(fs.readFileSync(join(folder, 'file'), 'utf8')).toBe('# nothing\n');
  });
});
