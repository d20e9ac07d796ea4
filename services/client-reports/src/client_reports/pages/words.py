"""Labels of states and kinds of submissions, translated."""

from dataclasses import dataclass

from hearback_contracts.outcomes import SubmissionState
from hearback_web.texts import gettext as _
from hearback_web.words import source_words


@dataclass(frozen=True, slots=True)
class Named:
    """A label, its explanation, and its tone: `good`, `warn`, `bad`, `accent` or ""."""

    label: str
    meaning: str = ""
    tone: str = ""


def state_words(state: SubmissionState) -> Named:
    """Return the label of a state."""
    return {
        SubmissionState.ACCEPTED: Named(
            _("Received"), _("It is safe; what becomes of it is being decided."), "accent"
        ),
        SubmissionState.WAITING_FOR_EVENT: Named(
            _("Waits for its error"), _("The report is stored; its error event has not arrived yet."), "accent"
        ),
        SubmissionState.LINKED: Named(_("Linked"), _("It is stored as feedback and tied to its error."), "good"),
        SubmissionState.STORED: Named(_("Stored"), _("It is stored as feedback."), "good"),
        SubmissionState.FILTERED: Named(_("Filtered"), _("A rule kept it out."), "warn"),
        SubmissionState.SPAM: Named(_("Spam"), _("It is stored, in the spam mailbox."), "warn"),
        SubmissionState.RATE_LIMITED: Named(_("Rate limited"), _("A quota or limit was reached."), "warn"),
        SubmissionState.INVALID: Named(_("Refused"), _("It is not stored as feedback."), "bad"),
        SubmissionState.DROPPED: Named(_("Gone"), _("It was deleted, given up, or cannot be handled."), "bad"),
    }[state]


def kind_words(source: str | None) -> str:
    """Return the label of a kind of submission."""
    return source_words().get(source, source) if source else _("Client report")
