import {
  assertNotExpired,
  parseSealingCertificate,
  SealedSecretsError,
  type SealingCertificate,
} from '@waxwing/shared';
import { isMissingFile, readFile } from './input.ts';
import type { Io } from './io.ts';

const certificateLimitBytes = 1024 * 1024;
/** Longer than one letter, which would be a drive of Windows. */
const urlScheme = /^([A-Za-z][A-Za-z0-9+.-]+):/;

/** Where certificates come from when no file or URL is named. */
export type FetchFromCluster = () => Promise<Uint8Array>;

/**
 * Reads the bytes of a certificate: from a file, from a URL (`http`, `https`, `file`), or from the cluster when nothing is named. Nothing
 * is checked.
 *
 * @throws SealedSecretsError `UnreadableFile`, `ControllerUnreachable` or what the cluster says.
 */
export async function readCertificate(io: Io, source: string, fetchFromCluster: FetchFromCluster): Promise<Uint8Array> {
  if (source === '') return await fetchFromCluster();
  const scheme = urlScheme.exec(source)?.[1]?.toLowerCase();
  if (scheme === undefined) return await readFile(io, source, certificateLimitBytes);
  if (scheme === 'file') return await readFileUrl(io, source);
  const { fetchUrl } = await import('./http-client.ts');
  return await fetchUrl(source, { env: io.env, limitBytes: certificateLimitBytes });
}

async function readFileUrl(io: Io, source: string): Promise<Uint8Array> {
  let path: string;
  try {
    path = decodeURIComponent(new URL(source).pathname);
  } catch (cause) {
    throw new SealedSecretsError('InvalidUsage', `parse ${JSON.stringify(source)}: not a URL`, { cause });
  }
  try {
    return await readFile(io, path, certificateLimitBytes);
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    throw new SealedSecretsError('UnreadableFile', `cannot fetch ${JSON.stringify(source)}: 404 Not Found`, {
      hint: `There is no file ${path}.`,
    });
  }
}

/**
 * Parses a certificate to seal with.
 *
 * @throws SealedSecretsError `InvalidCertificate`, `CertificateExpired`.
 */
export function usableCertificate(bytes: Uint8Array, now: Date): SealingCertificate {
  const certificate = parseSealingCertificate(Buffer.from(bytes).toString('utf8'));
  assertNotExpired(certificate, now);
  return certificate;
}

/** Whether whoever sits between could have replaced the certificate: plain http to another machine. */
export function isOpenToTampering(source: string): boolean {
  if (urlScheme.exec(source)?.[1]?.toLowerCase() !== 'http') return false;
  const host = URL.canParse(source) ? new URL(source).hostname : '';
  return host !== 'localhost' && !host.endsWith('.localhost') && host !== '[::1]' && !/^127(\.\d+){3}$/.test(host);
}
