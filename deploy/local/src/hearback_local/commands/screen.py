"""The output of `hearback up`: progress lines, the JSON answer, and the summary when the fleet is ready."""

import contextlib
import json
import shlex
import sys
import time
from collections.abc import Mapping
from typing import Any

JSON_KEYS = (
    "url",
    "dsn",
    "public_key",
    "project_id",
    "organization",
    "project",
    "token",
    "admin_email",
    "admin_password",
    "data_dir",
)


class Progress:
    """Prints lines to stderr, each with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def __call__(self, line: str) -> None:
        """Print a line; never raise."""
        # A full disk or a closed terminal must not end the launcher.
        with contextlib.suppress(OSError, ValueError):
            print(f"[{self.seconds:5.1f}s] {line}", file=sys.stderr, flush=True)


def json_line(answer: Mapping[str, Any]) -> str:
    """Return the line of `--json`, with exactly the documented keys."""
    return json.dumps({key: answer.get(key) for key in JSON_KEYS})


def first_feedback(answer: Mapping[str, Any]) -> str:
    """Return a shell command that sends a feedback, to be pasted into a terminal."""
    event = json.dumps(
        {"contexts": {"feedback": {"message": "Hello from Hearback", "contact_email": "me@example.com"}}}
    )
    header = json.dumps({"dsn": answer["dsn"]})
    item = json.dumps({"type": "feedback"})
    return (
        f"printf '%s\\n' '{header}' '{item}' '{event}' | curl -sS --data-binary @- "
        f"'{answer['url']}/api/{answer['project_id']}/envelope/?sentry_key={answer['public_key']}'"
    )


def summary(answer: Mapping[str, Any], seconds: float, *, detached: bool) -> str:
    """Return what a newcomer needs once the fleet is ready."""
    folder = shlex.quote(answer["data_dir"])
    end = f"`hearback down --data-dir {folder}`" if detached else "Ctrl-C"
    password = answer.get("admin_password") or (
        f"a password that this folder does not have; another account:\n"
        f"             hearback member add {answer['organization']} EMAIL owner --data-dir {folder}"
    )
    return f"""
Hearback is ready ({seconds:.1f} s).

  Open       {answer["url"]}
  DSN        {answer["dsn"]}
  Login      {answer.get("admin_email")}  /  {password}
  API token  {answer.get("token")}
  Data       {answer["data_dir"]}

Send a first feedback:

  {first_feedback(answer)}

{end} stops everything; the data stays.
"""
