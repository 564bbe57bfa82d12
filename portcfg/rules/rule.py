"""What a rule is: an id, how bad a finding is, and a check that finds places in specs.

Each rule is a module with one `RULE`; its package's `__init__` lists it. `entries/<id>.yaml` says to people what it
finds, why that matters and what to do, with specs that are wrong and right; the tests run those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from portcfg.errors import Problem
from portcfg.rules.found import Found, Severity
from portcfg.rules.portal import Portal

__all__ = ["Found", "Rule", "Severity"]


@dataclass(frozen=True)
class Rule:
    """`severity`: an error keeps a plan from being made, a warning is shown, an info is shown by `validate` alone."""

    id: str
    check: Callable[[Portal], Iterable[Found]]
    severity: Severity = "error"

    def problems(self, portal: Portal) -> Iterator[Problem]:
        """What the rule finds, each at its place; what is found there several times, such as what all lines of a
        short-form chart share, once."""
        told = set()
        for found in self.check(portal):
            place = found.inside or found.document.place(found.path)
            if (place, found.message) not in told:
                told.add((place, found.message))
                severity = found.severity or self.severity
                yield Problem(place.file, place.line, place.column, self.id, found.message, found.hint, severity)
