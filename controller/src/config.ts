/** Everything that can be set. Durations in milliseconds. Flag names are the kebab-case of the last word unless noted. */
export interface Config {
  /** POD_NAMESPACE, else the service account's namespace file, else `default`. */
  readonly namespace: string;
  /** POD_NAME, else the host name: identity of leader election and of `status.controller`. */
  readonly podName: string;
  /** --kubeconfig; undefined: in-cluster. */
  readonly kubeconfig: string | undefined;
  /** --context of the kubeconfig; undefined: its current one. */
  readonly context: string | undefined;
  readonly keys: {
    /** --key-prefix */
    readonly prefix: string;
    /** --key-size */
    readonly sizeBits: number;
    /** --key-ttl */
    readonly ttlMs: number;
    /** --my-cn */
    readonly commonName: string;
    /** --key-renew-period, --rotate-period; 0: never */
    readonly renewPeriodMs: number;
    /** --key-order-priority; anything unknown is CertNotBefore */
    readonly orderPriority: 'CertNotBefore' | 'SecretCreationTimestamp';
    /** --key-cutoff-time, milliseconds since the epoch */
    readonly cutoffTimeMs: number | undefined;
    /** --privatekey-annotations */
    readonly annotations: ReadonlyMap<string, string>;
    /** --privatekey-labels */
    readonly labels: ReadonlyMap<string, string>;
    /** --watch-for-secrets: accepted; key Secrets are always followed */
    readonly watchForSecrets: boolean;
    /** --key-poll-interval: how often key Secrets are listed where they may not be watched */
    readonly pollIntervalMs: number;
    /** --backup-recipient, repeatable: age recipients */
    readonly backupRecipients: readonly string[];
    /** --backup-file-dir */
    readonly backupFileDir: string | undefined;
  };
  readonly reconcile: {
    /** --all-namespaces; false also if additional namespaces are given */
    readonly allNamespaces: boolean;
    /** --additional-namespaces: trimmed, unique, without the own one */
    readonly additionalNamespaces: readonly string[];
    /** --label-selector */
    readonly labelSelector: string;
    /** --accept-deprecated-v1-data */
    readonly acceptDeprecatedData: boolean;
    /** --old-gc-behavior */
    readonly oldGcBehavior: boolean;
    /** --update-status */
    readonly updateStatus: boolean;
    /** --skip-recreate */
    readonly skipRecreate: boolean;
    /** --allow-service-account-tokens */
    readonly allowServiceAccountTokens: boolean;
    /** --workers */
    readonly workers: number;
    /** --reconcile-deadline: a run that takes longer makes /healthz fail */
    readonly deadlineMs: number;
    /** --retry-base-delay, --retry-max-delay, --failed-recheck-interval */
    readonly retryBaseDelayMs: number;
    readonly retryMaxDelayMs: number;
    readonly failedRecheckIntervalMs: number;
    /** --max-unseal-retries: accepted; failures are retried for ever */
    readonly maxUnsealRetries: number;
    /** --namespace-poll-interval: how often a missing namespace is looked for */
    readonly namespacePollIntervalMs: number;
  };
  readonly client: {
    /** --kubeclient-qps; undefined unless set by hand: no limit */
    readonly qps: number | undefined;
    /** --kubeclient-burst */
    readonly burst: number;
    /** --max-concurrent-requests */
    readonly maxConcurrentRequests: number;
    /** --request-timeout */
    readonly requestTimeoutMs: number;
    /** --watch-idle-timeout */
    readonly watchIdleTimeoutMs: number;
    /** --watch-reconnect-max-delay */
    readonly watchReconnectMaxDelayMs: number;
    /** --list-page-size */
    readonly listPageSize: number;
    /** --credential-check-interval */
    readonly credentialCheckIntervalMs: number;
  };
  readonly leaderElection: {
    /** --leader-elect */
    readonly enabled: boolean;
    /** --lease-name, --lease-namespace (default: the own one) */
    readonly name: string;
    readonly namespace: string;
    /** --lease-duration, --lease-renew-deadline, --lease-retry-period */
    readonly durationMs: number;
    readonly renewDeadlineMs: number;
    readonly retryPeriodMs: number;
  };
  readonly http: {
    /** --listen-addr, --listen-metrics-addr */
    readonly listen: ListenAddress;
    readonly listenMetrics: ListenAddress;
    /** --read-timeout, --write-timeout */
    readonly readTimeoutMs: number;
    readonly writeTimeoutMs: number;
    /** --rate-limit, --rate-limit-burst */
    readonly rateLimit: number;
    readonly rateLimitBurst: number;
    /** --peer-budget-factor: budget of one TCP peer as a multiple of the rate limit */
    readonly peerBudgetFactor: number;
    /** --max-crypto-requests: verify and rotate requests that decrypt at the same time */
    readonly maxCryptoRequests: number;
    /** --max-body-bytes */
    readonly maxBodyBytes: number;
    /** --http-auth: `none`, or `token` (TokenReview and SubjectAccessReview) */
    readonly auth: 'none' | 'token';
    /** --http-auth-audience */
    readonly authAudience: string;
  };
  readonly metrics: {
    /** --metrics-omit-secret-labels */
    readonly omitSecretLabels: boolean;
    /** --metrics-per-object */
    readonly perObject: boolean;
  };
  readonly log: {
    /** --log-info-stdout */
    readonly infoToStdout: boolean;
    /** --log-level as slog's number: DEBUG -4, INFO 0, WARN 4, ERROR 8, plus offset */
    readonly level: number;
    /** --log-format */
    readonly format: 'text' | 'json';
  };
  /** --shutdown-timeout */
  readonly shutdownTimeoutMs: number;
}

/** `:8080` or `127.0.0.1:8080`; an empty host means all addresses. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}
