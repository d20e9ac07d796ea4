"""The edge: one public port in front of the services, which streams both ways and keeps nothing.

It routes by `hearback_contracts.routes`, adds `X-Forwarded-For` and `X-Forwarded-Proto`, and changes
nothing else. `docs/` of a production set-up put an ingress in its place.
"""

from hearback_local.edge.server import EdgeOptions, serve_edge

__all__ = ["EdgeOptions", "serve_edge"]
