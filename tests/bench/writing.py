"""The limit of attachments: a bare app that writes each body to a file of its own and answers."""

import itertools
import sys
from pathlib import Path
from typing import Any

import uvicorn

from tests.bench.bare import ANSWER, START


class Writing:
    """Writes bodies to a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._numbers = itertools.count()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Write the body as it comes, answer an id."""
        if scope["type"] != "http":
            return
        with (self._folder / str(next(self._numbers) % 64)).open("wb") as file:
            more = True
            while more:
                message = await receive()
                file.write(message.get("body", b""))
                more = message.get("more_body", False)
        await send(START)
        await send({"type": "http.response.body", "body": ANSWER})


if __name__ == "__main__":
    uvicorn.run(
        Writing(Path(sys.argv[2])),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
