"""The edge: a reverse proxy with one public port in front of the services, without buffering.

It routes by `hearback_contracts.routes` and adds `X-Forwarded-For` and `X-Forwarded-Proto`. Connections that send
envelopes are handed over to the gateway. In production an ingress takes its place.

Modules, each importing only those before it: `settings`, `heads`, `requests` (heads of requests), `pages` (errors
for browsers), `upstream` (connections to services), `proxied` (one request), `router` (which service), `handover`
(handing over), `clients` and `client` (connections from clients), `server` (the process).
"""
