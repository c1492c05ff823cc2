import { SealedSecretsError, type SealingCertificate } from '@waxwing/shared';
import { isOpenToTampering, readCertificate, usableCertificate } from './certificate-source.ts';
import type { Io } from './io.ts';
import { connectTo } from './controller-connection.ts';
import type { CertificateOptions, ControllerOptions } from './options.ts';

/** A certificate with the name of where it came from. */
export interface NamedCertificate {
  readonly certificate: SealingCertificate;
  /** The source as given, or the Service in the cluster. */
  readonly source: string;
}

/** The bytes of the certificate the controller serves. */
export async function fetchCertificate(io: Io, options: ControllerOptions): Promise<Uint8Array> {
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
  return await Promise.all(sources.map((source) => loadCertificate(io, source, options)));
}

/** As {@link loadCertificates} where only one makes sense. @throws SealedSecretsError `InvalidUsage` for several. */
export async function loadOneCertificate(io: Io, options: CertificateOptions): Promise<NamedCertificate> {
  if (options.cert.length > 1) {
    throw new SealedSecretsError('InvalidUsage', 'several --cert: this command writes one result, for one certificate');
  }
  return (await loadCertificates(io, options))[0] as NamedCertificate;
}

/** The bytes of a source, trusted as far as its way can be. */
export async function readTrustedCertificate(io: Io, source: string, options: CertificateOptions): Promise<Uint8Array> {
  if (isOpenToTampering(source) && options.certSha256 === undefined && !options.insecureCert) {
    throw new SealedSecretsError('UntrustedCertificateSource', `${source}: plain http can be tampered with`, {
      hint: 'Use https or a file, pin it with --cert-sha256 HEX, or accept the risk with --insecure-cert.',
    });
  }
  return await readCertificate(io, source, () => fetchCertificate(io, options));
}

async function loadCertificate(io: Io, source: string, options: CertificateOptions): Promise<NamedCertificate> {
  const bytes = await readTrustedCertificate(io, source, options);
  const certificate = located(source, () => usableCertificate(bytes, io.now()));
  assertPinned(certificate, options.certSha256);
  const name = source === '' ? `${options.controllerNamespace}/${options.controllerName}` : source;
  return { certificate, source: name };
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
    if (source === '' || !(error instanceof SealedSecretsError)) throw error;
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
