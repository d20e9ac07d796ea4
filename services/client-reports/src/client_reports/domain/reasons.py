"""Explain reasons from every source: the fleet, quotas, SDKs, and notification rules."""

from typing import Final, NamedTuple

from hearback_contracts.reasons import ADVICE, EXPLANATIONS, SDK_REASONS, SETTINGS, Reason, Setting

_KNOWN: Final = {reason.value: reason for reason in Reason}
# How the notifier's rules are named in the fate of a submission.
_NOTIFICATIONS: Final = {
    "notified": "People were notified of it.",
    "spam_filter_actions": "It was judged to be spam: people are notified once it is marked as not spam.",
    "feedback_user_report_notifications": "The project has notifications of crash reports switched off.",
    "no_recipients": "No notification rule of the project covers it.",
    "not_spam": "People were notified once it was marked as not spam.",
}


class Explained(NamedTuple):
    """The explanation of a reason: its meaning, advice (may be ""), and the setting behind it."""

    meaning: str
    advice: str
    setting: Setting | None


def explain(reason: str | None, *, is_of_sdk: bool = False) -> Explained:
    """Return the explanation of a reason; an undeclared one is an SDK's (`is_of_sdk`) or a quota's."""
    known = _KNOWN.get(reason or "")
    if known is not None:
        return Explained(EXPLANATIONS[known], ADVICE[known], SETTINGS.get(known))
    if reason in SDK_REASONS:
        return Explained(*SDK_REASONS[reason], None)
    if reason in _NOTIFICATIONS:
        return Explained(_NOTIFICATIONS[reason], "", Setting.OPTIONS)
    if reason == "other":
        return Explained("Many rare reasons together.", "Choose a shorter time to see them one by one.", None)
    if not reason:
        return Explained("No reason was given.", "", None)
    if is_of_sdk:
        return Explained("A reason that only the SDK knows.", "", None)
    return Explained("A quota is used up, which gives this reason.", "See the project's quotas.", Setting.QUOTAS)
