"""Templates of the pods in the kustomize base, for `deployments`."""

from typing import Final

POD: Final = """\
automountServiceAccountToken: false
# Else Kubernetes sets variables such as FEEDBACK_PORT, which are settings of ours.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  fsGroup: 10001
  seccompProfile: {{type: RuntimeDefault}}
volumes:
  - name: tmp
    emptyDir: {{}}
  - name: files
    emptyDir: {{}}
containers:
  - name: {name}
    image: hearback/{name}
    args: [{command}]
    envFrom:
      - configMapRef: {{name: hearback}}
      - secretRef: {{name: hearback}}
    ports:
      - containerPort: {port}
    volumeMounts:
      - {{name: tmp, mountPath: /tmp}}
      - {{name: files, mountPath: /var/lib/hearback}}
    securityContext:
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities: {{drop: [ALL]}}
    resources:
      requests: {{cpu: 50m, memory: 128Mi}}
      limits: {{memory: 512Mi}}
"""
# A start may take two minutes, as on a busy node; the liveness probe begins after it.
PROBES: Final = """\
    startupProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 60
    livenessProbe:
      httpGet: {path: /healthz, port: 8080}
      periodSeconds: 10
      timeoutSeconds: 5
    readinessProbe:
      httpGet: {path: /readyz, port: 8080}
      periodSeconds: 5
      timeoutSeconds: 5
"""
# New connections come until the endpoint is gone everywhere; only then does the process stop.
STOP: Final = """\
    lifecycle:
      preStop:
        sleep: {seconds: 5}
"""
WAIT: Final = """\
initContainers:
  - name: wait-for-migrations
    image: hearback/{name}
    args: [check]
    envFrom:
      - configMapRef: {{name: hearback}}
      - secretRef: {{name: hearback}}
    securityContext:
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities: {{drop: [ALL]}}
    resources:
      requests: {{cpu: 50m, memory: 128Mi}}
      limits: {{memory: 512Mi}}
"""
