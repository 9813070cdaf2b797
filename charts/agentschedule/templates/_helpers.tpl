{{- define "agentschedule.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* The release's name, with the chart's unless it is already in it. */ -}}
{{- define "agentschedule.fullname" -}}
{{- $name := include "agentschedule.name" . }}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $full | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "agentschedule.selector" -}}
app.kubernetes.io/name: {{ include "agentschedule.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "agentschedule.labels" -}}
{{ include "agentschedule.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: agentschedule
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "agentschedule.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "agentschedule.fullname" .) }}
{{- else }}
{{- required "serviceAccount.name is needed when serviceAccount.create is false" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- /* "true" when the policy is wanted and, with auto, when the cluster knows it. */ -}}
{{- define "agentschedule.policy" -}}
{{- $wanted := toString .Values.scheduledTimePolicy.enabled }}
{{- $known := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" }}
{{- or (eq $wanted "true") (and (eq $wanted "auto") $known) }}
{{- end }}

{{- /* With a digest the tag is for people only: the digest decides. */ -}}
{{- define "agentschedule.image" -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- /* "true" where the API server can judge requests by policies. */ -}}
{{- define "agentschedule.validates" -}}
{{- .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" }}
{{- end }}

{{- /* The operator as the API server calls it. */ -}}
{{- define "agentschedule.user" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "agentschedule.serviceAccount" . }}
{{- end }}
