"""Erases a person's data by e-mail address in every service, in dead letters and in the mail folder.

`deploy/docs/operations.md` lists what remains, and why.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hearback_contracts.streams import OUTCOME_RECORDED, STREAMS
from hearback_fleet.dead_letters import shards_of
from hearback_fleet.erasures import ERASURES_PATH, SUBMISSIONS_MAX, names_address, texts_of
from hearback_kit.bus import RedisStreams
from hearback_kit.bus.entries import DEAD_SUFFIX
from hearback_kit.files import replace_file
from hearback_kit.valkey import connect

from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError, InvalidArguments
from hearback_local.fleet.api import Access, quoted
from hearback_local.fleet.bootstrap import operator_calls
from hearback_local.fleet.mail import delete_mail_naming
from hearback_local.fleet.queues import depths
from hearback_local.fleet.state import ready_state

SETTLE_SECONDS_MAX: Final = 30.0
CALL_SECONDS_MAX: Final = 600.0
PAGE: Final = 500
# Those that know whose submissions there are come first; the others hold copies.
OWNERS: Final = ("feedback", "user-reports")
HOLDERS: Final = ("notifier", "client-reports")
Reference = tuple[int, str]


def erase(data_dir: DataDir, email: str) -> dict[str, Any]:
    """Erase a person's data and return the receipt, which is to be kept.

    The receipt has the SHA-256 of the address only. Another call erases what arrived or was left since. Raises
    FleetError if a service or a store is unreachable, or submissions that may be the person's stay in the
    gateway's disk spool; call again then.
    """
    address = email.strip().lower()
    if "@" not in address:
        raise InvalidArguments(f"{email} is not an e-mail address")
    state = ready_state(data_dir)
    _await_empty_spool(data_dir)
    receipt = asyncio.run(_erase(state, address))
    receipt["spooled"] = len(data_dir.spooled())
    receipt["erased"]["mails"] = delete_mail_naming(data_dir, address)
    receipt["memberOf"] = _organizations_of(Access(data_dir), address)
    return receipt


def keep_receipt(data_dir: DataDir, receipt: Mapping[str, Any]) -> Path:
    """Store a receipt in the folder `erasures`, which is returned. Raises OSError."""
    folder = data_dir.root / "erasures"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{receipt['at'].replace(':', '')}.json"
    replace_file(path, json.dumps(receipt, indent=1).encode())
    data_dir.leave_to_owner(folder, path)
    return folder


def _await_empty_spool(data_dir: DataDir) -> None:
    """Wait until the gateway has replayed its disk spool. Raises FleetError if it does not in time."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while files := data_dir.spooled():
        stays = any(path.suffix != ".spool" for path in files)  # what was refused or is damaged is not replayed
        if stays or time.monotonic() > deadline:
            raise FleetError(
                f"submissions lie in {data_dir.outage_spool} ({len(files)} files) and may be the person's;"
                " nothing was erased: see deploy/runbooks/outage-spooled.md, then call again"
            )
        time.sleep(0.2)


async def _erase(state: Mapping[str, Any], address: str) -> dict[str, Any]:
    environment = state["environment"]
    await _settled(environment)
    erased: dict[str, int] = {}
    submissions: list[Reference] = []
    for name in OWNERS:
        submissions += await ask_service(state, name, address, [], erased)
    for name in HOLDERS:
        await ask_service(state, name, address, submissions, erased)
    erased["deadLetters"] = await _erase_dead_letters(environment, address, {name for _, name in submissions})
    return {
        "person": hashlib.sha256(address.encode()).hexdigest(),
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "erased": erased,
        "waiting": await _settled(environment),
    }


async def _settled(environment: Mapping[str, str]) -> int:
    """Wait until streams and outboxes are empty; return the number of messages left after a timeout."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    while True:
        found = await depths(environment)
        if found is None:
            raise FleetError("the stream server cannot be reached")
        waiting = sum(depth.lag for depth in found.values())
        if not waiting or time.monotonic() > deadline:
            return waiting
        await asyncio.sleep(0.2)


async def ask_service(
    state: Mapping[str, Any], name: str, address: str, submissions: Sequence[Reference], erased: dict[str, int]
) -> list[Reference]:
    """Have a service erase; add to the counts `erased`, return the erased submissions. Raises FleetError."""
    found: list[Reference] = []
    async with operator_calls(state, (name,), CALL_SECONDS_MAX, "nothing is undone, so call again") as call:
        for first in range(0, max(1, len(submissions)), SUBMISSIONS_MAX):
            some = submissions[first : first + SUBMISSIONS_MAX]
            content = await call(name, ERASURES_PATH, {"email": address, "submissions": some})
            for kind, count in content["erased"].items():
                erased[kind] = erased.get(kind, 0) + count
            found += [(project_id, submission_id) for project_id, submission_id in content["submissions"]]
    return found


async def _erase_dead_letters(environment: Mapping[str, str], address: str, ids: set[str]) -> int:
    client = connect(environment["HEARBACK_REDIS_URL"])
    bus, count = RedisStreams.open(environment["HEARBACK_REDIS_URL"]), 0
    try:
        for stream, key in ((one, key) for one in STREAMS for key in one.shard_keys(shards_of(environment))):
            # A batch of outcomes is of many people; it goes only when the person's words are in it.
            named = set[str]() if stream is OUTCOME_RECORDED else ids
            after = "-"
            while page := await bus.dead_letters(key, after=after, count=PAGE):
                after = page[-1].entry_id
                contents = [(one.entry_id, [one.message.data, one.message.body or b"null"]) for one in page]
                theirs = [entry for entry, parts in contents if _is_theirs(parts, address, named)]
                if theirs:
                    count += int(await client.xdel(key + DEAD_SUFFIX, *theirs))
    finally:
        await bus.close()
        await client.aclose()
    return count


def _is_theirs(parts: Sequence[bytes], address: str, ids: set[str]) -> bool:
    for part in parts:
        try:
            value = json.loads(part)
        except ValueError:  # what cannot be read is compared as it is
            if address.encode() in part.lower():
                return True
            continue
        if names_address(value, address) or not ids.isdisjoint(one.strip().lower() for one in texts_of(value)):
            return True
    return False


def _organizations_of(access: Access, address: str) -> list[str]:
    """Return the organizations with a token in the data directory of which the person is a member."""
    found = []
    for organization in dict.fromkeys(organization for organization, _ in access.projects()):
        members = access.api(organization).get_all(f"/api/0/organizations/{quoted(organization)}/members/")
        if any(str(member.get("email", "")).lower() == address for member in members):
            found.append(organization)
    return found
