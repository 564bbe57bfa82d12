"""Two bodies -> FieldChanges. The only importer of deepdiff, and only when two bodies differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from portcfg.model import MISSING, Body, FieldChange


def same(left: Any, right: Any) -> bool:
    """Whether two bodies are equal as JSON; 1 equals 1.0 but not true."""
    return canonical(left) == canonical(right)


def canonical(value: Any) -> str:
    """One text for one JSON value: keys sorted, whole floats as integers."""
    return json.dumps(_numbers(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_numbers(part) for part in value]
    return value


def field_changes(before: Body, after: Body) -> tuple[FieldChange, ...]:
    """The fields in which `after` differs from `before`, sorted by path."""
    before, after = _numbers(before), _numbers(after)
    if canonical(before) == canonical(after):
        return ()
    from deepdiff import DeepDiff  # late: it takes longer to import than most commands run

    # A key such as __typename is a key like any other.
    tree = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    changes = (change for level in tree.values() for change in _leaves(level))
    return tuple(sorted(changes, key=lambda change: tuple(map(str, change.path))))


def _leaves(levels: Any) -> Iterator[FieldChange]:
    for level in levels:
        path = tuple(level.path(output_format="list"))
        yield FieldChange(path, _side(level.t1), _side(level.t2))


def _side(value: Any) -> Any:
    return MISSING if type(value).__name__ == "NotPresent" else value
