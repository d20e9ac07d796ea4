"""Every metric of the registry."""

from prometheus_client import Counter, Gauge

PUBLISHED = Counter("registry_snapshots_published", "Snapshots of the configuration that were published.")
PUBLISH_FAILURES = Counter("registry_publish_failures", "Attempts to publish that failed and will be repeated.")
UNPUBLISHED = Gauge("registry_unpublished", "Snapshots that changed and wait to be published.")
LOGINS = Counter("registry_logins", "Attempts to sign in by result.", ["result"])
MAILS = Counter("registry_mails", "Attempts to deliver a mail by result.", ["result"])
