"""Names and media types of uploaded files, made safe."""

import re

OCTETS = "application/octet-stream"
FILE_NAME_CHARACTERS_MAX = 200
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}\Z")
_UNSAFE = re.compile(r'[\x00-\x1f\x7f"\\/:*?<>|\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]')


def media_type(content_type: str | None) -> str:
    """Return a content type without its parameters; `application/octet-stream` if it is malformed."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind if _MEDIA_TYPE.match(kind) else OCTETS


def file_name(name: str) -> str:
    """Return the last part of a path (POSIX or Windows) without characters that file names must not have."""
    base = re.split(r"[\\/]", name)[-1]
    safe = _UNSAFE.sub("_", base).strip(" .")
    return safe[:FILE_NAME_CHARACTERS_MAX] or "attachment"
