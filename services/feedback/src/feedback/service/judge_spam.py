"""Judge feedback for spam: rules, and a classifier that learns from each organization's triage."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from functools import cache
from importlib import resources
from typing import Final, Protocol

from hearback_contracts.config import ProjectConfig
from hearback_contracts.flags import Feature
from hearback_contracts.options import Option
from hearback_kit.db import Database
from hearback_kit.logs import get_logger

from feedback.domain.drafts import Draft
from feedback.domain.spam import Content, SpamVerdict, judge
from feedback.domain.spam_classifier import Classifier, Prior, Taught
from feedback.metrics import JUDGE_FAILURES
from feedback.store.spam_taught import find_taught, find_versions

ORGANIZATIONS_MAX: Final = 200  # whose classifiers are kept in memory
_log = get_logger(__name__)


class SpamJudge(Protocol):
    """Judges feedback, and once more when it is decided; the HTTP judge is one on top of the local one."""

    async def prepare(self, organization_ids: Collection[int], versions: Mapping[int, int] | None = None) -> None:
        """Load what judging feedback of these organizations needs; `versions` of what they taught may be known."""

    def judge(self, organization_id: int, content: Content) -> SpamVerdict:
        """Return a verdict at once, without a network; never raises."""

    def review(self, draft: Draft) -> None:
        """Take up a feedback that was decided, to judge it once more; returns at once and never raises."""


def is_judged(project: ProjectConfig) -> bool:
    """Return whether the project's feedback is judged for spam."""
    return project.feature(Feature.SPAM_FILTER_INGEST) and bool(project.option(Option.SPAM_DETECTION))


@cache
def load_prior() -> Prior | None:
    """Return the classifier's prior, which ships with this package, the same one for all; None if unreadable."""
    try:
        return Prior.decode(resources.files("feedback.domain").joinpath("spam_prior.bin").read_bytes())
    except (OSError, ValueError) as error:
        _log.error("spam_prior_unreadable", error=type(error).__name__)
        return None


class LocalJudge:
    """The rules and the classifier, without any network; a judge that fails yields no verdict."""

    def __init__(self, database: Database, prior: Prior | None) -> None:
        self._database = database
        self._prior = prior
        self._known: OrderedDict[int, tuple[int, Classifier]] = OrderedDict()

    async def prepare(self, organization_ids: Collection[int], versions: Mapping[int, int] | None = None) -> None:
        """Load what the organizations taught since it was loaded last; raises Unavailable."""
        if self._prior is None or not organization_ids or (versions is not None and not self._stale(versions)):
            return
        async with self._database.statements() as connection:
            versions = await find_versions(connection, organization_ids)
            for taught in await find_taught(connection, self._stale(versions)):
                self._keep(taught.organization_id, taught.version, Taught.decode(taught.taught))

    def _stale(self, versions: Mapping[int, int]) -> list[int]:
        return [i for i, version in versions.items() if i not in self._known or self._known[i][0] != version]

    def _keep(self, organization_id: int, version: int, taught: Taught) -> None:
        assert self._prior is not None, "without a prior nothing is taught"
        self._known[organization_id] = version, Classifier(self._prior, taught)
        self._known.move_to_end(organization_id)
        while len(self._known) > ORGANIZATIONS_MAX:
            self._known.popitem(last=False)

    def judge(self, organization_id: int, content: Content) -> SpamVerdict:
        """Return the verdict of rules and classifier."""
        try:
            return judge(content, self._classifier(organization_id))
        except Exception:
            _log.exception("spam_judge_failed")
            JUDGE_FAILURES.inc()
            return SpamVerdict(None, detection_enabled=True)

    def review(self, draft: Draft) -> None:
        """Do nothing: rules and classifier have said all they know."""

    def _classifier(self, organization_id: int) -> Classifier | None:
        known = self._known.get(organization_id)
        if known is not None:
            return known[1]
        return None if self._prior is None else Classifier(self._prior)
