"""Why a field differs: three states, `applied` being what portcfg wrote last. Pure.

spec      the spec changed, Port still holds what was applied
drift     Port changed, the spec still says what was applied
conflict  both changed, each to something else
server    Port filled it in by itself when it was last written, and the spec doesn't name it
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from portcfg.diff import canonical
from portcfg.model import MISSING, Applied, Body, Cause, FieldChange, Path, Rename


def labelled(
    fields: tuple[FieldChange, ...], applied: Applied | None, last: Body | None, live: Body, desired: Body
) -> tuple[FieldChange, ...]:
    """`fields`, in which `desired` differs from `live`, with their causes; a conflict also with what was applied.

    `last` is the applied body in the form in which bodies are compared.
    """
    if applied is None or last is None:
        return fields
    return tuple(_labelled(field, applied.server, (live, last, desired)) for field in fields)


def _labelled(field: FieldChange, server: Mapping[str, Any], sides: tuple[Body, Body, Body]) -> FieldChange:
    key = path_key(field.path)
    if field.after is MISSING and key in server and same_value(server[key], field.before):
        return replace(field, cause=Cause.SERVER)
    path = list_path(field.path, sides[0], sides[2])
    live, applied, desired = (value_at(body, path) for body in sides)
    cause = three_way(live, applied, desired)
    if path != field.path and cause is Cause.CONFLICT:
        cause, applied = _in_list(field, path, (live, applied, desired))
    return replace(field, cause=cause, applied=applied if cause is Cause.CONFLICT else MISSING)


def three_way(live: Any, applied: Any, desired: Any) -> Cause:
    """Whose change the difference of two values is."""
    if same_value(live, applied):
        return Cause.SPEC
    return Cause.DRIFT if same_value(desired, applied) else Cause.CONFLICT


def list_path(path: Path, *bodies: Body) -> Path:
    """`path`, or that of the outermost list that it goes into."""
    for index in range(len(path)):
        if any(isinstance(value_at(body, path[:index]), list) for body in bodies):
            return path[:index]
    return path


def _in_list(field: FieldChange, path: Path, sides: tuple[Any, Any, Any]) -> tuple[Cause, Any]:
    """The cause of one field in a list that both sides changed, and what was applied there.

    An item is told by its value, since indices mean nothing where items came and went; what is in an item by its
    index, as far as all three lists have as many.
    """
    _, applied, _ = sides
    if not isinstance(applied, list):
        return Cause.CONFLICT, applied
    if len(field.path) == len(path) + 1:
        known = {canonical(item) for item in applied}
        old, new = (value is not MISSING and canonical(value) in known for value in (field.before, field.after))
        if old or new or MISSING in (field.before, field.after):
            return _of_item(field, old, new), applied
    if len({len(side) if isinstance(side, list) else -1 for side in sides}) > 1:
        return Cause.CONFLICT, applied
    last = value_at(applied, field.path[len(path) :])
    return three_way(field.before, last, field.after), last


def _of_item(field: FieldChange, old: bool, new: bool) -> Cause:
    """`old` and `new` say whether what Port has, and what the spec has, was applied."""
    if field.before is MISSING or field.after is MISSING:
        # Who had what was applied has kept it, so that the other side took it away.
        kept = old if field.after is MISSING else not new
        return Cause.SPEC if kept else Cause.DRIFT
    return Cause.CONFLICT if old and new else Cause.SPEC if old else Cause.DRIFT


def path_key(path: Path) -> str:
    """A path as one text, as the ledger keeps it."""
    return json.dumps(path, ensure_ascii=False)


def key_path(key: str) -> Path:
    """The path of a `path_key`."""
    return tuple(json.loads(key))


def renamed_paths(server: Mapping[str, Any], renames: Sequence[Rename]) -> dict[str, Any]:
    """Values by path, where parts of the paths have got other names."""
    return {path_key(_renamed(key_path(key), renames)): value for key, value in server.items()}


def _renamed(path: Path, renames: Sequence[Rename]) -> Path:
    for rename in renames:
        if path[: len(rename.section) + 1] == (*rename.section, rename.old):
            return (*rename.section, rename.new, *path[len(rename.section) + 1 :])
    return path


def same_value(left: Any, right: Any) -> bool:
    """Equal as JSON, or absent on both sides."""
    if left is MISSING or right is MISSING:
        return left is right
    return canonical(left) == canonical(right)


def value_at(body: Any, path: Path) -> Any:
    """The value at `path`, or MISSING."""
    for part in path:
        inside = (
            part in body
            if isinstance(body, dict)
            else (isinstance(body, list) and isinstance(part, int) and part < len(body))
        )
        if not inside:
            return MISSING
        body = body[part]
    return body
