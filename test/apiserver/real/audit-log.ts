import { open } from 'node:fs/promises';
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

interface AuditLog {
  /** What was logged since the last call. A line still being written comes with the next one. */
  next(): Promise<AuditEvent[]>;
  /** Everything so far, by the time of its arrival; of a request in several stages the latest counts. */
  all(): Promise<AuditEvent[]>;
}

/** The audit log from a byte on, at which a line begins. Each line is read once: the log of a test run has a hundred thousand. */
export function openAuditLog(file: string, from: number): AuditLog {
  const events = new Map<string, AuditEvent>();
  let offset = from;
  let reading: Promise<AuditEvent[]> = Promise.resolve([]);

  async function readOn(): Promise<AuditEvent[]> {
    const bytes = await readFrom(file, offset);
    const complete = bytes.subarray(0, bytes.lastIndexOf('\n') + 1);
    offset += complete.length;
    const lines = complete.toString('utf8').split('\n');
    return lines.flatMap((line) => {
      if (line === '') return [];
      const logged: LoggedEvent = JSON.parse(line);
      const event = toAuditEvent(logged);
      events.set(logged.auditID, event);
      return event;
    });
  }

  const next = () => {
    reading = reading.then(readOn);
    return reading;
  };
  return {
    next,
    async all() {
      await next();
      return [...events.values()].sort((a, b) => (a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1));
    },
  };
}

/** Nothing where there is no file yet. */
async function readFrom(file: string, offset: number): Promise<Buffer> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return Buffer.of();
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.max(0, size - offset)), { position: offset });
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
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
