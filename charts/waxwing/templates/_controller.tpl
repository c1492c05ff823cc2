{{/* Whether the flag is among the arguments that replace the generated ones. Arguments: context, flag. */}}
{{- define "waxwing.argsHave" -}}
{{- $flag := .flag -}}
{{- range .context.Values.args -}}
{{- $argument := toString . -}}
{{- if or (eq $argument $flag) (eq $argument (printf "%s=true" $flag)) -}}true{{- end -}}
{{- end -}}
{{- end }}

{{- define "waxwing.deletesSecrets" -}}
{{- if .Values.args -}}{{ include "waxwing.argsHave" (dict "context" . "flag" "--old-gc-behavior") }}{{- else if .Values.oldGcBehavior -}}true{{- end -}}
{{- end }}

{{- define "waxwing.skipsRecreation" -}}
{{- if .Values.args -}}{{ include "waxwing.argsHave" (dict "context" . "flag" "--skip-recreate") }}{{- else if .Values.skipRecreate -}}true{{- end -}}
{{- end }}

{{/* Roles in single namespaces and no list of these: the controller has rights in its own namespace only. */}}
{{- define "waxwing.watchesAllNamespaces" -}}
{{- if and .Values.allNamespaces (empty .Values.additionalNamespaces) (not (and .Values.rbac.create .Values.rbac.namespacedRoles)) -}}true{{- end -}}
{{- end }}

{{/* `a=b,c=d`, by key. */}}
{{- define "waxwing.pairs" -}}
{{- $pairs := list -}}
{{- range $key, $value := . -}}
{{- $pairs = append $pairs (printf "%s=%s" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end }}

{{/* Upstream's flags, as a YAML list. */}}
{{- define "waxwing.args" -}}
{{- $values := .Values -}}
{{- $args := list -}}
{{- $args = append $args ($values.updateStatus | ternary "--update-status" "--update-status=false") -}}
{{- if $values.skipRecreate }}{{- $args = append $args "--skip-recreate" }}{{- end }}
{{- range list
  (list "--key-renew-period" $values.keyrenewperiod)
  (list "--key-ttl" $values.keyttl)
  (list "--key-cutoff-time" $values.keycutofftime)
  (list "--rate-limit" $values.rateLimit)
  (list "--rate-limit-burst" $values.rateLimitBurst)
  (list "--key-prefix" $values.secretName)
  (list "--key-size" $values.keySize)
  (list "--key-order-priority" $values.keyOrderPriority)
  (list "--my-cn" $values.commonName)
  (list "--additional-namespaces" (join "," $values.additionalNamespaces))
  (list "--label-selector" $values.labelSelector)
  (list "--privatekey-annotations" (include "waxwing.pairs" $values.privateKeyAnnotations))
  (list "--privatekey-labels" (include "waxwing.pairs" $values.privateKeyLabels))
  (list "--log-level" $values.logLevel)
  (list "--log-format" $values.logFormat)
  (list "--max-unseal-retries" $values.maxRetries)
  (list "--kubeclient-qps" $values.kubeClientQPS)
  (list "--kubeclient-burst" $values.kubeClientBurst)
  (list "--read-timeout" $values.http.readTimeout)
  (list "--write-timeout" $values.http.writeTimeout)
}}
{{- $value := include "waxwing.number" (last .) -}}
{{- if $value }}{{- $args = concat $args (list (first .) $value) }}{{- end }}
{{- end }}
{{- if and (empty $values.additionalNamespaces) (not (include "waxwing.watchesAllNamespaces" .)) }}
{{- $args = append $args "--all-namespaces=false" }}
{{- end }}
{{- if not $values.acceptDeprecatedV1Data }}{{- $args = append $args "--accept-deprecated-v1-data=false" }}{{- end }}
{{- if $values.oldGcBehavior }}{{- $args = append $args "--old-gc-behavior" }}{{- end }}
{{- $args = append $args ($values.logInfoStdout | ternary "--log-info-stdout" "--log-info-stdout=false") -}}
{{- if $values.watchForSecrets }}{{- $args = append $args "--watch-for-secrets" }}{{- end }}
{{- if $values.metrics.omitSecretLabels }}{{- $args = append $args "--metrics-omit-secret-labels" }}{{- end }}
{{- $args = concat $args (list "--listen-addr" (printf ":%s" (include "waxwing.number" $values.containerPorts.http))) -}}
{{- $args = concat $args (list "--listen-metrics-addr" (printf ":%s" (include "waxwing.number" $values.containerPorts.metrics))) -}}
{{- toYaml $args -}}
{{- end }}

{{/*
Our own flags, as a YAML list of environment variables: upstream's controller ignores those, and they hold beside arguments
that replace the generated ones.
*/}}
{{- define "waxwing.environment" -}}
{{- $values := .Values -}}
{{- $variables := list
  (dict "name" "POD_NAME" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.name")))
  (dict "name" "POD_NAMESPACE" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.namespace"))) -}}
{{- $variables = append $variables (dict "name" "WAXWING_MANIFEST_VERSION" "value" (toString .Chart.AppVersion)) -}}
{{- $election := $values.leaderElection -}}
{{- $settings := list -}}
{{- if $election.enabled }}
{{- $settings = list
  (list "LEADER_ELECT" "true")
  (list "LEASE_NAME" (include "waxwing.leaseName" .))
  (list "LEASE_DURATION" $election.leaseDuration)
  (list "LEASE_RENEW_DEADLINE" $election.renewDeadline)
  (list "LEASE_RETRY_PERIOD" $election.retryPeriod)
-}}
{{- end }}
{{- $settings = concat $settings (list
  (list "BACKUP_RECIPIENT" (join "\n" $values.backup.recipients))
  (list "BACKUP_FILE_DIR" $values.backup.fileDir)
  (list "ALLOW_SERVICE_ACCOUNT_TOKENS" ($values.allowServiceAccountTokens | ternary "true" ""))
  (list "MAX_BODY_BYTES" $values.http.maxBodyBytes)
  (list "PEER_BUDGET_FACTOR" $values.http.peerBudgetFactor)
  (list "MAX_CRYPTO_REQUESTS" $values.http.maxCryptoRequests)
  (list "HTTP_AUTH" (eq $values.http.auth "none" | ternary "" $values.http.auth))
  (list "HTTP_AUTH_AUDIENCE" $values.http.authAudience)
  (list "METRICS_PER_OBJECT" ($values.metrics.perObject | ternary "" "false"))
  (list "WORKERS" $values.limits.workers)
  (list "MAX_CONCURRENT_REQUESTS" $values.limits.maxConcurrentRequests)
  (list "REQUEST_TIMEOUT" $values.limits.requestTimeout)
) -}}
{{- range $settings }}
{{- $value := include "waxwing.number" (last .) -}}
{{- if $value }}
{{- $variables = append $variables (dict "name" (printf "SEALED_SECRETS_%s" (first .)) "value" $value) -}}
{{- end }}
{{- end }}
{{- concat $variables $values.extraEnv | toYaml -}}
{{- end }}

{{/* Arguments: probe (values), custom (values), handler. */}}
{{- define "waxwing.probe" -}}
{{- if .probe.enabled -}}
{{- merge (omit .probe "enabled") .handler | toYaml -}}
{{- else if .custom -}}
{{- include "waxwing.rendered" (dict "value" .custom "context" .context) -}}
{{- end -}}
{{- end }}

{{/* A duration such as 1h30m as a text that sorts by length: what the clock of the year 2000 says so much later. */}}
{{- define "waxwing.sortableDuration" -}}
{{- toDate "2006-01-02" "2000-01-01" | mustDateModify . | date "20060102150405.000000000" -}}
{{- end }}
