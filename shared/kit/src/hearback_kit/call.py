"""Call a service of the fleet once, signed, as an operator: `python -m hearback_kit.call METHOD URL [JSON]`.

The secret is `HEARBACK_SECRET_KEY` of the environment, which every container of a fleet has.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from hearback_kit.errors import Unavailable
from hearback_kit.http import ServiceClient

CALL_SECONDS_MAX: Final = 600.0


def main(argv: Sequence[str] | None = None) -> int:
    """Print the answer; return 0, 1 if the call fails, 2 without a secret."""
    parser = argparse.ArgumentParser(prog="python -m hearback_kit.call", description=__doc__)
    parser.add_argument("method", type=str.upper)
    parser.add_argument("url", help="such as http://127.0.0.1:8080/internal/bootstrap")
    parser.add_argument("json", nargs="?", default="", help="the body")
    given = parser.parse_args(argv)
    secret = os.environ.get("HEARBACK_SECRET_KEY")
    if not secret:
        sys.stderr.write("HEARBACK_SECRET_KEY is not set\n")
        return 2
    try:
        status, text = asyncio.run(_call(secret, given.method, given.url, given.json.encode()))
    except Unavailable as error:
        sys.stderr.write(f"{error.detail}\n")
        return 1
    (sys.stdout if status < 400 else sys.stderr).write(f"{text}\n")
    return 0 if status < 400 else 1


async def _call(secret: str, method: str, url: str, body: bytes) -> tuple[int, str]:
    parts = urlsplit(url)
    origin, target = f"{parts.scheme}://{parts.netloc}", parts._replace(scheme="", netloc="").geturl()
    client = ServiceClient(origin, service="operator", secret=secret, timeout_seconds=CALL_SECONDS_MAX)
    try:
        answer = await client.request(method, target, body=body)
    finally:
        await client.close()
    return answer.status_code, answer.text


if __name__ == "__main__":
    sys.exit(main())
