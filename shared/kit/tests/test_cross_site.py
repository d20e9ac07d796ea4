import pytest
from hearback_kit.auth import SESSION_COOKIE, Authenticator
from hearback_kit.errors import Forbidden
from starlette.requests import Request

SESSION = {"cookie": f"{SESSION_COOKIE}=secret", "host": "hearback.test:8000"}


async def known(kind: str, digest: str) -> dict[str, object]:
    return {"kind": kind, "id": "1", "tenants": {"1": "owner"}, "scopes": []}


async def authenticated(method: str, headers: dict[str, str]) -> bool:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "method": method, "path": "/", "query_string": b"", "headers": raw})
    return await Authenticator(known).authenticate(request) is not None


@pytest.mark.parametrize(
    "more",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://hearback.test:8000.evil.example"},
        {"sec-fetch-site": "cross-site", "origin": "http://hearback.test:8000"},
        {"origin": "http://[broken"},
    ],
)
async def test_a_session_is_refused_to_other_sites(more: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        await authenticated("POST", SESSION | more)
    assert await authenticated("GET", SESSION | more)


@pytest.mark.parametrize(
    "more",
    [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {"origin": "http://hearback.test:8000"}],
)
async def test_a_session_serves_its_own_site(more: dict[str, str]) -> None:
    assert await authenticated("DELETE", SESSION | more)


async def test_a_token_is_nothing_a_browser_adds_by_itself() -> None:
    headers = {"authorization": "Bearer t", "sec-fetch-site": "cross-site", "host": "x"}
    assert await authenticated("POST", headers)
