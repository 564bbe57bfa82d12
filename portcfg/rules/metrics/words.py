"""Words by which titles, names and descriptions say what a figure is. Singular, lower case."""

from __future__ import annotations

import functools
import re

PEOPLE = frozenset(
    {
        *("user", "people", "person", "developer", "engineer", "member", "contributor", "author", "committer"),
        *("employee", "colleague", "customer", "seat"),
    }
)
RATIOS = frozenset(
    {"rate", "ratio", "percent", "percentage", "pct", "share", "proportion", "utilization", "utilisation", "%"}
)
CENTS = frozenset(["cent", "cents", "pence", "penny", "¢"])
DAILY = frozenset(["daily", "day"])
# Counts of what may be the same on the next day, and levels of something.
GAUGES = frozenset(["unique", "distinct", "headcount", "backlog", "balance", "seat"])
RUNNING = frozenset(["cumulative", "running", "ytd", "mtd", "qtd", "lifetime"])
# Words of a title by which somebody shows that they know: records are meant, or an average of averages.
RECORDS = frozenset(["record", "row", "entry", "day", "person-day"])
DISCLOSED = frozenset(["averaged", "unweighted", "mean", "median"])
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[%¢]")


def words(*texts: object) -> frozenset[str]:
    """The words of texts and identifiers, in the singular: `totalActive_Users` -> total, active, user."""
    return frozenset().union(*(_of(str(text or "")) for text in texts))


@functools.lru_cache(maxsize=4096)
def _of(text: str) -> frozenset[str]:
    parts = [part.lower() for part in _PARTS.findall(text)]
    kept = [part in CENTS or len(part) < 4 or part.endswith("ss") for part in parts]
    return frozenset(part if keep else part.removesuffix("s") for part, keep in zip(parts, kept, strict=True))
