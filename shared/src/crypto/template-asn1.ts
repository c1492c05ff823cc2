/** The few ASN.1 structures that keys and certificates of templates are made of, written by node-forge. Byte strings throughout. */

export type Forge = typeof import('node-forge');
export type Asn1 = import('node-forge').asn1.Asn1;

export function sequence({ asn1 }: Forge, children: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, children);
}

/** A set of one element. */
export function set({ asn1 }: Forge, child: Asn1): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [child]);
}

/** An integer from its big-endian bytes, which must be minimal and positive. */
export function integer({ asn1 }: Forge, bytes: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, bytes);
}

export function objectIdentifier({ asn1 }: Forge, oid: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(oid).getBytes());
}

export function octetString({ asn1 }: Forge, bytes: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, bytes);
}

export function boolean({ asn1 }: Forge, value: boolean): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BOOLEAN, false, value ? '\xff' : '\0');
}

export function nothing({ asn1 }: Forge): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.NULL, false, '');
}

export function utf8String({ asn1 }: Forge, bytes: string): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.UTF8, false, bytes);
}

/** A bit string; the last `unusedBits` bits do not count. */
export function bitString({ asn1 }: Forge, bytes: string, unusedBits = 0): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, String.fromCharCode(unusedBits) + bytes);
}

/** A context-specific tag around other structures. */
export function tagged({ asn1 }: Forge, tag: number, children: Asn1[]): Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag as never, true, children);
}

/** A context-specific tag in place of a primitive's own. */
export function taggedBytes({ asn1 }: Forge, tag: number, bytes: string): Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag as never, false, bytes);
}

/** UTCTime up to 2049, GeneralizedTime from 2050 on (RFC 5280, section 4.1.2.5). */
export function time({ asn1 }: Forge, date: Date): Asn1 {
  const year = date.getUTCFullYear();
  const isUtcTime = year >= 1950 && year < 2050;
  const text = isUtcTime ? asn1.dateToUtcTime(date) : asn1.dateToGeneralizedTime(date);
  const type = isUtcTime ? asn1.Type.UTCTIME : asn1.Type.GENERALIZEDTIME;
  return asn1.create(asn1.Class.UNIVERSAL, type, false, String(text));
}

export function toDer({ asn1 }: Forge, structure: Asn1): Buffer {
  return Buffer.from(asn1.toDer(structure).getBytes(), 'binary');
}

export function fromDer({ asn1 }: Forge, der: Buffer): Asn1 {
  // Bit strings stay bytes, so that writing gives back what was read.
  return asn1.fromDer(der.toString('binary'), { strict: true, parseAllBytes: true, decodeBitStrings: false } as never);
}

/** The elements of a sequence in DER. */
export function childrenOf(forge: Forge, der: Buffer): Asn1[] {
  return fromDer(forge, der).value as Asn1[];
}

/** The bytes of a bit string without unused bits. */
export function bitStringContent(structure: Asn1 | undefined): string {
  return String(structure?.value ?? '').slice(1);
}

/** PEM of DER bytes (RFC 7468). */
export function pemOf(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
