import { readFile } from 'node:fs/promises';
import type { AuditEvent } from '../harness.ts';

/**
 * kube-apiserver's audit policy (audit.k8s.io/v1): who did what, without any body, since bodies hold secrets.
 * Watches are logged when they start, everything else when it is complete.
 */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  rules: [{ level: 'Metadata', omitStages: ['RequestReceived'] }],
};

interface LoggedEvent {
  auditID: string;
  stage: string;
  verb: string;
  requestURI: string;
  user: { username: string };
  impersonatedUser?: { username: string };
  userAgent?: string;
  objectRef?: { resource?: string; subresource?: string; namespace?: string; name?: string };
  responseStatus?: { code?: number };
  requestReceivedTimestamp: string;
}

/**
 * Reads the audit log from a byte on, at which a line begins; of a request in several stages the latest counts. A line still being written is
 * left out.
 */
export async function readAuditLog(file: string, from: number): Promise<AuditEvent[]> {
  const bytes = await readFile(file).catch(() => Buffer.of());
  const text = bytes.subarray(from).toString('utf8');
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  const byId = new Map<string, LoggedEvent>();
  for (const line of complete.split('\n')) {
    if (line === '') continue;
    const event: LoggedEvent = JSON.parse(line);
    byId.set(event.auditID, event);
  }
  return [...byId.values()]
    .map(toAuditEvent)
    .sort((a, b) => (a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1));
}

function toAuditEvent(event: LoggedEvent): AuditEvent {
  const { resource, subresource, namespace, name } = event.objectRef ?? {};
  return {
    verb: event.verb,
    user: (event.impersonatedUser ?? event.user).username,
    ...(resource === undefined ? {} : { resource }),
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    requestURI: event.requestURI,
    responseCode: event.responseStatus?.code ?? 0,
    userAgent: event.userAgent ?? '',
    requestReceivedTimestamp: event.requestReceivedTimestamp,
  };
}
