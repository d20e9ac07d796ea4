"""A provider that answers byte by byte, or more than it may, ends a sign-in and holds up none."""

import asyncio
import secrets

import pytest
from hearback_devkit.testing.drips import BEGINNINGS, dripping
from hearback_kit.errors import Unavailable
from registry.clients.openid_provider import Attempt, Client, OpenIdProvider

ENDLESS = b"x" * 1_000_000
ATTEMPT = Attempt(*(secrets.token_urlsafe() for _ in range(3)))


@pytest.mark.parametrize("drip", [b"x", ENDLESS], ids=["slow", "endless"])
@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
async def test_an_answer_without_end_ends_the_sign_in(beginning: bytes, drip: bytes) -> None:
    async with dripping(beginning, drip) as port:
        client = Client(f"http://127.0.0.1:{port}", "hearback", "secret", "http://127.0.0.1/callback/")
        provider = OpenIdProvider(client, seconds_max=0.3)
        with pytest.raises(Unavailable):
            await asyncio.wait_for(provider.authorization_url(ATTEMPT), 10)
        await provider.close()
