"""What a person reads of errors of the system and of the stores."""

import errno
import os

import asyncpg
import pytest
import redis
from hearback_local.errors import refusal_in_words, store_error_in_words, system_error_in_words, with_advice


@pytest.mark.parametrize(
    ("code", "path", "words"),
    [
        (errno.ENOSPC, "/fleet/a", "/fleet/a: No space left on device; free some space, then try again"),
        (errno.EMFILE, None, "Too many open files; raise the limit of open files (`ulimit -n`)"),
        (errno.EAGAIN, None, "Resource temporarily unavailable; raise the limit of processes (`ulimit -u`)"),
        (errno.EROFS, "/fleet", "/fleet: Read-only file system"),
    ],
)
def test_a_system_error_is_a_line_with_advice(code: int, path: str | None, words: str) -> None:
    assert system_error_in_words(OSError(code, os.strerror(code), path)) == words


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Fatal: Can't initialize Background Jobs. Error message: Resource temporarily unavailable", "processes"),
        ("initdb failed:\nsh: 1: Cannot fork", "processes"),
        ("Traceback\nRuntimeError: can't start new thread", "processes"),
        ("postgres cannot be started: [Errno 24] Too many open files", "open files"),
        ("FATAL: could not map anonymous shared memory: Cannot allocate memory", "it (`ulimit -v`)"),
        ("Address already in use", None),
    ],
)
def test_what_a_program_lacks_is_said_with_what_to_raise(text: str, advice: str | None) -> None:
    assert with_advice(text).startswith(text)
    assert (with_advice(text) != text) == (advice is not None)
    assert advice is None or f"raise the limit of {advice}" in with_advice(text).splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RuntimeError("can't start new thread"), "can't start new thread; raise the limit of processes"),
        (MemoryError(), "MemoryError; free some memory"),
        (ImportError("libx.so: failed to map segment: Cannot allocate memory"), "libx.so: failed to map segment"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "Cannot allocate memory; free some memory"),
        (RuntimeError("ours"), None),
        (ValueError("Too many open files"), None),
    ],
)
def test_what_the_system_refuses_is_a_line_with_advice(error: Exception, words: str | None) -> None:
    assert (refusal_in_words(error) or "").startswith(words or "")
    assert (refusal_in_words(error) is None) == (words is None)


def test_a_copy_that_fails_names_what_could_not_be_written() -> None:
    error = OSError(errno.EROFS, os.strerror(errno.EROFS), "/from", None, "/to")
    assert system_error_in_words(error) == "/to: Read-only file system"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            asyncpg.TooManyConnectionsError("sorry, too many clients already"),
            "PostgreSQL: sorry, too many clients",
        ),
        (redis.OutOfMemoryError("OOM command not allowed"), "Valkey: OOM command not allowed"),
        (redis.ConnectionError(), "Valkey: ConnectionError"),
        (ValueError("ours"), None),
    ],
)
def test_an_error_of_a_store_is_a_line(error: Exception, words: str | None) -> None:
    assert (store_error_in_words(error) or "").startswith(words or "")
    assert (store_error_in_words(error) is None) == (words is None)
