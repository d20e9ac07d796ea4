"""Headers of pages: nothing of another origin is loaded, no inline script or style runs, no site frames them."""

from collections.abc import Mapping
from typing import Final

# Of every answer on a page's path, unless the page sets another.
PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def content_security_policy(nonce: str, changes: Mapping[str, str] | None = None) -> str:
    """Return the policy of a page; `changes` replaces directives, such as `{"frame-src": "'self'"}`."""
    directives = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        **(changes or {}),
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())
