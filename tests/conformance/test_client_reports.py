"""What SDKs drop, they report; what they report, the API counts."""

from typing import Any

import pytest
from driving import drive
from proxy import cutting_proxy

SDKS = ["python-1", "python-2", "node-10", "node-11"]  # Node.js 7 counts drops, but never sends what it counted


def counted(project: Any, **filters: Any) -> int:
    """The sum of outcomes of the last hour that match."""
    return int(project.counts(**filters).get((), 0))


def discarded(project: Any, done: dict[str, Any]) -> int:
    return counted(project, outcome="client_discard", category=done["category"], reason=done["reason"])


@pytest.mark.parametrize("scenario", ["sample_rate", "before_send", "event_processor"])
@pytest.mark.parametrize("sdk", SDKS)
def test_dropped_events_are_counted(project: Any, wait_until: Any, sdk: str, scenario: str) -> None:
    done = drive(sdk, project.dsn, scenario)
    wait_until(lambda: discarded(project, done), equals=done["quantity"])


@pytest.mark.parametrize("sdk", SDKS)
def test_events_held_back_after_a_rate_limit_are_counted(project: Any, wait_until: Any, sdk: str) -> None:
    path = f"/api/0/projects/{project.organization}/{project.project}/quotas/"
    quota = {
        "id": "none",
        "categories": ["error"],
        "scope": "project",
        "limit": 0,
        "window": 60,
        "reasonCode": "no_errors",
    }
    assert project.http.put(path, json=[quota]).status_code == 200
    wait_until(lambda: project.send(({"type": "event"}, b"{}")).status_code == 429)
    done = drive(sdk, project.dsn, "rate_limited")
    wait_until(lambda: discarded(project, done), equals=done["quantity"])
    wait_until(lambda: counted(project, outcome="rate_limited", category="error", reason="no_errors") >= 2)
    assert counted(project, outcome="accepted", category="error") == 0


@pytest.mark.parametrize("sdk", SDKS)
def test_events_lost_in_the_network_are_counted(project: Any, wait_until: Any, sdk: str) -> None:
    with cutting_proxy(project.url, b"CheckoutError") as address:
        host = project.url.removeprefix("http://")
        done = drive(sdk, project.dsn.replace(host, address), "network_error")
        wait_until(lambda: discarded(project, done), equals=done["quantity"])


@pytest.mark.parametrize("sdk", SDKS)
def test_an_overflowing_queue_adds_up(project: Any, wait_until: Any, sdk: str) -> None:
    done = drive(sdk, project.dsn, "queue_overflow")

    def adds_up() -> bool:
        arrived = counted(project, outcome="accepted", category="error")
        return discarded(project, done) > 0 and arrived + discarded(project, done) == done["sent"]

    wait_until(adds_up)
