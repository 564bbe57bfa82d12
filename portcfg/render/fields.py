"""One field of a change -> the lines that show it: a value, a move within a list, or what differs in a long text."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from portcfg.concealed import concealed
from portcfg.diff import canonical, is_reordered
from portcfg.model import MISSING, Cause, FieldChange, Path
from portcfg.render.safe import dotted, plain, shortened, shown

MAX_LINES = 40
MAX_LINE = 200
MAX_ORDER = 12


def fields_lines(fields: Iterable[FieldChange]) -> Iterator[str]:
    """The lines of some fields, each with its sign first: `~` for what is changed, `+` and `-` for what comes and goes.

    What changes in a list of short values is shown as that, without their numbers.
    """
    for key, group in groupby(map(fit, fields), _list_of):
        changes = list(group)
        if key:
            yield from _list_lines(dotted(key), changes)
        else:
            yield from (line for field in changes for line in _field_lines(field))


def _list_of(field: FieldChange) -> Path:
    """The list of short values that a field is an item of, or ()."""
    scalars = all(not isinstance(side, dict | list) for side in (field.before, field.after))
    item = isinstance(field.path[-1], int) and scalars and field.cause is not Cause.CONFLICT
    return field.path[:-1] if item and not _are_long(field.before, field.after) else ()


def _list_lines(path: str, changes: Sequence[FieldChange]) -> Iterator[str]:
    old = Counter(shown(change.before) for change in changes if change.before is not MISSING)
    new = Counter(shown(change.after) for change in changes if change.after is not MISSING)
    gone, come = list((old - new).elements()), list((new - old).elements())
    if len(gone) == len(come) == len(changes) == 1:
        yield f"~ {path}: {gone[0]} -> {come[0]}"
        return
    if gone:
        yield f"- {path}: {', '.join(gone)}"
    if come:
        yield f"+ {path}: {', '.join(come)}"
    if old & new:
        yield f"~ {path}: the rest in another order"


def _field_lines(field: FieldChange) -> Iterator[str]:
    path = dotted(field.path)
    if field.renamed_from:
        yield f"~ {dotted(field.path[:-1])}: {plain(field.renamed_from)} renamed to {plain(str(field.path[-1]))}"
    elif field.before is MISSING:
        yield f"+ {path}: {shown(field.after)}"
    elif field.after is MISSING:
        yield f"- {path}: {shown(field.before)}"
    elif _are_long(field.before, field.after):
        yield f"~ {path}:"
        yield from _line_diff(field.before, field.after)
    elif isinstance(field.before, list) and isinstance(field.after, list) and is_reordered(field.before, field.after):
        yield f"~ {path}: {_move(field.before, field.after)}"
    else:
        yield from _replaced(path, field.before, field.after)
    if field.cause is Cause.CONFLICT:
        yield f"  (applied last: {shown(field.applied)})"


def fit(field: FieldChange) -> FieldChange:
    """A field without what may be secret in it."""
    sides = {name: concealed(getattr(field, name), field.path) for name in ("before", "after", "applied")}
    return replace(field, **sides)


def _replaced(path: str, before: Any, after: Any) -> Iterator[str]:
    was, now = shown(before), shown(after)
    if was == now:
        # Cut off where they are still alike.
        was, now = _from_difference(canonical(before), canonical(after))
    yield f"~ {path}: {was} -> {now}"
    if isinstance(before, str) and isinstance(after, str) and _same_letters(before, after):
        yield "  (the two look alike: they differ in how the same letters are encoded in Unicode)"


def _from_difference(before: str, after: str) -> tuple[str, str]:
    """Two long texts from shortly before the place where they part."""
    same = next((index for index, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), 0)
    start = max(0, same - 20)
    was, now = (f"…{shortened(plain(text[start:]), MAX_LINE)}" for text in (before, after))
    return was, now


def _are_long(*values: Any) -> bool:
    return all(isinstance(value, str) for value in values) and any("\n" in value.strip() for value in values)


def _line_diff(before: str, after: str) -> Iterator[str]:
    """The lines that differ, with one line around them."""
    old, new = before.splitlines(), after.splitlines()
    # The two file names, and where the first part stands, say nothing here.
    found = list(difflib.unified_diff(old, new, lineterm="", n=1))[3:]
    for line in found[:MAX_LINES]:
        yield "    ..." if line.startswith("@@") else f"  {line[0]} {shortened(plain(line[1:]), MAX_LINE)}"
    if len(found) > MAX_LINES:
        yield f"    ... and {len(found) - MAX_LINES} more lines"
    if not found:
        yield f"    only the end of the text: {shown(before[-10:])} -> {shown(after[-10:])}"


def _same_letters(before: str, after: str) -> bool:
    return unicodedata.normalize("NFC", before) == unicodedata.normalize("NFC", after)


def _move(before: list[Any], after: list[Any]) -> str:
    """What moved within a list, where that is one item; else the new order."""
    names = [_name(item) for item in after]
    for index, item in enumerate(after):
        rest = [*after[:index], *after[index + 1 :]]
        was = next((at for at, other in enumerate(before) if canonical(other) == canonical(item)), 0)
        if canonical([*before[:was], *before[was + 1 :]]) == canonical(rest):
            return f"{names[index]} moved from place {was + 1} to {index + 1}"
    more = f" and {len(names) - MAX_ORDER} more" if len(names) > MAX_ORDER else ""
    return f"another order: {', '.join(names[:MAX_ORDER])}{more}"


def _name(item: Any) -> str:
    if isinstance(item, dict):
        item = next((item[key] for key in ("id", "identifier", "title", "kind", "name") if item.get(key)), item)
    return shortened(plain(item) if isinstance(item, str) else shown(item), 60)
