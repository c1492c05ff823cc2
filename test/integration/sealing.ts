import { randomBytes } from 'node:crypto';
import {
  formatJsonCompact,
  parseSealingCertificate,
  type Scope,
  sealedSecretDocument,
  sealSecret,
  sealValue,
  withScope,
} from '@waxwing/shared';
import { aSecret } from '@waxwing/shared/testing';
import type { Json } from '../apiserver/client.ts';

export interface SealRequest {
  readonly certificatePem: string;
  readonly namespace: string;
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
  readonly scope?: Scope;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly immutable?: boolean;
}

/** A SealedSecret as an API server takes it, sealed in this process. */
export function seal(request: SealRequest): Json {
  const { namespace, name, data, scope = 'strict', labels = {}, annotations = {}, type, immutable } = request;
  const secret = aSecret({
    metadata: {
      namespace,
      name,
      labels,
      annotations: Object.fromEntries(withScope(new Map(Object.entries(annotations)), scope)),
    },
    data,
    ...(type === undefined ? {} : { type }),
    ...(immutable === undefined ? {} : { immutable }),
  });
  const { publicKey } = parseSealingCertificate(request.certificatePem);
  return JSON.parse(formatJsonCompact(sealedSecretDocument(sealSecret(secret, { publicKey, randomBytes }))));
}

/** One sealed item, strict scope. */
export function sealItem(certificatePem: string, namespace: string, name: string, value: string): string {
  const { publicKey } = parseSealingCertificate(certificatePem);
  return sealValue(Buffer.from(value), { scope: 'strict', namespace, name }, { publicKey, randomBytes });
}
