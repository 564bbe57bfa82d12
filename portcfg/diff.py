"""Two bodies -> FieldChanges. The only importer of deepdiff, and only when two bodies differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from portcfg.model import MISSING, Body, FieldChange, Path


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


# To Python, and so to DeepDiff, true equals 1. While it compares, they are texts that neither YAML nor JSON can hold.
_FLAGS = {False: "\0false", True: "\0true"}
_FLAG_OF = {text: flag for flag, text in _FLAGS.items()}


def _flags_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _flags_as_text(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_flags_as_text(part) for part in value]
    return _FLAGS[value] if isinstance(value, bool) else value


def _flags_back(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _flags_back(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_flags_back(part) for part in value]
    return _FLAG_OF.get(value, value) if isinstance(value, str) else value


def field_changes(before: Body, after: Body) -> tuple[FieldChange, ...]:
    """The fields in which `after` differs from `before`, sorted by path.

    A list whose items only stand in another order is one change. In other lists the path of what was removed or
    changed counts in `before`, and that of what was added in `after`.
    """
    if canonical(before) == canonical(after):
        return ()
    changes = list(_reordered(before, after, ()))
    for change in changes:
        before, after = _without(before, change.path), _without(after, change.path)
    before, after = _flags_as_text(_numbers(before)), _flags_as_text(_numbers(after))
    if before != after:
        from deepdiff import DeepDiff  # late: it takes longer to import than most commands run

        # A key such as __typename is a key like any other.
        tree = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
        changes += (change for level in tree.values() for change in _leaves(level))
    return tuple(sorted(changes, key=lambda change: tuple(map(str, change.path))))


def _reordered(left: Any, right: Any, path: Path) -> Iterator[FieldChange]:
    """The lists, in mappings of any depth, that hold the same items in another order: one change each."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in left.keys() & right.keys():
            yield from _reordered(left[key], right[key], (*path, key))
    elif isinstance(left, list) and isinstance(right, list) and is_reordered(left, right):
        yield FieldChange(path, left, right)


def is_reordered(left: list[Any], right: list[Any]) -> bool:
    """Whether two lists hold the same items in another order."""
    old, new = [*map(canonical, left)], [*map(canonical, right)]
    return old != new and sorted(old) == sorted(new)


def _without(body: Body, path: Path) -> Body:
    """`body` less what is at a path of keys."""
    first = str(path[0])
    if len(path) == 1:
        return {key: value for key, value in body.items() if key != first}
    return {**body, first: _without(body[first], path[1:])}


def _leaves(levels: Any) -> Iterator[FieldChange]:
    for level in levels:
        path = tuple(level.path(output_format="list"))
        yield FieldChange(path, _side(level.t1), _side(level.t2))


def _side(value: Any) -> Any:
    return MISSING if type(value).__name__ == "NotPresent" else _flags_back(value)
