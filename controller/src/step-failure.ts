import type { SealedSecretsError } from '@waxwing/shared';
import type { FailedStep } from './reasons.ts';

/** A step of a reconciliation that failed. Every failure of a step arrives as one of these; anything else is a defect. */
export class StepFailure extends Error {
  readonly step: FailedStep;
  override readonly cause: SealedSecretsError;
  /** When to look again without a change, where the usual pause is too long. */
  readonly lookAfterMs: number | undefined;

  constructor(step: FailedStep, cause: SealedSecretsError, lookAfterMs?: number) {
    super(cause.message);
    this.step = step;
    this.cause = cause;
    this.lookAfterMs = lookAfterMs;
  }
}
