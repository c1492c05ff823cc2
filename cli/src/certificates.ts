import {
  assertNotExpired,
  isSealedSecretsError,
  parseSealingCertificate,
  SealedSecretsError,
  type SealingCertificate,
} from '@waxwing/shared';
import { isOpenToTampering, readCertificate } from './certificate-source.ts';
import { connectTo } from './controller-connection.ts';
import type { Io } from './io.ts';
import type { CertificateOptions, ControllerOptions } from './options.ts';

/** A certificate with the name of where it came from. */
export interface NamedCertificate {
  readonly certificate: SealingCertificate;
  /** The source as given, or the Service in the cluster. */
  readonly source: string;
}

/** The bytes of the certificate the controller serves. */
async function fetchCertificate(io: Io, options: ControllerOptions): Promise<Uint8Array> {
  return await (await connectTo(io, options)).fetchCertificate();
}

/**
 * All certificates to seal with: those named, or the one of the cluster. Whoever can swap a certificate reads every secret sealed with it, so one
 * that comes over plain http from another machine needs a fingerprint.
 *
 * @throws SealedSecretsError `UntrustedCertificateSource`, `InvalidCertificate`, `CertificateExpired`, or why the source cannot be read.
 */
export async function loadCertificates(io: Io, options: CertificateOptions): Promise<NamedCertificate[]> {
  const sources = options.cert.length === 0 ? [''] : options.cert;
  if (sources.length > 1 && options.certSha256 !== undefined) {
    throw new SealedSecretsError('InvalidUsage', '--cert-sha256 pins one certificate, and there are several --cert');
  }
  return await Promise.all(sources.map((source) => loadCertificate(io, source, options)));
}

/** As {@link loadCertificates} where only one makes sense. @throws SealedSecretsError `InvalidUsage` for several. */
export async function loadOneCertificate(io: Io, options: CertificateOptions): Promise<NamedCertificate> {
  return await loadCertificate(io, onlySource(options), options);
}

/** The one source of a command that writes one result; empty for the cluster. @throws SealedSecretsError `InvalidUsage` for several. */
export function onlySource({ cert }: CertificateOptions): string {
  if (cert.length <= 1) return cert[0] ?? '';
  throw new SealedSecretsError('InvalidUsage', 'several --cert: this command writes one result, for one certificate');
}

/** A certificate with the bytes it was read from. */
export interface FoundCertificate extends NamedCertificate {
  readonly bytes: Uint8Array;
}

/** Reads a certificate, trusted as far as its way can be. It may have expired. An empty source is the cluster. */
export async function findCertificate(io: Io, source: string, options: CertificateOptions): Promise<FoundCertificate> {
  if (isOpenToTampering(source) && options.certSha256 === undefined && options.insecureCert !== true) {
    throw new SealedSecretsError('UntrustedCertificateSource', `${source}: plain http can be tampered with`, {
      hint: 'Use https or a file, pin it with --cert-sha256 HEX, or accept the risk with --insecure-cert.',
    });
  }
  const bytes = await readCertificate(io, source, () => fetchCertificate(io, options));
  const certificate = located(source, () => parseSealingCertificate(Buffer.from(bytes).toString('utf8')));
  assertPinned(certificate, options.certSha256);
  const name = source === '' ? `${options.controllerNamespace}/${options.controllerName}` : source;
  return { certificate, source: name, bytes };
}

async function loadCertificate(io: Io, source: string, options: CertificateOptions): Promise<NamedCertificate> {
  const found = await findCertificate(io, source, options);
  located(source, () => assertNotExpired(found.certificate, io.now()));
  return found;
}

/** @throws SealedSecretsError `UntrustedCertificateSource`. */
function assertPinned(certificate: SealingCertificate, pin: string | undefined): void {
  if (pin === undefined) return;
  const wanted = pin.replaceAll(':', '').toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(wanted)) {
    throw new SealedSecretsError('InvalidUsage', '--cert-sha256 takes 64 hexadecimal digits, colons allowed');
  }
  if (certificate.sha256 === wanted) return;
  throw new SealedSecretsError(
    'UntrustedCertificateSource',
    `the certificate has the fingerprint ${certificate.sha256}, not ${wanted}`,
    { hint: 'Either the key was renewed, or somebody swapped the certificate. Ask whoever runs the cluster.' },
  );
}

function located<T>(source: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (source === '' || !isSealedSecretsError(error)) throw error;
    const { code, message, hint, violations } = error;
    throw new SealedSecretsError(code, `${source}: ${message}`, {
      ...(hint === undefined ? {} : { hint }),
      violations,
    });
  }
}

/** What people need to know of a certificate, in one line. */
export function describeCertificate(certificate: SealingCertificate): string {
  return `key ${certificate.keyId}, valid until ${certificate.notAfter.toISOString().slice(0, 10)}`;
}
