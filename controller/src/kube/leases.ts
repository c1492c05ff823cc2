/**
 * - `leading`: this process may write.
 * - `following`: another one holds the Lease.
 * - `unelected`: elections are off or Leases are forbidden: this process writes, as upstream does.
 */
export type Leadership = 'leading' | 'following' | 'unelected';

export interface LeaderElection {
  readonly leadership: Leadership;
  /** Who holds the Lease, as far as known; for logs. */
  readonly holder: string;
  /**
   * Call it right before each write. Throws SealedSecretsError ApiConflict when the lease's deadline on the monotonic clock has
   * passed, whatever the timers say (SIGSTOP): somebody else may lead by now.
   */
  assertLeading(): void;
  /** Resolves once this process may write. */
  whenLeading(): Promise<void>;
  start(): void;
  /** Gives the Lease back if it is held, so that the next one need not wait. */
  stop(): Promise<void>;
}
