"""A folder in place of a mail server."""

from email.message import EmailMessage
from pathlib import Path

import pytest
from hearback_kit.mail import MailFolder, MailRefused


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_mail_that_cannot_be_written_waits_and_leaves_no_part(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Message-ID"] = "<one@example.com>"
    obstacle = tmp_path / "one_example.com.eml"
    obstacle.mkdir()
    with pytest.raises(MailRefused, match="the mail folder cannot be written") as refused:
        await MailFolder(tmp_path).send(message, "from@example.com", "to@example.com")
    assert not refused.value.is_permanent
    assert names_in(tmp_path) == [obstacle.name]
    obstacle.rmdir()
    sent = await MailFolder(tmp_path).send(message, "from@example.com", "to@example.com")
    assert sent == f"written to {obstacle.name}"
