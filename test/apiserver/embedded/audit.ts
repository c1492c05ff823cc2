import type { AuditEvent } from '../harness.ts';

/**
 * An audit record of this server: the harness' fields, and what only it knows. `responseCode` says what was done: 201 also
 * when a fault lost the answer, 0 when a fault broke the connection before anything was done.
 */
export interface AuditRecord extends AuditEvent {
  readonly groups: readonly string[];
  /** Time of the answer's end; of an open watch, of its beginning. */
  readonly stageTimestamp: string;
  /** Bytes of the request body. */
  readonly requestBytes: number;
}

/** All requests of a server in the order in which they were received. */
export class AuditTrail {
  readonly #entries: AuditEntry[] = [];

  begin(): AuditEntry {
    const entry = new AuditEntry();
    this.#entries.push(entry);
    return entry;
  }

  /** Requests that have been answered, and watches that have begun. */
  records(): AuditRecord[] {
    return this.#entries.flatMap((entry) => entry.record ?? []);
  }

  /** Gives a function that tells, at each call, what was answered since the call before. */
  follow(): () => AuditRecord[] {
    const told = new Set(this.#entries.filter(({ record }) => record !== undefined));
    return () => {
      const untold = this.#entries.filter((entry) => entry.record !== undefined && !told.has(entry));
      for (const entry of untold) told.add(entry);
      return untold.flatMap(({ record }) => record ?? []);
    };
  }
}

/** The place of a request in the trail, filled when its answer is known. */
export class AuditEntry {
  record: AuditRecord | undefined;
}
