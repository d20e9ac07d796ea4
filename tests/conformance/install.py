"""Installs the SDKs that the conformance tests drive: once, and again when their lock changed.

Older Python SDKs cannot live beside the newest one, so each gets a folder of its own.
usage: python tests/conformance/install.py UV
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(uv: str) -> None:
    """Bring every folder to what its lock file says."""
    for lock in sorted((HERE / "python").glob("*.lock")):
        folder = Path(sys.prefix) / "sdks" / lock.stem
        stamp, wanted = folder / ".lock", hashlib.sha256(lock.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--python",
                sys.executable,
                "--target",
                str(folder),
                "--require-hashes",
                "-r",
                str(lock),
            ],
            check=True,
        )
        stamp.write_text(wanted)


if __name__ == "__main__":
    main(sys.argv[1])
