"""Generates network policies that allow only the connections between services.

The stores' addresses are unknown here, so their ports are open to all addresses; an overlay may restrict them.
"""

from collections.abc import Iterator, Mapping
from typing import Final

# The services whose internal API a service calls (ARCHITECTURE, how data flows).
CALLS: Final[Mapping[str, tuple[str, ...]]] = {
    "registry": (),
    "envelope-gateway": (),
    "feedback": ("registry", "user-reports", "client-reports", "notifier"),
    "user-reports": ("registry", "feedback"),
    "crash-embed": (),
    "client-reports": ("registry",),
    "notifier": ("registry",),
}
POSTGRES: Final = (5432,)
VALKEY: Final = (6379, 26379)  # servers and Sentinels
BLOBS: Final = (443,)
MAIL: Final = (25, 465, 587)
WEBHOOKS: Final = (80, 443)
# Beside PostgreSQL, which all that have a database reach.
REACHES: Final[Mapping[str, tuple[int, ...]]] = {
    "registry": VALKEY + MAIL,
    "envelope-gateway": VALKEY + BLOBS,
    "feedback": VALKEY + BLOBS,
    "user-reports": VALKEY,
    "crash-embed": VALKEY,
    "client-reports": VALKEY,
    "notifier": VALKEY + MAIL + WEBHOOKS,
}


def network_policies(databases: Mapping[str, bool], port: int) -> str:
    """Return the policies; `databases` says for each service whether it has one."""
    return "---\n".join("".join(_policy(name, has, port)) for name, has in databases.items())


def _policy(name: str, has_database: bool, port: int) -> Iterator[str]:
    callers = [caller for caller, called in CALLS.items() if name in called]
    yield POLICY.format(name=name)
    yield "  ingress:\n    - from:\n        - podSelector:\n            matchLabels: {app: edge}\n"
    yield "".join(
        f"        - podSelector:\n            matchLabels: {{service: {caller}}}\n" for caller in callers
    )
    yield MONITORING.format(port=port)
    yield "  egress:\n"
    if CALLS[name]:
        yield "    - to:\n"
        yield "".join(
            f"        - podSelector:\n            matchLabels: {{app: {called}}}\n" for called in CALLS[name]
        )
        yield f"      ports:\n        - port: {port}\n"
    ports = (POSTGRES if has_database else ()) + REACHES[name]
    yield OUTSIDE + "".join(f"        - port: {number}\n" for number in sorted(set(ports)))


POLICY: Final = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {name}
spec:
  podSelector:
    matchLabels: {{service: {name}}}
  policyTypes: [Ingress, Egress]
"""
MONITORING: Final = """\
        # Metrics.
        - namespaceSelector:
            matchLabels: {{kubernetes.io/metadata.name: monitoring}}
      ports:
        - port: {port}
"""
# The stores' addresses are unknown; those of the node and its cloud are excluded.
OUTSIDE: Final = """\
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
            except: [169.254.0.0/16]
        - ipBlock:
            cidr: "::/0"
            except: ["fe80::/10"]
      ports:
"""
