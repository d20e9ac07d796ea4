"""Bytes without records and records without bytes are found."""

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
