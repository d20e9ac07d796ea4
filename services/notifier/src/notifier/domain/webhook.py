"""Bodies of webhooks (standard or chat message), and signatures of Standard Webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from notifier.domain.recipients import WebhookFormat

SECRET_PREFIX: Final = "whsec_"
TEXT_LENGTH_MAX: Final = 2_000


def signed_headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks: id, timestamp and an HMAC-SHA256 over both and the body."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signature = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "User-Agent": "Hearback",
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def body_of(form: WebhookFormat, notice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body for a notice with `type`, `heading`, `text`, `url` and `data`."""
    if form is WebhookFormat.STANDARD:
        return {"type": notice["type"], "timestamp": notice["timestamp"], "data": notice["data"]}
    heading, text, url = str(notice["heading"]), str(notice["text"])[:TEXT_LENGTH_MAX], str(notice["url"])
    if form is WebhookFormat.DISCORD:
        embed = {"title": heading[:256], "description": text, "url": url}
        return {"embeds": [embed], "allowed_mentions": {"parse": []}}
    if form is WebhookFormat.MATTERMOST:
        return {"text": f"**[{_plain(heading)}]({url})**\n{_quoted(text)}"}
    return {
        "text": _slack(heading),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*<{url}|{_slack(heading)}>*"}},
            {"type": "section", "text": {"type": "plain_text", "text": text or " ", "emoji": False}},
        ],
    }


def _slack(text: str) -> str:
    """Escape the three characters that Slack reads as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    return text.replace("[", "(").replace("]", ")").replace("@", "@\u200b")


def _quoted(text: str) -> str:
    lines = text.replace("@", "@\u200b").splitlines() or [""]
    return "\n".join(f"> {line}" for line in lines)
