"""What `validate` hands to its output: the findings that count, and those that are known and meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from portcfg.errors import Problem

SEVERITIES = ("info", "warning", "error")
# What ends a line to a YAML parser.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, order=True)
class Ignored:
    """A finding that the specs say is meant, the reason they give, and `by` what: `comment` or `project` file."""

    problem: Problem
    reason: str
    by: str


@dataclass(frozen=True)
class Findings:
    """`checked` counts resources, `baseline` the findings that were there before, `gone` those it has in vain.

    `elsewhere` counts what was found in files that were not asked for. `texts` are the files by name, `titles` what
    each rule finds, by its id.
    """

    problems: tuple[Problem, ...]
    checked: int = 0
    ignored: tuple[Ignored, ...] = ()
    baseline: int = 0
    gone: int = 0
    elsewhere: int = 0
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    titles: Mapping[str, str] = field(default_factory=dict, repr=False)

    def count(self, severity: str) -> int:
        """How many findings there are of one severity."""
        return sum(problem.severity == severity for problem in self.problems)


def weighs(problem: Problem, least: str) -> bool:
    """Whether a finding is at least as bad as `least`."""
    return SEVERITIES.index(problem.severity) >= SEVERITIES.index(least)


def lines_of(text: str) -> list[str]:
    """The lines of a file, as positions count them."""
    return _BREAK.split(text.removeprefix("\ufeff"))
