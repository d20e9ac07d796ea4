"""Train an organization's spam classifier with its members' decisions "spam" and "not spam"."""

from collections.abc import Iterable
from typing import Final

from hearback_kit.db import Connection

from feedback.domain.feedback import Feedback
from feedback.domain.spam_classifier import Classifier, Prior, Taught
from feedback.domain.statuses import ARCHIVED_FOREVER, IGNORED
from feedback.store.spam_taught import lock_taught, save_taught

LESSONS_MAX: Final = 50  # of one request; what a bulk change decides beyond is not taught


def lessons_of(before: Iterable[Feedback], status: str, substatus: str | None) -> list[tuple[Feedback, bool]]:
    """Return the feedback that a change marks as spam (True) or as not spam (False).

    Archiving until a condition is met says neither.
    """
    is_spam = status == IGNORED
    if is_spam and substatus != ARCHIVED_FOREVER:
        return []
    return [(feedback, is_spam) for feedback in before if (feedback.status == IGNORED) is not is_spam][
        :LESSONS_MAX
    ]


async def teach_spam(
    connection: Connection, prior: Prior | None, organization_id: int, lessons: Iterable[tuple[Feedback, bool]]
) -> None:
    """Train with lessons, in the transaction of the decision."""
    chosen = list(lessons)
    if prior is None or not chosen:
        return
    known = await lock_taught(connection, organization_id)
    taught = Taught.decode(known) if known else Taught()
    for feedback, is_spam in chosen:
        classifier = Classifier(prior, taught)
        taught = classifier.teach(
            feedback.message, feedback.name or "", feedback.url, feedback.contact_email or "", is_spam=is_spam
        )
    await save_taught(connection, organization_id, taught.encode())
