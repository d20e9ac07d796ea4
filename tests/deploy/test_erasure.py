"""`hearback erase` leaves no trace of a person's address in databases, streams, files and mail; others stay."""

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import redis

PERSON = "Ada.Erased+1@example.com"
OTHER = "grace@example.com"
SCREENSHOT = b"\x89PNG\r\n\x1a\n a screenshot of a person"
TABLES = """
select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname = 'public'
"""


@pytest.fixture(scope="module")
def own(fleet_starter: tuple[Callable[..., Any], Callable[[Any], None]], tmp_path_factory: Any) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("erasure")
    start, stop = fleet_starter
    running = start(folder / "data")
    yield running
    stop(running)


def feedback(
    contact: str, message: str, user: dict[str, str] | None = None, tags: dict[str, str] | None = None
) -> tuple[str, bytes]:
    event_id = uuid.uuid4().hex
    payload: dict[str, Any] = {
        "event_id": event_id,
        "type": "feedback",
        "platform": "javascript",
        "contexts": {"feedback": {"message": message, "contact_email": contact, "name": "A name"}},
        "tags": tags or {},
    }
    if user:
        payload["user"] = user
    return event_id, json.dumps(payload).encode()


def send_feedback(
    project: Any,
    contact: str,
    message: str,
    user: dict[str, str] | None = None,
    tags: dict[str, str] | None = None,
) -> str:
    event_id, payload = feedback(contact, message, user, tags)
    attachment = ({"type": "attachment", "filename": "screenshot.png"}, SCREENSHOT)
    answer = project.send(({"type": "feedback"}, payload), attachment, header={"event_id": event_id})
    assert answer.status_code == 200, answer.text
    return event_id


def send_error(project: Any, user: dict[str, str], tags: dict[str, str] | None = None) -> str:
    """Send an error event that a user met."""
    event_id = uuid.uuid4().hex
    event = {"event_id": event_id, "platform": "python", "message": "it broke", "user": user, "tags": tags or {}}
    answer = project.send(({"type": "event"}, json.dumps(event).encode()), header={"event_id": event_id})
    assert answer.status_code == 200, answer.text
    return event_id


def send_report(project: Any, email: str, user: dict[str, str]) -> str:
    """Send an error event that a user met, and a report about it."""
    event_id = send_error(project, user)
    report = {"event_id": event_id, "name": "A name", "email": email, "comments": "it broke for me"}
    answer = project.send(({"type": "user_report"}, json.dumps(report).encode()), header={"event_id": event_id})
    assert answer.status_code == 200, answer.text
    return event_id


async def rows_naming(url: str, text: str) -> list[str]:
    """Return the tables, of all databases, with a row that has the text in any column."""
    found = []
    server = await asyncpg.connect(urlunsplit(urlsplit(url)._replace(path="/postgres")))
    names = await server.fetch("select datname from pg_database where not datistemplate and datname <> 'postgres'")
    await server.close()
    for (name,) in names:
        connection = await asyncpg.connect(urlunsplit(urlsplit(url)._replace(path=f"/{name}")))
        for (table,) in await connection.fetch(TABLES):
            query = f"select count(*) from {table} row where strpos(lower(row::text), $1) > 0"
            if await connection.fetchval(query, text.lower()):
                found.append(f"{name}.{table}")
        await connection.close()
    return sorted(found)


def keys_naming(url: str, text: str) -> list[str]:
    """Return the keys of Valkey with the text in them."""
    client = redis.Redis.from_url(url)
    found = []
    for key in client.scan_iter():
        kind = client.type(key)
        content: Any = client.xrange(key) if kind == b"stream" else client.get(key) if kind == b"string" else b""
        if text.lower() in str(content).lower():
            found.append(str(key))
    client.close()
    return found


def files_naming(folder: Path, *texts: bytes, within: tuple[str, ...] = ("blobs", "mail")) -> list[str]:
    """Return the files of attachments and mail with one of the texts in them."""
    paths = [path for name in within for path in (folder / name).rglob("*") if path.is_file()]
    return [str(path) for path in paths if any(text.lower() in path.read_bytes().lower() for text in texts)]


def test_no_trace_of_the_person_is_left_and_others_keep_theirs(own: Any, wait_until: Callable[..., Any]) -> None:
    project = own.new_project()
    theirs = [send_feedback(project, f" {PERSON.upper()}\n", "from ada")]
    theirs.append(send_feedback(project, "", "ada again", {"email": f"\t{PERSON} "}))
    theirs.append(send_feedback(project, "", "ada by id", {"id": PERSON, "email": OTHER}))
    theirs.append(send_feedback(project, "", "ada by name", {"username": PERSON.lower()}))
    theirs.append(send_feedback(project, f'"Ada" <{PERSON}>', "ada with a name"))
    theirs.append(send_feedback(project, "", "ada in a tag", tags={"customer": PERSON, "plan": "gold"}))
    theirs.append(send_feedback(project, "", "ada in a tag", tags={"customer": f"Ada <{PERSON.upper()}>"}))
    kept = send_feedback(project, OTHER, "from grace")
    reports = [send_report(project, email, {"email": PERSON, "id": "7"}) for email in (PERSON, f"Ada <{PERSON}>")]
    about = [
        send_report(project, OTHER, user)
        for user in ({"email": f"{PERSON} \n", "id": "7"}, {"id": PERSON}, {"username": PERSON, "name": PERSON})
    ]
    tags = {"customer": PERSON, "owner": f"Ada <{PERSON}>", "plan": "gold"}
    about.append(send_report(project, OTHER, {"id": f"Ada <{PERSON}>"}))
    send_error(project, {"id": f"Ada <{PERSON}>"}, tags)
    for contact in (PERSON, f"Ada <{PERSON}>"):
        refused, too_long = feedback(contact, "x" * 10_000)
        assert project.send(({"type": "feedback"}, too_long), header={"event_id": refused}).status_code == 200
    kept_refused, too_long = feedback(OTHER, "y" * 10_000)
    assert project.send(({"type": "feedback"}, too_long), header={"event_id": kept_refused}).status_code == 200

    environment = json.loads((own.data_dir / "state.json").read_text())["environment"]
    database, streams = environment["HEARBACK_DATABASE_URL"], environment["HEARBACK_REDIS_URL"]
    wanted = ["client_reports", "feedback", "notifier", "user_reports"]

    def arrived() -> bool:
        found = asyncio.run(rows_naming(database, PERSON))
        assert sorted({name.partition(".")[0] for name in found}) == wanted
        assert {issue["metadata"]["message"] for issue in project.issues()} >= {
            "from ada",
            "ada again",
            "ada by id",
            "ada by name",
            "ada with a name",
            "ada in a tag",
            "from grace",
        }
        return bool(files_naming(own.data_dir, PERSON.encode()))

    wait_until(arrived, seconds=60)
    project.settle()
    deliveries = f"/api/0/projects/{project.organization}/{project.project}/deliveries/"
    wait_until(lambda: {row["state"] for row in project.get(deliveries)}, equals={"sent"})
    receipt = json.loads(own.command("erase", PERSON, "--yes", "--json"))
    assert receipt["erased"]["feedback"] >= 2
    assert receipt["erased"]["attachments"] >= 2
    assert receipt["erased"]["userReports"] == len(reports)
    assert receipt["erased"]["eventUsers"] >= 2
    assert receipt["erased"]["journalPayloads"] >= 2
    assert receipt["erased"]["deliveries"] >= 2
    assert (receipt["memberOf"], receipt["waiting"], receipt["spooled"]) == ([], 0, 0)

    assert asyncio.run(rows_naming(database, PERSON)) == []
    assert keys_naming(streams, PERSON) == []
    assert files_naming(own.data_dir, PERSON.encode()) == []
    receipts = (own.data_dir / "erasures").iterdir()
    (written,) = (path for path in receipts if json.loads(path.read_text()) == receipt)
    assert PERSON.lower() not in written.read_text().lower()
    assert written.stat().st_mode & 0o077 == 0

    # Of all equal screenshots, one was another's.
    wait_until(lambda: len(files_naming(own.data_dir, SCREENSHOT)) == 1)
    for event_id in (*theirs, *reports):
        submission = project.submission(event_id)
        assert submission is None or submission["reason"] == "deleted", submission
    messages = {issue["metadata"]["message"] for issue in project.issues()}
    assert "from grace" in messages
    assert not any("ada" in message for message in messages)
    assert project.submission(kept)["state"] == "stored"
    left = project.get(f"/api/0/projects/{project.organization}/{project.project}/user-feedback/")
    assert {one["eventID"] for one in left} == set(about)
    assert asyncio.run(rows_naming(database, OTHER)) != []
    assert [name for name in asyncio.run(rows_naming(database, "yyyyyyyyyy")) if "refused_submission" in name]

    # Once more there is nothing left, and a redelivery brings nothing back. What was spooled is waited for.
    spooled = own.data_dir / "outage-spool" / "9000000000000000.spool"
    spooled.touch()
    replayed = threading.Timer(1.0, spooled.unlink)
    replayed.start()
    again = json.loads(own.command("erase", PERSON.lower(), "--yes", "--json"))
    assert set(again["erased"].values()) == {0}
    assert again["person"] == receipt["person"]
    replayed.join()
    assert not spooled.exists()


def test_what_others_sent_stays_with_a_tag_that_names_the_person(own: Any, wait_until: Callable[..., Any]) -> None:
    project, colleague = own.new_project(), f"{uuid.uuid4().hex[:8]}@example.com"
    event_id, payload = feedback(OTHER, "from grace", tags={"account_manager": colleague})
    assert project.send(({"type": "feedback"}, payload), header={"event_id": event_id}).status_code == 200
    wait_until(lambda: (found := project.submission(event_id)) and found["state"] == "stored")
    project.settle()
    deliveries = f"/api/0/projects/{project.organization}/{project.project}/deliveries/"
    before = project.get(deliveries)
    erased = json.loads(own.command("erase", colleague, "--yes", "--json"))["erased"]
    assert (erased["feedback"], erased["deliveries"]) == (0, 0)
    assert [issue["metadata"]["message"] for issue in project.issues()] == ["from grace"]
    assert [row["id"] for row in project.get(deliveries)] == [row["id"] for row in before] != []


def test_no_secret_and_no_persons_word_is_in_a_log(own: Any) -> None:
    """What goes through a fleet is in none of its logs."""
    project = own.new_project()
    send_feedback(project, PERSON, "a word of a person that no log repeats", {"email": PERSON})
    environment = json.loads((own.data_dir / "state.json").read_text())["environment"]
    account = {"email": own.facts["admin_email"], "password": own.facts["admin_password"]}
    for password in (account["password"], "a wrong password of a person"):
        project.http.post("/api/0/auth/login/", json={**account, "password": password})
    project.http.get("/api/0/projects/", headers={"Authorization": "Bearer hbt_a_token_that_is_none"})
    project.settle()
    urls = (environment["HEARBACK_DATABASE_URL"], environment["HEARBACK_REDIS_URL"])
    secrets = [environment["HEARBACK_SECRET_KEY"], project.token, own.facts["token"], account["password"]]
    secrets += [str(urlsplit(url).password) for url in urls]
    words = [PERSON, "a word of a person", "a wrong password", "a_token_that_is_none"]
    assert all(len(secret) > 10 for secret in secrets)
    assert len(list((own.data_dir / "logs").iterdir())) > 5
    assert files_naming(own.data_dir, *(text.encode() for text in [*secrets, *words]), within=("logs",)) == []


def test_what_was_refused_to_be_replayed_may_be_the_persons(own: Any) -> None:
    refused = own.data_dir / "outage-spool" / "9000000000000001.refused"
    refused.touch()
    try:
        with pytest.raises(AssertionError, match="outage-spooled"):
            own.command("erase", PERSON, "--yes")
    finally:
        refused.unlink()


def test_it_wants_to_be_sure(own: Any) -> None:
    with pytest.raises(AssertionError, match="say so with --yes"):
        own.command("erase", PERSON)
    with pytest.raises(AssertionError, match="is not an e-mail address"):
        own.command("erase", "ada", "--yes")
