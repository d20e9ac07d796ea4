"""Checks that a message's schema stays compatible within a version: objects may gain optional fields only.

During an upgrade, each release reads messages of the other. A field that is removed, becomes required or optional,
or changes its type, values, bounds or default would be refused or misread; such a change needs a new version.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]
_WORDS: Final = frozenset({"title", "description", "$defs", "$ref", "properties", "required"})
_INSIDE: Final = ("items", "additionalProperties")
_LISTS: Final = ("anyOf", "allOf", "oneOf", "prefixItems")


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return the breaking changes, each beginning with the field's name."""
    return list(_changes(old, new, old, new, ""))


def _changes(old: Any, new: Any, old_root: Schema, new_root: Schema, place: str) -> Iterator[str]:
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        if old != new:
            yield f"{place or 'message'}: changed from {old!r} to {new!r}"
        return
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    yield from _field_changes(old, new, old_root, new_root, place)
    for name in _INSIDE:
        yield from _changes(old.get(name), new.get(name), old_root, new_root, f"{place}[]")
    for name in _LISTS:
        ours, theirs = old.get(name, []), new.get(name, [])
        if len(ours) != len(theirs):
            yield f"{place or 'message'}: the alternatives of its type changed"
            continue
        for one, other in zip(ours, theirs, strict=True):
            yield from _changes(one, other, old_root, new_root, place)
    plain = (set(old) | set(new)) - _WORDS - set(_INSIDE) - set(_LISTS)
    for name in sorted(plain):
        if old.get(name) != new.get(name):
            yield f"{place or 'message'}: {name} changed from {old.get(name)!r} to {new.get(name)!r}"


def _field_changes(old: Schema, new: Schema, old_root: Schema, new_root: Schema, place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
    for name in before:
        field = f"{place}.{name}" if place else name
        if name not in after:
            yield f"{field}: removed"
            continue
        if (name in required_before) != (name in required_after):
            yield f"{field}: became {'required' if name in required_after else 'optional'}"
        yield from _changes(before[name], after[name], old_root, new_root, field)
    for name in sorted(set(after) - set(before)):
        if name in required_after:
            yield f"{place}.{name}: new and required" if place else f"{name}: new and required"


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Resolve a `$ref`, merged with its sibling keys."""
    while "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        schema = {**root["$defs"][name], **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema
