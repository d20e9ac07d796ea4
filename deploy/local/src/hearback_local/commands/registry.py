"""`hearback org|project|key|member|token`: the registry's API as commands."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hearback_local.commands.arguments import add_command, add_group
from hearback_local.commands.screen import json_line
from hearback_local.commands.tables import as_text, show
from hearback_local.data_dir import DataDir
from hearback_local.errors import FleetError, InvalidArguments
from hearback_local.fleet import bootstrap
from hearback_local.fleet.api import Access, Api, NotThere, TokenRefused, project_path, quoted
from hearback_local.fleet.projects import NotRemembered, create_project, parse_slugs

Body = Callable[[argparse.Namespace], Any]
ALL: Final = "ALL"  # a GET of every page of a list
ARGUMENTS = {
    "slugs": ("ORGANIZATION/PROJECT", None),
    "values": ("NAME=VALUE", "as `show` lists them; the value is JSON, or else a text"),
    "role": ("ROLE", "member (the default), viewer, admin, manager or owner"),
    "scopes": ("SCOPE", "such as project:read, event:read or event:admin"),
    "id": ("ID", "as `list` shows it"),
    "rule": ("RULE_ID", "as `rules` shows it"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A command that calls the API below the path of its organization or project, its first argument.

    Arguments with `?` are optional, those with `+` may be repeated. `columns` are those of a list's table.
    """

    name: str
    text: str
    arguments: str
    method: str = "GET"
    path: str = ""
    body: Body | None = None
    columns: Sequence[str] = ()

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Add options to the command."""

    def place(self, options: argparse.Namespace, access: Access) -> tuple[Api, str]:
        """Return the API and the path of the organization or project."""
        if self.arguments.startswith("slugs"):
            organization, project = parse_slugs(options.slugs)
            return access.api(organization), project_path(organization, project)
        return access.api(options.organization), f"/api/0/organizations/{quoted(options.organization)}/"

    def __call__(self, options: argparse.Namespace, access: Access) -> Any:
        """Return the API's response."""
        api, base = self.place(options, access)
        path = base + self.path.format(id=quoted(getattr(options, "id", "")))
        if self.method == ALL:
            return api.get_all(path)
        return api.send(self.method, path, self.body(options) if self.body else None)


def _values(pairs: Sequence[str]) -> dict[str, Any]:
    """Parse `NAME=JSON` pairs; values that are not JSON are text."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise InvalidArguments(f"{pair!r} is not NAME=VALUE")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def _invited(options: argparse.Namespace) -> dict[str, Any]:
    return {"email": options.email, "role": options.role or "member"}


class _OrganizationList(Call):
    def __call__(self, options: argparse.Namespace, access: Access) -> Any:
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


class _AuditLog(Call):
    def __call__(self, options: argparse.Namespace, access: Access) -> Any:
        return Call.__call__(self, options, access)["rows"]


class _MemberAddition(Call):
    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    def __call__(self, options: argparse.Namespace, access: Access) -> Any:
        body = {"organization": options.organization, **_invited(options)}
        if options.password_stdin:
            body["password"] = sys.stdin.readline().rstrip("\n")
        return access.call_registry(bootstrap.MEMBERS_PATH, body)


ORGANIZATION_CALLS: Final = (
    _OrganizationList("list", "list organizations", "", columns=("id", "slug", "name", "dateCreated")),
    Call("show", "show one with its flags", "organization"),
    Call(
        "set", "set flags: NAME=true", "organization values+", "PUT",
        body=lambda options: {"features": _values(options.values)},
    ),
    _AuditLog(
        "audit", "list the latest changes: who changed what, and when", "organization", path="audit-logs/",
        columns=("dateCreated", "actor.name", "event", "note"),
    ),
)  # fmt: skip
PROJECT_CALLS: Final = (
    Call(
        "list", "list an organization's projects", "organization", ALL, "projects/",
        columns=("id", "slug", "name", "platform", "hasFeedbacks", "dateCreated"),
    ),
    Call("show", "show one with its options", "slugs"),
    Call(
        "set", "set options: NAME=JSON", "slugs values+", "PUT",
        body=lambda options: {"options": _values(options.values)},
    ),
)  # fmt: skip
OTHER_CALLS: Final[Mapping[str, tuple[str, Sequence[Call]]]] = {
    "key": ("client keys (DSNs)", (
        Call(
            "list", "list a project's keys", "slugs", ALL, "keys/",
            columns=("id", "isActive", "name", "dsn.public"),
        ),
        Call("create", "create a key", "slugs", "POST", "keys/", lambda _: {}),
        Call("enable", "let a key send", "slugs id", "PUT", "keys/{id}/", lambda _: {"isActive": True}),
        Call("disable", "refuse what a key sends", "slugs id", "PUT", "keys/{id}/", lambda _: {"isActive": False}),
        Call("rotate", "give a key a new value", "slugs id", "POST", "keys/{id}/rotate/"),
        Call("delete", "delete a key", "slugs id", "DELETE", "keys/{id}/"),
    )),
    "member": ("people", (
        Call(
            "list", "list an organization's members", "organization", ALL, "members/",
            columns=("id", "email", "name", "role", "pending", "dateCreated"),
        ),
        Call(
            "invite", "invite a person; shows the link unless it is mailed", "organization email role?", "POST",
            "members/", _invited,
        ),
        _MemberAddition(
            "add", "add a person with a password at once, as the operator", "organization email role?"
        ),
        Call("delete", "remove a person or an invitation", "organization id", "DELETE", "members/{id}/"),
    )),
    "token": ("API tokens", (
        Call(
            "list", "list an organization's tokens", "organization", ALL, "api-tokens/",
            columns=("id", "name", "tokenLastCharacters", "user", "scopes", "dateLastUsed"),
        ),
        Call(
            "create", "create a token", "organization name scopes+", "POST", "api-tokens/",
            lambda options: {"name": options.name, "scopes": options.scopes},
        ),
        Call("delete", "revoke a token", "organization id", "DELETE", "api-tokens/{id}/"),
    )),
}  # fmt: skip


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    projects = add_group(commands, "project", "projects and their options")
    text = "create a project with a token, and its organization if that does not exist; show them if they do"
    create = add_command(projects, common, "create", _create_project, text)
    create.add_argument("slugs", metavar="ORGANIZATION/PROJECT")
    organizations = add_group(commands, "org", "organizations and their flags")
    groups: list[tuple[Any, Sequence[Call]]] = [(organizations, ORGANIZATION_CALLS), (projects, PROJECT_CALLS)]
    groups += [(add_group(commands, name, text), calls) for name, (text, calls) in OTHER_CALLS.items()]
    for group, calls in groups:
        add_calls(group, common, calls)


def _create_project(options: argparse.Namespace, data_dir: DataDir) -> int:
    try:
        answer, code = create_project(data_dir, *parse_slugs(options.slugs)), 0
    except NotRemembered as error:
        print(f"hearback: {error}", file=sys.stderr)
        answer, code = error.answer, 1
    print(json_line(answer) if options.json else as_text(answer))
    return code


def add_calls(group: Any, common: argparse.ArgumentParser, calls: Sequence[Call]) -> None:
    """Add calls as commands."""
    for call in calls:
        _add(group, common, call)


def _add(group: Any, common: argparse.ArgumentParser, call: Call) -> None:
    def command(options: argparse.Namespace, data_dir: DataDir) -> int:
        try:
            answer = call(options, Access(data_dir))
        except NotThere as error:
            raise FleetError(_what_is_missing(options)) from error
        return show(options, answer, as_text(answer, call.columns))

    parser = add_command(group, common, call.name, command, call.text)
    for argument in call.arguments.split():
        bare = argument.rstrip("+?")
        shown, explained = ARGUMENTS.get(bare, (bare.upper(), None))
        nargs = argument[-1] if argument[-1] in "+?" else None
        parser.add_argument(bare, metavar=shown, nargs=nargs, help=explained)
    call.add_options(parser)


def _what_is_missing(options: argparse.Namespace) -> str:
    slugs = getattr(options, "slugs", None)
    where = f"project {slugs}" if slugs else f"organization {options.organization}"
    given = getattr(options, "id", None) or getattr(options, "rule", None)
    return f"there is nothing with the id {given} in the {where}" if given else f"there is no {where}"
