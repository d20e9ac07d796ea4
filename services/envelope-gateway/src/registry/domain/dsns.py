"""DSNs of a client key."""

from urllib.parse import urlsplit

from hearback_contracts.identifiers import Dsn


def dsns_of(public_url: str, project_id: int, public: str, secret: str) -> dict[str, str]:
    """Return the DSNs of a key by kind, for the fleet at `public_url`."""
    parts = urlsplit(public_url)
    prefix = parts.path.rstrip("/")
    dsn = Dsn(parts.scheme, public, parts.netloc, project_id, prefix)
    private = f"{parts.scheme}://{public}:{secret}@{parts.netloc}{prefix}/{project_id}"
    report = f"{parts.scheme}://{parts.netloc}{prefix}/api/{project_id}/security/?sentry_key={public}"
    return {"public": str(dsn), "secret": private, "security": report, "csp": report}
