"""What a person sees: progress while the fleet starts, and the last screen."""

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
    """Lines on stderr, each with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def __call__(self, line: str) -> None:
        """Tells one step."""
        print(f"[{self.seconds:5.1f}s] {line}", file=sys.stderr, flush=True)


def json_line(answer: Mapping[str, Any]) -> str:
    """The one line of `--json`, with exactly the documented keys."""
    return json.dumps({key: answer.get(key) for key in JSON_KEYS})


def first_feedback(answer: Mapping[str, Any]) -> str:
    """A shell line that sends a feedback, as a person may paste it."""
    event = json.dumps(
        {"contexts": {"feedback": {"message": "Hello from Hearback", "contact_email": "me@example.com"}}}
    )
    header = json.dumps({"dsn": answer["dsn"]})
    item = json.dumps({"type": "feedback"})
    return (
        f"printf '%s\\n' '{header}' '{item}' '{event}' | curl -sS --data-binary @- "
        f"'{answer['url']}/api/{answer['project_id']}/envelope/?sentry_key={answer['public_key']}'"
    )


def last_screen(answer: Mapping[str, Any], seconds: float, *, detached: bool) -> str:
    """Everything a newcomer needs, after the fleet is ready."""
    end = f"`hearback down --data-dir {shlex.quote(answer['data_dir'])}`" if detached else "Ctrl-C"
    return f"""
Hearback is ready ({seconds:.1f} s).

  Open       {answer["url"]}
  DSN        {answer["dsn"]}
  Login      {answer.get("admin_email")}  /  {answer.get("admin_password")}
  API token  {answer.get("token")}
  Data       {answer["data_dir"]}

Send a first feedback:

  {first_feedback(answer)}

{end} stops everything; the data stays.
"""
