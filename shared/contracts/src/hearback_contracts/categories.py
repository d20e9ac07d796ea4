"""Data categories, which quotas limit and outcomes count (names and ids as in Sentry)."""

from enum import IntEnum


class DataCategory(IntEnum):
    """A data category by its wire id; `str()` gives the wire name. UNKNOWN stands for any name not listed."""

    UNKNOWN = -1
    DEFAULT = 0
    ERROR = 1
    TRANSACTION = 2
    SECURITY = 3
    ATTACHMENT = 4
    SESSION = 5
    PROFILE = 6
    REPLAY = 7
    TRANSACTION_PROCESSED = 8
    TRANSACTION_INDEXED = 9
    MONITOR = 10
    PROFILE_INDEXED = 11
    SPAN = 12
    MONITOR_SEAT = 13
    FEEDBACK = 14
    METRIC_BUCKET = 15
    SPAN_INDEXED = 16
    PROFILE_DURATION = 17
    PROFILE_CHUNK = 18
    METRIC_SECOND = 19
    REPLAY_VIDEO = 20
    UPTIME = 21
    ATTACHMENT_ITEM = 22
    LOG_ITEM = 23
    LOG_BYTE = 24
    PROFILE_DURATION_UI = 25
    PROFILE_CHUNK_UI = 26
    SEER_AUTOFIX = 27
    SEER_SCANNER = 28
    PREVENT_USER = 29
    PREVENT_REVIEW = 30
    SIZE_ANALYSIS = 31
    INSTALLABLE_BUILD = 32
    TRACE_METRIC = 33
    SEER_USER = 34
    PROFILE_BACKEND = 35
    PROFILE_UI = 36
    TRACE_METRIC_BYTE = 37
    SNAPSHOT_IMAGE = 38

    def __str__(self) -> str:
        return self.name.lower()

    @property
    def unit(self) -> str:
        """The unit of its quantities: `count`, `bytes` or `milliseconds`."""
        if self in _BYTES:
            return "bytes"
        return "milliseconds" if self in _MILLISECONDS else "count"

    @classmethod
    def parse(cls, name: str) -> "DataCategory":
        """Return the category of a wire name or alias; UNKNOWN for any other (names are case-sensitive)."""
        return _BY_NAME.get(name, cls.UNKNOWN)


_BYTES = frozenset({DataCategory.ATTACHMENT, DataCategory.LOG_BYTE, DataCategory.TRACE_METRIC_BYTE})
_MILLISECONDS = frozenset({DataCategory.PROFILE_DURATION, DataCategory.PROFILE_DURATION_UI})
_BY_NAME = {str(category): category for category in DataCategory if category is not DataCategory.UNKNOWN}
_BY_NAME["user_report_v2"] = DataCategory.FEEDBACK
