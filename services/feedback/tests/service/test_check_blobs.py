"""Bytes without records and records without bytes are found."""

from typing import Any

import pytest
from feedback.jobs.blobs_check import main
from feedback.service.check_blobs import find_missing, find_strays

from ..conftest import Files


async def test_check_finds_strays_and_missing(files: Files) -> None:
    await files.store()
    await files.blobs.put("1/a/b", b"stray")
    [kept] = await files.keys() - {"1/a/b"}
    database = files.api.intake.database
    assert await find_strays(database, files.blobs) == ["1/a/b"]
    await files.blobs.delete([kept])
    assert await find_missing(database, files.blobs) == [kept]
    assert (await files.get("download")).status_code == 404


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: Any, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HEARBACK_REDIS_URL", "http://user:hunter2@x")
    assert main([]) == 2
    errors = capsys.readouterr().err
    assert "HEARBACK_REDIS_URL: " in errors
    assert "hunter2" not in errors
