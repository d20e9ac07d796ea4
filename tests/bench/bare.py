"""The limit: uvicorn with an app that reads the body and answers, with the settings our services have."""

import sys
from typing import Any

import uvicorn

ANSWER = b'{"id":"9ec79c33ec9942ab8353589fcb2e04dc"}'
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"41")],
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, answer an id."""
    if scope["type"] != "http":
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send(START)
    await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
    )
