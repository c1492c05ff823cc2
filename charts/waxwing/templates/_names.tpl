{{/*
The part of names and of app.kubernetes.io/name that upstream's chart takes from its own name, so that an upgrade from that
chart finds its objects and selectors. Under an alias, in a parent chart, it is the alias, as there.
*/}}
{{- define "waxwing.name" -}}
{{- $base := ternary "sealed-secrets" .Chart.Name (eq .Chart.Name "waxwing") -}}
{{- default $base .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "waxwing.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "waxwing.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A Service name has at most 63 characters. */}}
{{- define "waxwing.metricsName" -}}
{{- printf "%s-metrics" (include "waxwing.fullname" . | trunc 55 | trimSuffix "-") -}}
{{- end }}

{{- define "waxwing.namespace" -}}
{{- default .Release.Namespace .Values.namespace -}}
{{- end }}

{{- define "waxwing.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "waxwing.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "waxwing.leaseName" -}}
{{- default (include "waxwing.fullname" .) .Values.leaderElection.leaseName -}}
{{- end }}

{{- define "waxwing.image" -}}
{{- $image := .Values.image -}}
{{- $repository := $image.registry | empty | ternary $image.repository (printf "%s/%s" $image.registry $image.repository) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end }}

{{/* Text of a value that is a list or mapping, or a string that holds one; templates in it are rendered. */}}
{{- define "waxwing.rendered" -}}
{{- $text := kindIs "string" .value | ternary .value (toYaml .value) -}}
{{- tpl $text .context -}}
{{- end }}

{{/* A number as a person writes it: Helm reads numbers as floating point and would print 1e+07. */}}
{{- define "waxwing.number" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ int64 . }}{{- else -}}{{ . }}{{- end -}}
{{- end }}

{{- define "waxwing.selectorLabels" -}}
app.kubernetes.io/name: {{ include "waxwing.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/*
metadata of an object. Arguments: context, name (or generated from the full name), namespace ("" for cluster-scoped objects),
labels and annotations: lists of mappings of which the first wins, after the standard ones.
*/}}
{{- define "waxwing.metadata" -}}
{{- $context := .context -}}
{{- $labels := dict
  "helm.sh/chart" (printf "%s-%s" $context.Chart.Name $context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/managed-by" $context.Release.Service
  "app.kubernetes.io/version" ($context.Chart.AppVersion | replace "+" "_")
  "app.kubernetes.io/part-of" "sealed-secrets" -}}
{{- $labels = merge $labels (include "waxwing.selectorLabels" $context | fromYaml) -}}
{{- range append (.labels | default list) $context.Values.commonLabels -}}
{{- $labels = merge $labels (include "waxwing.rendered" (dict "value" (. | default dict) "context" $context) | fromYaml) -}}
{{- end -}}
{{- $annotations := dict -}}
{{- range append (.annotations | default list) $context.Values.commonAnnotations -}}
{{- $annotations = merge $annotations (include "waxwing.rendered" (dict "value" (. | default dict) "context" $context) | fromYaml) -}}
{{- end -}}
name: {{ .name | default (include "waxwing.fullname" $context) | quote }}
{{- if not .clusterScoped }}
namespace: {{ .namespace | default (include "waxwing.namespace" $context) | quote }}
{{- end }}
labels: {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
