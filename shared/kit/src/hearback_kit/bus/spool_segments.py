"""The files of an outage spool: append-only segments of records, oldest first.

A record has a big-endian header of 16 bytes: the length of the payload (4), a CRC-32 of everything else (4), and
the Unix time in milliseconds of the append (8); then the payload. Records are synced to disk before `append`
returns, and a segment's name before its first record. After a restart, segments are not appended to any more, so a
partial record can only be at the end of one, where reading stops.
"""

import fcntl
import os
import re
import struct
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import Counter

from hearback_kit.files import replace_file, sync
from hearback_kit.logs import get_logger

DAMAGED = Counter("hearback_spool_damaged", "Files of the spool that were set aside, as their end cannot be read.")
SEGMENT_BYTES: Final = 8 * 1024 * 1024
RECORD_BYTES_MAX: Final = 2**32 - 1
_SUFFIX: Final = ".spool"
_DAMAGED_SUFFIX: Final = ".damaged"
_REFUSED_SUFFIX: Final = ".refused"
_HEAD: Final = struct.Struct(">IIQ")
_NAME: Final = re.compile(r"\d{16}\.(spool|damaged|refused)")

_log = get_logger(__name__)


class SpoolFull(Exception):
    """The record exceeds the size limit; none of it was written."""


@dataclass(frozen=True, slots=True)
class Record:
    """A payload and its append time in Unix milliseconds."""

    payload: bytes
    appended_at_ms: int


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int
    records: int
    oldest_ms: int


def encode_record(payload: bytes, appended_at_ms: int) -> bytes:
    """Encode a record."""
    length, time = struct.pack(">I", len(payload)), struct.pack(">Q", appended_at_ms)
    return b"".join((length, struct.pack(">I", zlib.crc32(payload, zlib.crc32(length + time))), time, payload))


def decode_records(data: bytes) -> Iterator[Record]:
    """Yield the records of a file, up to the first incomplete one."""
    position = 0
    while (record := _record_at(data, position)) is not None:
        yield record
        position += _HEAD.size + len(record.payload)


def _record_at(data: bytes, position: int) -> Record | None:
    if len(data) - position < _HEAD.size:
        return None
    length, checksum, appended_at_ms = _HEAD.unpack_from(data, position)
    start = position + _HEAD.size
    payload = data[start : start + length]
    known = zlib.crc32(payload, zlib.crc32(data[position : position + 4] + data[position + 8 : start]))
    return Record(payload, appended_at_ms) if len(payload) == length and known == checksum else None


def is_torn(data: bytes) -> bool:
    """Return whether the rest of a file after its last complete record may be a partial record."""
    if len(data) < _HEAD.size or not data.strip(b"\0"):
        return True
    length, _, _ = _HEAD.unpack_from(data)
    return bool(_HEAD.size + length >= len(data))


class SpoolSegments:
    """The segments in a folder, which one process at a time may `open`. Not thread-safe.

    `bytes_max` limits the size of all waiting segments; each has about `segment_bytes`.
    """

    def __init__(self, folder: Path, *, bytes_max: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._segment_bytes = segment_bytes
        self._segments: deque[_Segment] = deque()
        self._lock: int | None = None
        self._active: int | None = None  # the descriptor of the newest segment, while it is written to
        self._number = 0
        self.waiting_bytes = 0
        """Bytes of waiting segments."""
        self.waiting_records = 0
        """Waiting records, including those of the segment being read."""
        self.refused_bytes = 0
        """Bytes of the files of refused records."""
        self.refused_records = 0
        """Refused records that were set aside."""

    @property
    def is_open(self) -> bool:
        """Whether this process has opened the folder."""
        return self._lock is not None

    @property
    def oldest_ms(self) -> int | None:
        """The append time of the oldest waiting record, in Unix milliseconds."""
        return self._segments[0].oldest_ms if self.waiting_records else None

    def open(self) -> bool:
        """Lock the folder and read its segments; return False if another process has locked it.

        Raises OSError if the folder is not writable, or a segment cannot be read; then the folder is not locked.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._find_all()
        except OSError as error:
            os.close(lock)
            if isinstance(error, BlockingIOError):
                return False
            raise
        self._lock = lock
        return True

    def _find_all(self) -> None:
        self._segments.clear()
        self.waiting_bytes = self.waiting_records = self.refused_bytes = self.refused_records = 0
        for path in sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)):
            self._number = max(self._number, int(path.stem))
            if path.suffix == _SUFFIX:
                self._find(path)
            elif path.suffix == _REFUSED_SUFFIX:
                data = path.read_bytes()
                self.refused_bytes += len(data)
                self.refused_records += len(list(decode_records(data)))

    def _find(self, path: Path) -> None:
        data = path.read_bytes()
        records = list(decode_records(data))
        if records:
            self._segments.append(_Segment(path, len(data), len(records), records[0].appended_at_ms))
            self.waiting_bytes += len(data)
            self.waiting_records += len(records)
        else:
            _dispose(path)

    def append(self, payload: bytes, appended_at_ms: int) -> None:
        """Write a record durably. Raises SpoolFull or OSError, after removing any part of it.

        If the disk fails to truncate that part, too, it may still be read later.
        """
        record = encode_record(payload, appended_at_ms)
        if self.waiting_bytes + len(record) > self._bytes_max or len(payload) > RECORD_BYTES_MAX:
            raise SpoolFull
        if self._active is None or self._segments[-1].size >= self._segment_bytes:
            self._begin_segment()
        segment = self._segments[-1]
        try:
            self._write(record)
        except OSError:
            with suppress(OSError):
                os.truncate(segment.path, segment.size)
            self._end_segment()  # after an error of the disk only a new file is known to be as we think
            raise
        if not segment.records:
            segment.oldest_ms = appended_at_ms
        segment.size += len(record)
        segment.records += 1
        self.waiting_bytes += len(record)
        self.waiting_records += 1

    def _write(self, record: bytes) -> None:
        assert self._active is not None, "a segment was begun"
        left = memoryview(record)
        while left:
            left = left[os.write(self._active, left) :]
        os.fdatasync(self._active)

    def _begin_segment(self) -> None:
        self._end_segment()
        path = self._folder / f"{self._number + 1:016d}{_SUFFIX}"
        active = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._number += 1
        try:
            sync(self._folder)
        except OSError:
            os.close(active)
            raise
        self._active = active
        self._segments.append(_Segment(path, 0, 0, 0))

    def _end_segment(self) -> None:
        if self._active is None:
            return
        os.close(self._active)
        self._active = None
        if not self._segments[-1].records:
            self._segments.pop().path.unlink(missing_ok=True)

    def read_oldest(self) -> list[Record]:
        """Return the records of the oldest segment, and stop appending to it; `drop_oldest` removes it."""
        if len(self._segments) == 1:
            self._end_segment()
        return list(decode_records(self._segments[0].path.read_bytes())) if self._segments else []

    def drop_oldest(self) -> None:
        """Remove the segment that `read_oldest` returned; rename it instead if its end is unreadable."""
        segment = self._segments.popleft()
        self.waiting_bytes -= segment.size
        self.waiting_records -= segment.records
        _dispose(segment.path)

    def set_aside(self, payloads: Sequence[bytes], set_aside_at_ms: int) -> None:
        """Write refused payloads durably to a separate file, `….refused`, that is never replayed.

        Raises SpoolFull if these files would exceed `bytes_max`, or OSError; then nothing is set aside.
        """
        records = b"".join(encode_record(payload, set_aside_at_ms) for payload in payloads)
        if self.refused_bytes + len(records) > self._bytes_max:
            raise SpoolFull
        self._number += 1
        replace_file(self._folder / f"{self._number:016d}{_REFUSED_SUFFIX}", records)
        sync(self._folder)
        self.refused_bytes += len(records)
        self.refused_records += len(payloads)

    def close(self) -> None:
        """Release the folder, with its segments, for another process."""
        self._end_segment()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _dispose(path: Path) -> None:
    """Remove a replayed segment, unless its end is corrupt rather than a partial record."""
    data = path.read_bytes()
    whole = sum(_HEAD.size + len(record.payload) for record in decode_records(data))
    if is_torn(data[whole:]):
        path.unlink()
        return
    DAMAGED.inc()
    _log.error("spool_damaged", file=path.name, bytes=len(data) - whole)
    path.rename(path.with_suffix(_DAMAGED_SUFFIX))
