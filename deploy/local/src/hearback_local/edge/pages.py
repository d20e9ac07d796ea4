"""The answers of the edge itself: the landing page and errors."""

import json
from typing import Final


def error_body(code: str, detail: str) -> bytes:
    """Return an error in the shape that all services use."""
    return json.dumps({"detail": detail, "code": code}).encode()


LANDING: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Hearback</title>
<style>
body { font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1.25rem;
       color: light-dark(#1d1b22, #eceaf1); background: light-dark(#fff, #17151c); }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
code { font: .9em/1.6 ui-monospace, monospace; background: light-dark(#f1eff5, #262330);
       padding: .15em .35em; border-radius: .3em; overflow-wrap: anywhere; }
a { color: light-dark(#5a31c9, #b8a1ff); }
li { margin: .3rem 0; }
</style>
</head>
<body>
<main>
<h1>Hearback is running</h1>
<p>A self-hosted, Sentry-protocol-compatible backend for user feedback.
Point the DSN of any Sentry SDK at this address; the terminal that started the fleet shows the DSN.</p>
<ul>
<li>Envelopes: <code>POST /api/{project_id}/envelope/</code></li>
<li>Issues: <code>GET /api/0/organizations/{organization}/issues/?query=issue.category:feedback</code></li>
<li>The fate of every submission:
<code>GET /api/0/projects/{organization}/{project}/submissions/{event_id}/</code></li>
<li>Is this address alive: <a href="/healthz">/healthz</a></li>
</ul>
<p>State of every process: <code>hearback status</code>.
Everything else: <code>README.md</code>.</p>
</main>
</body>
</html>
"""
