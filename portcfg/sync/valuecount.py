"""How often an expression gave null, nothing, several values, or failed: four things, which are told apart.

For the entity all but a failure mean "no value", since Ocean takes an expression's first output and sends null where
there is none. To the author of a mapping they mean different mistakes: a path that isn't there gives null, a `select`
or an iteration over nothing gives no output.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping

from portcfg.sync.jq_programs import RowError, RowValues
from portcfg.sync.report import ResourceReport, ValueReport

# Fewer rows than this say nothing about what is usual.
ENOUGH_ROWS = 20
JUMP = 0.25
# What the run record keeps: {resource: {"rows": n, "null": {expression: n}}}, without zeros.
Rates = Mapping[str, Mapping[str, object]]


class ValueCounts:
    """Of the expressions of one resource, over the rows that it was asked for."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._nulls = [0] * len(self._names)
        self._empty: Counter[str] = Counter()
        self._several: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self.rows = 0

    def add(self, result: RowValues) -> None:
        """One row whose expressions all ran."""
        self.rows += 1
        for index, value in enumerate(result.values):
            if value is None:
                self._nulls[index] += 1
        if result.empty:
            self._empty.update(result.empty)
        if result.several:
            self._several.update(result.several)

    def failed(self, error: RowError) -> None:
        """One row with an expression that failed."""
        self.rows += 1
        self._failed[error.expression] += 1

    def report(self, shown: Iterable[str]) -> dict[str, ValueReport]:
        """The counts of the expressions in `shown`, and of whatever else failed."""
        nulls = dict(zip(self._names, self._nulls, strict=True))
        return {
            name: ValueReport(
                # What gave nothing stands among the values as null.
                null=nulls.get(name, 0) - self._empty[name],
                none=self._empty[name],
                failed=self._failed[name],
                several=self._several[name],
            )
            for name in dict.fromkeys((*shown, *self._failed))
        }


def unusual(resources: Iterable[ResourceReport], dropped: Container[tuple[str, str]] = ()) -> Iterator[str]:
    """What an author of the mapping should know of its expressions.

    A null is none of it where another resource gives that value of the blueprint, nor for those that are `dropped`: the
    expressions, by resource, of what the mapping keeps out of Port.
    """
    found = list(resources)
    given = {
        (item.blueprint, name) for item in found for name, value in item.values.items() if value.absent < item.mapped
    }
    for item in found:
        for name, value in item.values.items():
            if value.several:
                yield f"{item.resource}: `{name}` gave several values {value.several} times; the first was used"
            if value.none:
                yield f"{item.resource}: `{name}` gave no output for {value.none} of {item.mapped} rows, so no value"
            meant = (item.blueprint, name) in given or (item.resource, name) in dropped
            if value.null == item.mapped >= ENOUGH_ROWS and not meant:
                yield f"{item.resource}: `{name}` is null for all {item.mapped} rows; is it what the rows call it?"


def rates(resources: Iterable[ResourceReport]) -> dict[str, dict[str, object]]:
    """What the next run compares its own with."""
    return {
        item.resource: {
            "rows": item.mapped,
            "null": {name: value.absent for name, value in item.values.items() if value.absent},
        }
        for item in resources
        if item.mapped
    }


def jumps(resources: Iterable[ResourceReport], before: Rates) -> list[str]:
    """In words, which expressions have no value for many more of the rows than in the run before."""
    found = []
    for item in resources:
        earlier = before.get(item.resource, {})
        rows, nulls = earlier.get("rows"), earlier.get("null")
        if not isinstance(rows, int) or not isinstance(nulls, Mapping) or min(rows, item.mapped) < ENOUGH_ROWS:
            continue
        for name, value in item.values.items():
            then, now = nulls.get(name, 0) / rows, value.absent / item.mapped
            if now - then >= JUMP:
                found.append(
                    f"{item.resource}: `{name}` has no value in {now:.0%} of {item.mapped:,} rows; in the run before "
                    f"it was {then:.0%}"
                )
    return found
