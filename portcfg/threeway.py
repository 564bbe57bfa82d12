"""What to do to a spec so that it says `target` wherever that differs from `base`; all else stays as it is typed. Pure.

`spec`, `base` and `target` are one value: as it stands in the file, as that is compared, and as Port has it now.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from portcfg.diff import canonical, same
from portcfg.model import MISSING, Path


@dataclass(frozen=True)
class Step:
    """Set, add or remove (`value` is MISSING) what is at `path`; with `insert`, a new item before that index."""

    path: Path
    value: Any
    insert: bool = False


def steps(spec: Any, base: Any, target: Any, path: Path = ()) -> Iterator[Step]:
    """The steps from `spec` to `target`; the indices count in the lists of `spec`."""
    if _equal(base, target):
        return
    if isinstance(spec, list) and len(spec) == 1 and isinstance(base, dict) and isinstance(target, dict):
        # A list of one entity mapping is compared as that mapping.
        yield from steps(spec[0], base, target, (*path, 0))
    elif all(isinstance(value, dict) for value in (spec, base, target)):
        for key in (*base, *(key for key in target if key not in base)):
            yield from steps(spec.get(key, MISSING), base.get(key, MISSING), target.get(key, MISSING), (*path, key))
    elif all(isinstance(value, list) for value in (spec, base, target)):
        yield from _list_steps(spec, base, target, path)
    elif not _equal(spec, target):
        yield Step(path, _spaced(spec, base, target))


def _equal(left: Any, right: Any) -> bool:
    return left is right if MISSING in (left, right) else same(left, right)


def _spaced(spec: Any, base: Any, target: Any) -> Any:
    """White space around a text that isn't compared stays."""
    if not (isinstance(spec, str) and isinstance(target, str)) or spec == base or spec.strip() != base:
        return target
    head, _, tail = spec.partition(base)
    return f"{head}{target}{tail}"


def _list_steps(spec: list[Any], base: list[Any], target: list[Any], path: Path) -> Iterator[Step]:
    if spec != base and all(isinstance(item, str) for item in (*spec, *target)) and sorted(spec) == base:
        # A set: compared sorted, and written in whatever order.
        target = [*(item for item in spec if item in target), *(item for item in target if item not in spec)]
        base = spec
    if len(spec) != len(base):
        yield Step(path, target)
        return
    matcher = SequenceMatcher(None, _names(base, target), _names(target, base), autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        paired = 0 if tag == "replace" and _has_ids(base, target) else min(end - start, new_end - new_start)
        for offset in range(paired):
            old, new = start + offset, new_start + offset
            yield from steps(spec[old], base[old], target[new], (*path, old))
        yield from (Step((*path, index), MISSING) for index in range(start + paired, end))
        yield from (Step((*path, end), target[index], True) for index in range(new_start + paired, new_end))


def _has_ids(*lists: Sequence[Any]) -> bool:
    return all(isinstance(item, dict) and "id" in item for items in lists for item in items)


def _names(items: list[Any], others: list[Any]) -> list[str]:
    """What tells the items of a list apart: their ids where all have one."""
    ids = _has_ids(items, others)
    return [canonical(item["id"] if ids else item) for item in items]


def taken(spec: Any, done: Iterable[Step]) -> Any:
    """`spec` after the steps."""
    edited = copy.deepcopy(spec)
    for step in sorted(_in_reverse(done), key=_rank, reverse=True):
        parent = edited
        for part in step.path[:-1]:
            parent = parent[part]
        key = step.path[-1]
        if step.insert:
            parent.insert(key, step.value)
        elif step.value is MISSING:
            del parent[key]
        else:
            parent[key] = copy.deepcopy(step.value)
    return edited


def _in_reverse(done: Iterable[Step]) -> list[Step]:
    """Of inserts at one place the last first, so that each pushes those that follow it."""
    return list(done)[::-1]


def _rank(step: Step) -> tuple[tuple[int, ...], bool]:
    """Later items of a list before earlier ones, and inserts last, so that indices stay true."""
    return tuple(part for part in step.path if isinstance(part, int)), not step.insert
