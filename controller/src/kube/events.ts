/** What an event is about: a SealedSecret at one generation, or any other object (a key Secret). */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export type EventType = 'Normal' | 'Warning';
export type EventReason = 'Unsealed' | 'ErrUnsealFailed' | 'ErrUpdateFailed' | (string & {});

export interface EventToPost {
  readonly subject: EventSubject;
  readonly type: EventType;
  readonly reason: EventReason;
  readonly message: string;
  /**
   * What makes this event the same as one posted before, besides the subject's uid: generation, outcome, Secret uid.
   * The event's name is derived from it, so that a repeat counts as posted.
   */
  readonly identity: readonly string[];
}

export interface EventRecorder {
  /** Never rejects but for an aborted signal; `failed` was logged and counted. */
  post(event: EventToPost, signal?: AbortSignal): Promise<'created' | 'exists' | 'failed' | 'limited'>;
}
