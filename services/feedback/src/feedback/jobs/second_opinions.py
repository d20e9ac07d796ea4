"""The optional spam judge over HTTP, which runs in the background."""

from hearback_fleet.runtime import ServiceRuntime
from hearback_fleet.unit_of_work import UnitOfWork

from feedback.clients.spam_endpoint import SpamEndpoint
from feedback.service.ask_second_opinion import SecondOpinions
from feedback.service.judge_spam import LocalJudge, SpamJudge, load_prior
from feedback.settings import Settings


def spam_judge(runtime: ServiceRuntime, settings: Settings) -> SpamJudge:
    """Return the local spam judge, wrapped in one that also asks a model if the operator configured one."""
    local = LocalJudge(runtime.database, load_prior())
    if not settings.spam_judge_url:
        return local
    key = settings.spam_judge_key
    endpoint = SpamEndpoint(
        settings.spam_judge_url,
        model=settings.spam_judge_model,
        key=key.get_secret_value() if key else None,
        seconds_max=settings.spam_judge_seconds_max,
    )
    runtime.on_close(endpoint.close)
    opinions = SecondOpinions(
        local,
        endpoint,
        runtime.configuration,
        UnitOfWork.of(runtime),
        waiting_max=settings.spam_judge_waiting_max,
        at_once_max=settings.spam_judge_at_once_max,
    )
    runtime.run("second_opinions", opinions)
    return opinions
