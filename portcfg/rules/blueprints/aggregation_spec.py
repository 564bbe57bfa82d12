"""PC219: a `calculationSpec` that isn't whole, or says too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from portcfg.model import Body
from portcfg.rules.blueprints.ways import AGGREGATIONS, members
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# What each function needs and may have beside `func` and `calculationBy` (port-api.md §2.1).
NEEDED: Mapping[tuple[str, str], Sequence[str]] = {
    ("entities", "count"): (),
    ("entities", "average"): ("averageOf",),
    ("property", "average"): ("property", "averageOf"),
    **{("property", func): ("property",) for func in ("sum", "min", "max", "median")},
}
OPTIONAL: Mapping[str, Sequence[str]] = {"average": ("measureTimeBy",)}
AVERAGE_OF = ("hour", "day", "week", "month", "total")


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses the blueprint."""
    for document, name, aggregation in members(portal, AGGREGATIONS):
        path = (*AGGREGATIONS, name, "calculationSpec")
        for key, message, hint in _wrong(aggregation["calculationSpec"]):
            yield Found(document, (*path, key) if key else path, message, hint)


def _wrong(spec: Body) -> Iterator[tuple[str, str, str]]:
    by, func = spec["calculationBy"], spec["func"]
    if (by, func) not in NEEDED:
        fitting = ", ".join(each for other, each in NEEDED if other == by)
        yield "func", f"{func} by {by} is nothing that Port works out", f"by {by} there are: {fitting}"
        return
    needed = NEEDED[by, func]
    known = ("func", "calculationBy", *needed, *OPTIONAL.get(func, ()))
    for key in needed:
        if not isinstance(spec.get(key), str):
            yield "", f"{func} by {by} needs {key!r}", _say(key)
    for key in spec:
        if key not in known:
            yield key, f"{func} by {by} takes no {key!r}", f"remove it; {meant(key, known, 'keys')}"
    per = spec.get("averageOf")
    if "averageOf" in needed and isinstance(per, str) and per not in AVERAGE_OF:
        yield "averageOf", f"{per!r} is no time to average over", meant(per, AVERAGE_OF, "times")


def _say(key: str) -> str:
    return f"one of {', '.join(AVERAGE_OF)}" if key == "averageOf" else "name a number of the target"


RULE = Rule("PC219", check)
