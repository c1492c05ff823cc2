import type { FieldError } from './errors.ts';
import type { KubeObject } from './json.ts';

/** What a resource does beyond being stored. Objects are never changed in place: a step returns the object it wants. */
export interface Strategy {
  /** Defaults and conversions, for new objects and updates alike; `old` is absent for new ones. The writer owns what they set. */
  readonly prepare?: (next: KubeObject, old: KubeObject | undefined) => KubeObject;
  /** What the server itself adds, an address or a phase; it belongs to nobody in `managedFields`. */
  readonly complete?: (next: KubeObject, old: KubeObject | undefined) => KubeObject;
  readonly validate?: (next: KubeObject, old: KubeObject | undefined) => FieldError[];
}
