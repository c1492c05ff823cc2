import type { Command } from 'commander';
import { findCertificate, onlySource } from '../certificates.ts';
import type { CommandContext } from '../command-context.ts';
import { addCertificateOptions, type CertificateOptions, withCertificates } from '../options.ts';
import { deliver, prepareOutput } from '../output.ts';
import { createSpool } from '../spool.ts';

interface CertificateFlags extends CertificateOptions {
  readonly output?: string;
}

export function addCertificateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('cert')
    .summary('fetch and show the certificate to seal with')
    .description('Fetches the certificate of the cluster, or reads one, and writes it as PEM. It is public: commit it.')
    .option('-O, --output <file>', 'file to write');
  addCertificateOptions(command).addHelpText(
    'after',
    `
Examples:
  waxwing cert --output cert.pem            from the cluster of the current context
  waxwing cert --cert cert.pem --json       look at a file`,
  );
  command.action((flags: CertificateFlags) => runCertificate(withCertificates(flags, context.io), context));
}

async function runCertificate(flags: CertificateFlags, context: CommandContext): Promise<void> {
  const { io } = context;
  const target = prepareOutput(io, flags.output ?? '');
  const { bytes, certificate } = await findCertificate(io, onlySource(flags), flags);
  const expired = certificate.notAfter.getTime() < io.now().getTime();
  const facts = {
    keyId: certificate.keyId,
    sha256: certificate.sha256,
    commonName: certificate.commonName,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    bits: certificate.publicKey.asymmetricKeyDetails?.modulusLength,
    expired,
  };
  const json = context.global().json;
  const spool = createSpool(io);
  try {
    if (flags.output !== undefined || !json) {
      spool.append(bytes);
      await deliver(io, target, spool);
    }
    if (json) await context.printJson(facts);
  } finally {
    spool.dispose();
  }
  await context.note(`key ${facts.keyId}, RSA ${facts.bits}, valid from ${facts.notBefore} until ${facts.notAfter}`);
  await context.note(`SHA-256 ${facts.sha256}`);
  if (expired) await context.note('warning: this certificate has expired; nothing can be sealed with it');
}
