"""The parts of blueprints that somebody asks about, with who writes and who reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from portcfg.errors import UsageError
from portcfg.rules.lineages import Lineage, Part
from portcfg.rules.nearest import nearest


def selected(lineage: Lineage, patterns: Sequence[str], unfed: bool = False, unread: bool = False) -> tuple[Part, ...]:
    """The parts that any of the patterns means, all without one, sorted by blueprint.

    `unfed` keeps those that nothing writes, `unread` those that nothing reads, both together those of either sort; of
    what only Port has neither can be told. Raises UsageError for a pattern that means nothing.
    """
    parts = [part for identifier in sorted(lineage) for part in lineage[identifier].values()]
    for pattern in patterns:
        if not any(_meant(part, pattern) for part in parts):
            raise UsageError(f"no blueprint or property is called {pattern!r}", hint=_hint(parts, pattern))
    wanted = [part for part in parts if not patterns or any(_meant(part, pattern) for pattern in patterns)]
    return tuple(part for part in wanted if _kept(part, unfed, unread))


def _meant(part: Part, pattern: str) -> bool:
    """`blueprint` (or `blueprint/x`, as refs are written) is all of it, `blueprint.name` one part of it."""
    wanted, dot, name = pattern.removeprefix("blueprint/").partition(".")
    if not fnmatchcase(part.blueprint, wanted):
        return False
    return not dot or (bool(part.name) and fnmatchcase(part.name, name))


def _kept(part: Part, unfed: bool, unread: bool) -> bool:
    if not unfed and not unread:
        return True
    known = part.place is not None
    return known and ((unfed and not part.writers) or (unread and not part.readers))


def _hint(parts: Sequence[Part], pattern: str) -> str:
    guess = nearest(pattern.removeprefix("blueprint/"), dict.fromkeys(_names(parts, "." in pattern)))
    return f"did you mean {guess!r}?" if guess else "give blueprint or blueprint.property; * stands for any text"


def _names(parts: Sequence[Part], whole: bool) -> Iterator[str]:
    yield from (str(part) if whole else part.blueprint for part in parts)
