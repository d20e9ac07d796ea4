"""Errors to show to the user, and those of the system and the stores in words."""

import errno
from typing import Final

ADVICE: Final = {
    errno.ENOSPC: "free some space, then try again",
    errno.EDQUOT: "free some space, then try again",
    errno.EMFILE: "raise the limit of open files (`ulimit -n`)",
    errno.ENFILE: "raise the machine's limit of open files",
    errno.EAGAIN: "raise the limit of processes (`ulimit -u`)",  # of a fork
    errno.ENOMEM: "free some memory, or raise the limit of it (`ulimit -v`)",
}
# What programs say of it, and Python where it raises no OSError.
_SAID: Final = {
    "Resource temporarily unavailable": errno.EAGAIN,
    "Cannot fork": errno.EAGAIN,
    "can't start new thread": errno.EAGAIN,
    "Too many open files": errno.EMFILE,
    "Cannot allocate memory": errno.ENOMEM,
    "MemoryError": errno.ENOMEM,
}
_STORES: Final = {"asyncpg": "PostgreSQL", "redis": "Valkey"}


class FleetError(RuntimeError):
    """A command failed; `hearback` prints the message and exits with 1."""


class InvalidArguments(FleetError):
    """A command cannot use its arguments; `hearback` exits with 2, as for those that the parser refuses."""


def system_error_in_words(error: OSError) -> str:
    """Return a line about a file or process that the system refuses, with advice if there is any."""
    path = error.filename2 or error.filename  # of a copy, the first is what was read
    where = f"{path}: " if path else ""
    advice = ADVICE.get(error.errno or 0)
    return f"{where}{error.strerror or error}" + (f"; {advice}" if advice else "")


def refusal_in_words(error: Exception) -> str | None:
    """Return a line about a file, process, thread or memory that the system refuses; None for other errors."""
    if isinstance(error, OSError):
        return system_error_in_words(error)
    text = " ".join(str(error).split()) or type(error).__name__
    advice = advice_for(text)
    return f"{text}; {advice}" if advice and isinstance(error, (RuntimeError, MemoryError, ImportError)) else None


def advice_for(text: str) -> str | None:
    """Return what to do when a program said that it lacked something of the system; None if it did not."""
    return next((ADVICE[code] for said, code in _SAID.items() if said in text), None)


def with_advice(text: str) -> str:
    """Return what a program said when it failed, with advice if it lacked something of the system."""
    advice = advice_for(text)
    return f"{text}\n{advice}" if advice else text


def store_error_in_words(error: Exception) -> str | None:
    """Return a line about an error of a store's driver; None for any other error."""
    store = _STORES.get(type(error).__module__.partition(".")[0])
    return None if store is None else f"{store}: {' '.join(str(error).split()) or type(error).__name__}"
