{{/* Whether Helm deletes the object once the release's manifest no longer has it. Arguments: object, release, releaseNamespace. */}}
{{- define "waxwing.wouldBeDeleted" -}}
{{- $annotations := dig "metadata" "annotations" (dict) (.object | default dict) | default dict -}}
{{- if and
  (eq (get $annotations "meta.helm.sh/release-name") .release)
  (eq (get $annotations "meta.helm.sh/release-namespace") .releaseNamespace)
  (ne (get $annotations "helm.sh/resource-policy") "keep") -}}
true
{{- end -}}
{{- end }}
