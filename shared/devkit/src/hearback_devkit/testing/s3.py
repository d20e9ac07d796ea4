"""An in-memory S3 server (moto) in a child process."""

import re
import subprocess
import sys
import time
import urllib.request
from xml.sax.saxutils import unescape

from hearback_devkit.engines.process import free_port

BUCKET = "attachments"
START_SECONDS_MAX = 60.0


class S3Server:
    """Serves the bucket `attachments` on a loopback port, which stays the same after restarts."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The server's URL."""
        return f"http://127.0.0.1:{self.port}"

    def blob_url(self, prefix: str = "", endpoint: str = "") -> str:
        """Return the `HEARBACK_BLOB_URL` of this server, or of another `endpoint`, such as a proxy."""
        keys = "access_key_id=testing&secret_access_key=testing"
        return f"s3://{BUCKET}/{prefix}?endpoint={endpoint or self.endpoint}&region=us-east-1&{keys}"

    def start(self) -> None:
        """Start with an empty bucket. Raises RuntimeError if it fails to start."""
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            try:
                self._ask("PUT", f"/{BUCKET}")
                return
            except OSError as error:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.stop()
                    raise RuntimeError("the S3 server does not start") from error
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop; all data is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def keys(self, prefix: str = "") -> list[str]:
        """Return up to 1,000 keys of the bucket."""
        listing = self._ask("GET", f"/{BUCKET}?list-type=2&prefix={prefix}")
        return [unescape(key) for key in re.findall(r"<Key>([^<]*)</Key>", listing)]

    def unfinished_uploads(self) -> int:
        """Return the number of multipart uploads that were neither completed nor aborted."""
        return self._ask("GET", f"/{BUCKET}?uploads").count("<UploadId>")

    def _ask(self, method: str, path: str) -> str:
        request = urllib.request.Request(self.endpoint + path, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text: str = answer.read().decode()
            return text
