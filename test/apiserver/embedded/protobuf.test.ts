import { describe, expect, it } from 'vitest';
import { decodeProtobuf } from './protobuf.ts';

/** What `kubectl create secret generic plain --from-literal=a=b` sends (kubectl 1.36). */
const secret = Buffer.from(
  '6b3873000a0c0a02763112065365637265741221' +
    '0a150a05706c61696e12001a0022002a00320038004200' +
    '12060a01611201621a001a002200',
  'hex',
);

describe('a protobuf body', () => {
  it('of kubectl is read as its JSON would be', () => {
    expect(decodeProtobuf(secret)).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'plain' },
      data: { a: 'Yg==' },
    });
  });

  it('that is cut off, or none, is refused with 400', () => {
    expect(() => decodeProtobuf(secret.subarray(0, 40))).toThrow(expect.objectContaining({ code: 400 }));
    expect(() => decodeProtobuf(Buffer.from('{"kind":"Secret"}'))).toThrow('no Kubernetes protobuf');
  });
});
