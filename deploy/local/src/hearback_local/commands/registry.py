"""`hearback org|project|key|member|token`: the registry's API as commands."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from hearback_local.commands.arguments import add_command, add_group
from hearback_local.commands.tables import as_text
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError
from hearback_local.fleet import bootstrap
from hearback_local.fleet.api import Access, NotThere, TokenRefused, quoted
from hearback_local.fleet.projects import parse_slugs

Action = Callable[[argparse.Namespace, Access], Any]
ARGUMENTS = {
    "slugs": ("ORGANIZATION/PROJECT", None),
    "values": ("NAME=VALUE", "as `show` lists them; the value is JSON, or else a text"),
    "role": ("ROLE", "member (the default), viewer, admin, manager or owner"),
    "scopes": ("SCOPE", "such as project:read, event:read or event:admin"),
    "id": ("ID", "as `list` shows it"),
}
ORGANIZATION_COLUMNS = ("id", "slug", "name", "dateCreated")
PROJECT_COLUMNS = ("id", "slug", "name", "platform", "hasFeedbacks", "dateCreated")
KEY_COLUMNS = ("id", "isActive", "name", "dsn.public")
MEMBER_COLUMNS = ("id", "email", "name", "role", "pending", "dateCreated")
AUDIT_COLUMNS = ("dateCreated", "actor.name", "event", "note")
TOKEN_COLUMNS = ("id", "name", "tokenLastCharacters", "user", "scopes", "dateLastUsed")


def add_registry_commands(commands: Any, common: argparse.ArgumentParser, projects: Any) -> None:
    """Add the commands to a parser; `projects` is the sub-parser that `project create` is in."""
    organizations = add_group(commands, "org", "organizations and their flags")
    _add(organizations, common, "list", _org_list, "list organizations", columns=ORGANIZATION_COLUMNS)
    _add(organizations, common, "show", _org_show, "show one with its flags", "organization")
    _add(organizations, common, "set", _org_set, "set flags: NAME=true", "organization", "values+")
    _add(
        organizations, common, "audit", _org_audit, "list the latest changes: who changed what, and when",
        "organization", columns=AUDIT_COLUMNS,
    )  # fmt: skip
    _add(
        projects, common, "list", _project_list, "list an organization's projects", "organization",
        columns=PROJECT_COLUMNS,
    )  # fmt: skip
    _add(projects, common, "show", _project_show, "show one with its options", "slugs")
    _add(projects, common, "set", _project_set, "set options: NAME=JSON", "slugs", "values+")
    keys = add_group(commands, "key", "client keys (DSNs)")
    _add(keys, common, "list", _key_list, "list a project's keys", "slugs", columns=KEY_COLUMNS)
    _add(keys, common, "create", _key_create, "create a key", "slugs")
    _add(keys, common, "enable", _key_switch(True), "let a key send", "slugs", "id")
    _add(keys, common, "disable", _key_switch(False), "refuse what a key sends", "slugs", "id")
    _add(keys, common, "rotate", _key_rotate, "give a key a new value", "slugs", "id")
    _add(keys, common, "delete", _key_delete, "delete a key", "slugs", "id")
    _add_member_commands(commands, common)
    tokens = add_group(commands, "token", "API tokens")
    _add(
        tokens, common, "list", _token_list, "list an organization's tokens", "organization", columns=TOKEN_COLUMNS
    )
    _add(tokens, common, "create", _token_create, "create a token", "organization", "name", "scopes+")
    _add(tokens, common, "delete", _token_delete, "revoke a token", "organization", "id")


def _add_member_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    members = add_group(commands, "member", "people")
    _add(
        members, common, "list", _member_list, "list an organization's members", "organization",
        columns=MEMBER_COLUMNS,
    )  # fmt: skip
    _add(
        members, common, "invite", _member_invite, "invite a person; shows the link unless it is mailed",
        "organization", "email", "role?",
    )  # fmt: skip
    adding = _add(
        members, common, "add", _member_add, "add a person with a password at once, as the operator",
        "organization", "email", "role?",
    )  # fmt: skip
    adding.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    remove = "remove a person or an invitation"
    _add(members, common, "delete", _member_delete, remove, "organization", "id")


def _add(
    group: Any,
    common: argparse.ArgumentParser,
    name: str,
    action: Action,
    text: str,
    *names: str,
    columns: Sequence[str] = (),
) -> argparse.ArgumentParser:
    def command(options: argparse.Namespace, data_dir: DataDir) -> int:
        try:
            answer = action(options, Access(data_dir))
        except NotThere as error:
            raise FleetError(_what_is_missing(options)) from error
        print(json.dumps(answer) if options.json else as_text(answer, columns))
        return 0

    parser = add_command(group, common, name, command, text)
    for argument in names:
        bare = argument.rstrip("+?")
        shown, explained = ARGUMENTS.get(bare, (bare.upper(), None))
        nargs = argument[-1] if argument[-1] in "+?" else None
        parser.add_argument(bare, metavar=shown, nargs=nargs, help=explained)
    return parser


def _what_is_missing(options: argparse.Namespace) -> str:
    slugs = getattr(options, "slugs", None)
    where = f"project {slugs}" if slugs else f"organization {options.organization}"
    given = getattr(options, "id", None)
    return f"there is nothing with the id {given} in the {where}" if given else f"there is no {where}"


def _org(organization: str) -> str:
    return f"/api/0/organizations/{quoted(organization)}/"


def _project(slugs: str) -> tuple[str, str]:
    """The organization and the project's path."""
    organization, project = parse_slugs(slugs)
    return organization, f"/api/0/projects/{quoted(organization)}/{quoted(project)}/"


def _values(pairs: Sequence[str]) -> dict[str, Any]:
    """`NAME=JSON` pairs; what is no JSON is taken as text."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise FleetError(f"{pair!r} is not NAME=VALUE")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def _org_list(_: argparse.Namespace, access: Access) -> Any:
    found: dict[str, Any] = {}
    refused: TokenRefused | None = None
    for api in access.every_api():
        try:
            found |= {row["id"]: row for row in api.get_all("/api/0/organizations/")}
        except TokenRefused as error:
            refused = error
    if refused is not None and not found:
        raise refused
    return list(found.values())


def _org_show(options: argparse.Namespace, access: Access) -> Any:
    return access.api(options.organization).get(_org(options.organization))


def _org_set(options: argparse.Namespace, access: Access) -> Any:
    body = {"features": _values(options.values)}
    return access.api(options.organization).send("PUT", _org(options.organization), body)


def _org_audit(options: argparse.Namespace, access: Access) -> Any:
    return access.api(options.organization).get(_org(options.organization) + "audit-logs/")["rows"]


def _project_list(options: argparse.Namespace, access: Access) -> Any:
    return access.api(options.organization).get_all(_org(options.organization) + "projects/")


def _project_show(options: argparse.Namespace, access: Access) -> Any:
    organization, path = _project(options.slugs)
    return access.api(organization).get(path)


def _project_set(options: argparse.Namespace, access: Access) -> Any:
    organization, path = _project(options.slugs)
    return access.api(organization).send("PUT", path, {"options": _values(options.values)})


def _key_list(options: argparse.Namespace, access: Access) -> Any:
    organization, path = _project(options.slugs)
    return access.api(organization).get_all(path + "keys/")


def _key_create(options: argparse.Namespace, access: Access) -> Any:
    organization, path = _project(options.slugs)
    return access.api(organization).send("POST", path + "keys/", {})


def _key_switch(is_active: bool) -> Action:
    def switch(options: argparse.Namespace, access: Access) -> Any:
        organization, path = _project(options.slugs)
        target = f"{path}keys/{quoted(options.id)}/"
        return access.api(organization).send("PUT", target, {"isActive": is_active})

    return switch


def _key_rotate(options: argparse.Namespace, access: Access) -> Any:
    organization, path = _project(options.slugs)
    return access.api(organization).send("POST", f"{path}keys/{quoted(options.id)}/rotate/")


def _key_delete(options: argparse.Namespace, access: Access) -> Any:
    organization, path = _project(options.slugs)
    return access.api(organization).send("DELETE", f"{path}keys/{quoted(options.id)}/")


def _member_list(options: argparse.Namespace, access: Access) -> Any:
    return access.api(options.organization).get_all(_org(options.organization) + "members/")


def _member_invite(options: argparse.Namespace, access: Access) -> Any:
    body = {"email": options.email, "role": options.role or "member"}
    return access.api(options.organization).send("POST", _org(options.organization) + "members/", body)


def _member_add(options: argparse.Namespace, access: Access) -> Any:
    body = {"organization": options.organization, "email": options.email, "role": options.role or "member"}
    if options.password_stdin:
        body["password"] = sys.stdin.readline().rstrip("\n")
    return access.call_registry(bootstrap.MEMBERS_PATH, body)


def _member_delete(options: argparse.Namespace, access: Access) -> Any:
    path = f"{_org(options.organization)}members/{quoted(options.id)}/"
    return access.api(options.organization).send("DELETE", path)


def _token_list(options: argparse.Namespace, access: Access) -> Any:
    return access.api(options.organization).get_all(_org(options.organization) + "api-tokens/")


def _token_create(options: argparse.Namespace, access: Access) -> Any:
    body = {"name": options.name, "scopes": options.scopes}
    return access.api(options.organization).send("POST", _org(options.organization) + "api-tokens/", body)


def _token_delete(options: argparse.Namespace, access: Access) -> Any:
    path = f"{_org(options.organization)}api-tokens/{quoted(options.id)}/"
    return access.api(options.organization).send("DELETE", path)
