"""`hearback org|project|key|member|token`: the registry's API as commands."""

import argparse
import json
from collections.abc import Callable, Sequence
from typing import Any

from hearback_local.api import Access, quoted
from hearback_local.place import FleetPlace
from hearback_local.running import FleetError

Action = Callable[[argparse.Namespace, Access], Any]
PROJECT = "ORGANIZATION/PROJECT"


def add_registry_commands(commands: Any, common: argparse.ArgumentParser, projects: Any) -> None:
    """Adds the commands to a parser; `projects` is the sub-parser that `project create` is in."""
    organizations = commands.add_parser("org", help="organizations and their flags")
    organizations = organizations.add_subparsers(required=True, metavar="action")
    _add(organizations, common, "list", _org_list, "list organizations")
    _add(organizations, common, "show", _org_show, "show one with its flags", "organization")
    _add(organizations, common, "set", _org_set, "set flags: NAME=true", "organization", "values+")
    _add(projects, common, "list", _project_list, "list an organization's projects", "organization")
    _add(projects, common, "show", _project_show, "show one with its options", "slugs")
    _add(projects, common, "set", _project_set, "set options: NAME=JSON", "slugs", "values+")
    keys = commands.add_parser("key", help="client keys (DSNs)").add_subparsers(required=True, metavar="action")
    _add(keys, common, "list", _key_list, "list a project's keys", "slugs")
    _add(keys, common, "create", _key_create, "create a key", "slugs")
    _add(keys, common, "enable", _key_switch(True), "let a key send", "slugs", "id")
    _add(keys, common, "disable", _key_switch(False), "refuse what a key sends", "slugs", "id")
    _add(keys, common, "rotate", _key_rotate, "give a key a new value", "slugs", "id")
    _add(keys, common, "delete", _key_delete, "delete a key", "slugs", "id")
    members = commands.add_parser("member", help="people").add_subparsers(required=True, metavar="action")
    _add(members, common, "list", _member_list, "list an organization's members", "organization")
    _add(members, common, "create", _member_create, "add a person", "organization", "email", "role?")
    _add(members, common, "delete", _member_delete, "remove a person", "organization", "id")
    tokens = commands.add_parser("token", help="API tokens").add_subparsers(required=True, metavar="action")
    _add(tokens, common, "list", _token_list, "list an organization's tokens", "organization")
    _add(tokens, common, "create", _token_create, "create a token", "organization", "name", "scopes+")
    _add(tokens, common, "delete", _token_delete, "revoke a token", "organization", "id")


def _add(group: Any, common: argparse.ArgumentParser, name: str, action: Action, text: str, *names: str) -> None:
    parser = group.add_parser(name, parents=[common], help=text)
    for argument in names:
        bare = argument.rstrip("+?")
        shown = PROJECT if bare == "slugs" else bare.upper()
        nargs = argument[-1] if argument[-1] in "+?" else None
        parser.add_argument(bare, metavar=shown, nargs=nargs)

    def command(options: argparse.Namespace, place: FleetPlace) -> int:
        answer = action(options, Access(place))
        print(json.dumps(answer) if options.json else as_text(answer))
        return 0

    parser.set_defaults(command=command)


def as_text(answer: Any) -> str:
    """Rows of a list one below the other, or the fields of one object."""
    if isinstance(answer, list):
        return "\n".join(_line(row) for row in answer) or "none"
    if isinstance(answer, dict):
        width = max((len(key) for key in answer), default=0)
        return "\n".join(f"{key:{width}}  {_cell(value)}" for key, value in answer.items())
    return "done" if answer is None else str(answer)


def _line(row: Any) -> str:
    if not isinstance(row, dict):
        return str(row)
    return "  ".join(_cell(value) for value in row.values() if not isinstance(value, (dict, list)))


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _org(organization: str) -> str:
    return f"/api/0/organizations/{quoted(organization)}/"


def _project(slugs: str) -> tuple[str, str]:
    """The organization and the project's path."""
    organization, slash, project = slugs.partition("/")
    if not (organization and slash and project):
        raise FleetError(f"{slugs!r} is not {PROJECT}")
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
    return access.api().get_all("/api/0/organizations/")


def _org_show(options: argparse.Namespace, access: Access) -> Any:
    return access.api(options.organization).get(_org(options.organization))


def _org_set(options: argparse.Namespace, access: Access) -> Any:
    body = {"features": _values(options.values)}
    return access.api(options.organization).send("PUT", _org(options.organization), body)


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


def _member_create(options: argparse.Namespace, access: Access) -> Any:
    body = {"email": options.email, "role": options.role or "member"}
    return access.api(options.organization).send("POST", _org(options.organization) + "members/", body)


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
