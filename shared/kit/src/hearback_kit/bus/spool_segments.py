"""Records in append-only files of a folder, oldest first: what an outage spool keeps on disk.

A file (a segment) is a row of records. A record has a head of 16 bytes, big-endian: the length of its payload (4),
a CRC-32 of everything but itself (4), when it was appended in Unix milliseconds (8); then the payload. A record
is synced to the disk before `append` returns, and the name of a file before its first record is. A file is never
written to again after a restart, so whatever a kill left half written is at the end of one: there reading ends.
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
    """The record does not fit within the bound; nothing of it was written."""


@dataclass(frozen=True, slots=True)
class Record:
    """One payload and when it was appended, in Unix milliseconds."""

    payload: bytes
    appended_at_ms: int


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int
    records: int
    oldest_ms: int


def encode_record(payload: bytes, appended_at_ms: int) -> bytes:
    """Return a record as it lies in a file."""
    length, time = struct.pack(">I", len(payload)), struct.pack(">Q", appended_at_ms)
    return b"".join((length, struct.pack(">I", zlib.crc32(payload, zlib.crc32(length + time))), time, payload))


def decode_records(data: bytes) -> Iterator[Record]:
    """Yield the records of a file, up to the first that is not whole."""
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
    """Whether what follows the last whole record of a file may be one record that was being written."""
    if len(data) < _HEAD.size or not data.strip(b"\0"):
        return True
    length, _, _ = _HEAD.unpack_from(data)
    return bool(_HEAD.size + length >= len(data))


class SpoolSegments:
    """The files of one folder, which one process at a time may `open`. To be used by one thread at a time.

    `bytes_max` bounds the bytes of all files that wait; a file has about `segment_bytes`.
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
        """Bytes of all files that wait."""
        self.waiting_records = 0
        """Records that wait, those of a file that is being read included."""
        self.refused_bytes = 0
        """Bytes of the files with what was set aside."""
        self.refused_records = 0
        """Records that were set aside."""

    @property
    def is_open(self) -> bool:
        """Whether the folder is this process's."""
        return self._lock is not None

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest record that waits was appended, in Unix milliseconds."""
        return self._segments[0].oldest_ms if self.waiting_records else None

    def open(self) -> bool:
        """Take the folder, and what an earlier process left in it; False when another process has it.

        Raises OSError when the folder cannot be written to.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        for path in sorted(path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)):
            self._number = max(self._number, int(path.stem))
            if path.suffix == _SUFFIX:
                self._find(path)
            elif path.suffix == _REFUSED_SUFFIX:
                data = path.read_bytes()
                self.refused_bytes += len(data)
                self.refused_records += len(list(decode_records(data)))
        return True

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
        """Return when the record is on the disk. Raises SpoolFull or OSError; then nothing of it is kept.

        Only when the disk also fails to cut off what was written of the record, that may be read all the same.
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
            self._sync_folder()
        except OSError:
            os.close(active)
            raise
        self._active = active
        self._segments.append(_Segment(path, 0, 0, 0))

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _end_segment(self) -> None:
        if self._active is None:
            return
        os.close(self._active)
        self._active = None
        if not self._segments[-1].records:
            self._segments.pop().path.unlink(missing_ok=True)

    def read_oldest(self) -> list[Record]:
        """Return the records of the oldest file, which is not written to from now on; `drop_oldest` removes it."""
        if len(self._segments) == 1:
            self._end_segment()
        return list(decode_records(self._segments[0].path.read_bytes())) if self._segments else []

    def drop_oldest(self) -> None:
        """Remove the file that `read_oldest` returned; one whose end cannot be read stays under another name."""
        segment = self._segments.popleft()
        self.waiting_bytes -= segment.size
        self.waiting_records -= segment.records
        _dispose(segment.path)

    def set_aside(self, payloads: Sequence[bytes], set_aside_at_ms: int) -> None:
        """Return when these are in a file of their own that nothing reads: `….refused`.

        Raises SpoolFull when these files would have more than `bytes_max`, OSError when it cannot be written. Then
        nothing is set aside.
        """
        records = b"".join(encode_record(payload, set_aside_at_ms) for payload in payloads)
        if self.refused_bytes + len(records) > self._bytes_max:
            raise SpoolFull
        self._number += 1
        path = self._folder / f"{self._number:016d}{_REFUSED_SUFFIX}"
        unfinished = path.with_suffix(".unfinished")
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(records)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        self._sync_folder()
        self.refused_bytes += len(records)
        self.refused_records += len(payloads)

    def close(self) -> None:
        """Leave the folder to another process, with all that waits."""
        self._end_segment()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _dispose(path: Path) -> None:
    """Remove a file whose records are done, unless it holds what can be no record that a kill tore."""
    data = path.read_bytes()
    whole = sum(_HEAD.size + len(record.payload) for record in decode_records(data))
    if is_torn(data[whole:]):
        path.unlink()
        return
    DAMAGED.inc()
    _log.error("spool_damaged", file=path.name, bytes=len(data) - whole)
    path.rename(path.with_suffix(_DAMAGED_SUFFIX))
