"""Static files, with a content digest in the URL, so that browsers cache them indefinitely."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

# Only these are served. SVG may contain scripts, so files get a policy that allows none.
MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".txt": "text/plain; charset=utf-8",
}
_COMPRESSED: Final = {".css", ".js", ".svg", ".txt"}
_FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file and its gzipped content, if compressible."""

    media_type: str
    content: bytes
    compressed: bytes | None


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """The static files of a service: its own and the shared ones, which its own override."""

    service: str
    digest: str
    files: dict[str, StaticFile]

    @classmethod
    def load(cls, service: str, *folders: Path) -> Self:
        """Read all files of the folders into memory; earlier folders take precedence."""
        files: dict[str, StaticFile] = {}
        digest = hashlib.sha256()
        for folder in folders:
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                name = path.relative_to(folder).as_posix()
                if path.suffix in MEDIA_TYPES and name not in files:
                    files[name] = _read(path)
                    digest.update(name.encode() + b"\0" + files[name].content)
        return cls(service, digest.hexdigest()[:12], files)

    def url(self, name: str) -> str:
        """Return the URL of a file; raise LookupError if it does not exist."""
        if name not in self.files:
            raise LookupError(f"{self.service} has no static file {name}")
        return f"/static/{self.service}/{self.digest}/{name}"

    async def serve(self, request: Request) -> Response:
        """Return a file; a URL with an outdated digest gets the current file, uncached."""
        file = self.files.get(request.path_params["name"])
        if file is None:
            return PlainTextResponse("There is no such file.", 404, {"Cache-Control": "no-store"})
        is_current = request.path_params["digest"] == self.digest
        headers = {
            "Cache-Control": _FOREVER if is_current else "no-cache",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Vary": "Accept-Encoding",
        }
        content = file.content
        if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = file.compressed, "gzip"
        return Response(content, media_type=file.media_type, headers=headers)


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    compressed = gzip.compress(content, 9, mtime=0) if path.suffix in _COMPRESSED else None
    return StaticFile(MEDIA_TYPES[path.suffix], content, compressed)
