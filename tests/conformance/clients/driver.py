"""Drive the programs that people use with Sentry's API: the command line and the MCP server of npm."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

MODULES = Path(__file__).parent / "node_modules"
SECONDS_MAX = 60


def node() -> Path:
    """Return a Node.js that is new enough for the MCP server: the lock file's on Linux, else the machine's."""
    found = sorted(MODULES.glob("node-*/bin/node"))
    return found[0] if found else Path(shutil.which("node") or "node")


class CommandLine:
    """The command line `sentry`, with a home folder of its own."""

    def __init__(self, url: str, token: str, home: Path) -> None:
        self._environment = {
            "PATH": f"{node().parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(home), "SENTRY_URL": url,
            "SENTRY_HOST": url, "SENTRY_AUTH_TOKEN": token, "SENTRY_CLI_NO_TELEMETRY": "1", "DO_NOT_TRACK": "1",
            "NO_COLOR": "1",
        }  # fmt: skip

    def run(self, *arguments: str, succeeds: bool = True) -> str:
        """Run a command; return what it printed. Fail unless it ends as expected."""
        done = subprocess.run(
            [str(MODULES / ".bin/sentry"), *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
            env=self._environment,
            cwd=self._environment["HOME"],
        )
        assert (done.returncode == 0) is succeeds, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Run a command with `--json`; return the document it printed."""
        return json.loads(self.run(*arguments, "--json"))


class McpServer:
    """The MCP server of npm over its standard input and output."""

    def __init__(self, url: str, token: str, home: Path) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "DO_NOT_TRACK": "1"}
        self._process = subprocess.Popen(
            [
                str(node()),
                str(MODULES / "@sentry/mcp-server/dist/index.js"),
                f"--access-token={token}",
                f"--host={url.removeprefix('http://')}",
                "--insecure-http",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._calls = 0
        self._request(
            "initialize",
            {
                "protocolVersion": "2025-03-26",
                "capabilities": {},
                "clientInfo": {"name": "hearback-tests", "version": "1"},
            },
        )
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool; return the text of its answer. Fail when the tool says that it failed."""
        result = self._request("tools/call", {"name": tool, "arguments": arguments})
        text = "\n".join(part.get("text", "") for part in result["content"])
        assert not result.get("isError"), f"{tool} {arguments}: {text}"
        return text

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait(SECONDS_MAX)
        self._process.stdout.close()

    def _write(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._calls += 1
        self._write({"jsonrpc": "2.0", "id": self._calls, "method": method, "params": params})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._calls:
                assert "error" not in answer, answer
                return dict(answer["result"])
        raise AssertionError(f"the MCP server ended during {method}")
