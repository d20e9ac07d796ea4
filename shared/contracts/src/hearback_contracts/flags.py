"""Feature flags: per organization, with their defaults."""

from enum import StrEnum
from typing import Final


class Feature(StrEnum):
    """A feature flag, by its name in the API."""

    UI = "organizations:user-feedback-ui"
    VISIBLE = "organizations:feedback-visible"
    INGEST = "organizations:user-feedback-ingest"
    SPAM_FILTER_INGEST = "organizations:user-feedback-spam-filter-ingest"
    SPAM_FILTER_ACTIONS = "organizations:user-feedback-spam-filter-actions"


# The keys are plain strings, since JSON encoders refuse others.
FEATURE_DEFAULTS: Final[dict[str, bool]] = {
    Feature.UI.value: True,
    Feature.VISIBLE.value: True,
    Feature.INGEST.value: True,
    Feature.SPAM_FILTER_INGEST.value: False,
    Feature.SPAM_FILTER_ACTIONS.value: False,
}
