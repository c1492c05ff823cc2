{{/*
What the controller needs in a namespace whose SealedSecrets it opens. docs/operations/permissions.md has the reason of each
rule; a test compares the rules with what the controller was seen to do.
*/}}
{{- define "waxwing.unsealerRules" -}}
- apiGroups:
    - bitnami.com
  resources:
    - sealedsecrets
  verbs:
    - get
    - list
    - watch
{{- if .Values.updateStatus }}
- apiGroups:
    - bitnami.com
  resources:
    - sealedsecrets/status
  verbs:
    - update
{{- end }}
- apiGroups:
    - ""
  resources:
    - secrets
  verbs:
    - get
    - create
    - update
    {{- if include "waxwing.deletesSecrets" . }}
    - delete
    {{- end }}
    {{- if not (include "waxwing.skipsRecreation" .) }}
    - list
    - watch
    {{- end }}
- apiGroups:
    - ""
  resources:
    - events
  verbs:
    - create
{{- end }}

{{/* Arguments: names. */}}
{{- define "waxwing.namespaceRule" -}}
- apiGroups:
    - ""
  resources:
    - namespaces
  resourceNames: {{- toYaml .names | nindent 4 }}
  verbs:
    - get
{{- end }}

{{- define "waxwing.serviceAccountSubject" -}}
- kind: ServiceAccount
  name: {{ include "waxwing.serviceAccountName" . | quote }}
  namespace: {{ include "waxwing.namespace" . | quote }}
{{- end }}

{{/* Arguments: kind, name. */}}
{{- define "waxwing.roleRef" -}}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .name | quote }}
{{- end }}
