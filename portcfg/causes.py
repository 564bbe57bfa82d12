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


def labelled(fields: tuple[FieldChange, ...], applied: Applied | None, last: Body | None) -> tuple[FieldChange, ...]:
    """`fields` with their causes. `last` is the applied body in the form in which bodies are compared."""
    if applied is None or last is None:
        return fields
    return tuple(replace(field, cause=_cause(field, value_at(last, field.path), applied.server)) for field in fields)


def _cause(field: FieldChange, applied: Any, server: Mapping[str, Any]) -> Cause:
    key = path_key(field.path)
    if field.after is MISSING and key in server and same_value(server[key], field.before):
        return Cause.SERVER
    if same_value(field.before, applied):
        return Cause.SPEC
    return Cause.DRIFT if same_value(field.after, applied) else Cause.CONFLICT


def path_key(path: Path) -> str:
    """A path as one text, as the ledger keeps it."""
    return json.dumps(path, ensure_ascii=False)


def renamed_paths(server: Mapping[str, Any], renames: Sequence[Rename]) -> dict[str, Any]:
    """Values by path, where parts of the paths have got other names."""
    return {path_key(_renamed(tuple(json.loads(key)), renames)): value for key, value in server.items()}


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
