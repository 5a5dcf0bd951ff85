{{/* Every helper takes one context, made once per service:
     root, name, service, and component (serve, work or migrate). */}}

{{/* Labels a selector may use. They must never change after the first install. */}}
{{- define "sosia.selectorLabels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "sosia.labels" -}}
{{ include "sosia.selectorLabels" . }}
app.kubernetes.io/version: {{ include "sosia.tag" . | quote }}
app.kubernetes.io/part-of: sosia
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "sosia.fullname" -}}
{{- $name := printf "%s-%s" .root.Release.Name .name -}}
{{- if eq .component "serve" }}{{ $name }}{{ else if eq .component "work" }}{{ $name }}-worker{{ else }}{{ $name }}-{{ .component }}{{ end -}}
{{- end -}}

{{- define "sosia.tag" -}}
{{- coalesce .service.tag .root.Values.image.tag .root.Chart.AppVersion -}}
{{- end -}}

{{- define "sosia.image" -}}
{{- $image := ternary (printf "%s-worker" .name) .name (eq .component "work") -}}
{{ .root.Values.image.repository }}/{{ $image }}:{{ include "sosia.tag" . }}
{{- end -}}

{{/* The settings that are no secret, as a map of names without prefix to values. */}}
{{- define "sosia.settings" -}}
NATS_URL: {{ .root.Values.natsUrl | quote }}
OPS_ADDRESS: "0.0.0.0:9090"
{{- if .service.http }}
HTTP_ADDRESS: "0.0.0.0:8080"
{{- else }}
RPC_ADDRESS: "0.0.0.0:50051"
{{- end }}
{{- if .service.worker }}
WORKER_OPS_ADDRESS: "0.0.0.0:9090"
{{- end }}
{{- if .service.objects }}
OBJECTS_URL: {{ .root.Values.objects.url | quote }}
{{- end }}
{{- range .service.asks }}
{{ upper . }}_ADDRESS: {{ printf "%s-%s:50051" $.root.Release.Name . | quote }}
{{- end }}
{{- range $setting, $file := .service.files }}
{{ $setting }}: {{ include "sosia.filePath" (dict "setting" $setting "file" $file) | quote }}
{{- end }}
{{- range $setting, $folder := .service.folders }}
{{ $setting }}: {{ $folder.image | default (include "sosia.folderPath" $setting) | quote }}
{{- end }}
{{- range $setting, $value := .service.settings }}
{{ $setting }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "sosia.filePath" -}}
/secrets/{{ include "sosia.volume" .setting }}{{ if .file.key }}/{{ .file.key }}{{ end }}
{{- end -}}

{{- define "sosia.folderPath" -}}
/data/{{ include "sosia.volume" . }}
{{- end -}}

{{/* A setting's name as the name of a volume. */}}
{{- define "sosia.volume" -}}
{{- . | lower | replace "_" "-" -}}
{{- end -}}

{{/* The name of an environment variable: the service's prefix and the setting. */}}
{{- define "sosia.variable" -}}
{{ upper .name }}_{{ .setting }}
{{- end -}}

{{/* Secrets that become environment variables: never in a ConfigMap, never in values. */}}
{{- define "sosia.secretEnv" -}}
- name: {{ upper .name }}_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ .service.database.secret }}, key: url}
{{- if eq .component "migrate" }}
- name: {{ upper .name }}_MIGRATION_DATABASE_URL
  valueFrom:
    secretKeyRef: {name: {{ .service.database.secret }}, key: migration-url}
{{- end }}
{{- end -}}

{{- define "sosia.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "sosia.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Whether a folder is mounted in this component: `only` keeps it to one. */}}
{{- define "sosia.hasFolder" -}}
{{- $only := ternary "work" "serve" (eq (.folder.only | default "") "worker") -}}
{{- if and (not .folder.image) (or (not .folder.only) (eq $only .component)) }}yes{{ end -}}
{{- end -}}

{{- define "sosia.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range $setting, $file := .service.files }}
- {name: {{ include "sosia.volume" $setting }}, mountPath: /secrets/{{ include "sosia.volume" $setting }}, readOnly: true}
{{- end }}
{{- range $setting, $folder := .service.folders }}
{{- if include "sosia.hasFolder" (dict "folder" $folder "component" $.component) }}
- {name: {{ include "sosia.volume" $setting }}, mountPath: {{ include "sosia.folderPath" $setting }}, readOnly: {{ $folder.readOnly | default false }}}
{{- end }}
{{- end }}
{{- if eq .component "work" }}
- {name: shm, mountPath: /dev/shm}
{{- end }}
{{- end -}}

{{- define "sosia.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 2Gi}
{{- range $setting, $file := .service.files }}
- name: {{ include "sosia.volume" $setting }}
  secret: {secretName: {{ $file.secret }}, defaultMode: 0440}
{{- end }}
{{- range $setting, $folder := .service.folders }}
{{- if include "sosia.hasFolder" (dict "folder" $folder "component" $.component) }}
- name: {{ include "sosia.volume" $setting }}
  {{- if $folder.claim }}
  persistentVolumeClaim: {claimName: {{ $folder.claim }}}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
{{- end }}
{{- if eq .component "work" }}
- name: shm
  emptyDir: {medium: Memory, sizeLimit: 1Gi}
{{- end }}
{{- end -}}

{{- define "sosia.imagePull" -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The pods of serve and work, which differ in image, command, resources and place. */}}
{{- define "sosia.pods" -}}
{{- $scale := ternary .service.worker .service (eq .component "work") -}}
metadata:
  labels: {{- include "sosia.labels" . | nindent 4 }}
  annotations:
    sosia/config: {{ include "sosia.settings" . | sha256sum }}
spec:
  serviceAccountName: {{ .root.Release.Name }}-{{ .name }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 30
  securityContext: {{- include "sosia.podSecurity" . | nindent 4 }}
  {{- include "sosia.imagePull" . | nindent 2 }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "sosia.selectorLabels" . | nindent 10 }}
  {{- with $scale.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $scale.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ include "sosia.image" . }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: [{{ .component }}]
      securityContext: {{- include "sosia.containerSecurity" . | nindent 8 }}
      envFrom:
        - configMapRef: {name: {{ .root.Release.Name }}-{{ .name }}}
        {{- if and .service.objects .root.Values.objects.secret }}
        - secretRef: {name: {{ .root.Values.objects.secret }}}
        {{- end }}
      env: {{- include "sosia.secretEnv" . | nindent 8 }}
      ports:
        - {name: ops, containerPort: 9090}
        {{- if eq .component "serve" }}
        - {name: {{ ternary "http" "grpc" (default false .service.http) }}, containerPort: {{ ternary 8080 50051 (default false .service.http) }}}
        {{- end }}
      startupProbe:
        httpGet: {path: /livez, port: ops}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /livez, port: ops}
        timeoutSeconds: 3
      readinessProbe:
        httpGet: {path: /readyz, port: ops}
        periodSeconds: 5
        timeoutSeconds: 3
      resources:
        requests: {{- toYaml $scale.resources.requests | nindent 10 }}
        limits:
          {{- toYaml $scale.resources.limits | nindent 10 }}
          {{- if and (eq .component "work") $scale.gpus }}
          nvidia.com/gpu: {{ $scale.gpus }}
          {{- end }}
      volumeMounts: {{- include "sosia.mounts" . | nindent 8 }}
  volumes: {{- include "sosia.volumes" . | nindent 4 }}
{{- end -}}
