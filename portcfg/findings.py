"""What `validate` hands to its output: the findings that count, and those that are known and meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from portcfg.errors import Problem

SEVERITIES = ("info", "warning", "error")
# What ends a line to a YAML parser, and in JSON.
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_JSON_BREAK = re.compile("\r\n|[\n\r]")


@dataclass(frozen=True, order=True)
class Ignored:
    """A finding that the specs say is meant, the reason they give, and `by` what: `comment` or `project` file."""

    problem: Problem
    reason: str
    by: str


@dataclass(frozen=True)
class Findings:
    """`checked` counts resources, `baseline` the findings that were there before, `gone` those it has in vain.

    `elsewhere` counts what was found in files that were not asked for. `texts` are the files by name.
    """

    problems: tuple[Problem, ...]
    checked: int = 0
    ignored: tuple[Ignored, ...] = ()
    baseline: int = 0
    gone: int = 0
    elsewhere: int = 0
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    def count(self, severity: str) -> int:
        """How many findings there are of one severity."""
        return sum(problem.severity == severity for problem in self.problems)

    def line(self, problem: Problem) -> str:
        """The line of a file that a finding is about, empty where there is none."""
        if problem.file not in self._lines:
            self._lines[problem.file] = lines_of(problem.file, self.texts.get(problem.file, ""))
        lines = self._lines[problem.file]
        return lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""

    @cached_property
    def _lines(self) -> dict[str, list[str]]:
        return {}


def weighs(problem: Problem, least: str) -> bool:
    """Whether a finding is at least as bad as `least`."""
    return SEVERITIES.index(problem.severity) >= SEVERITIES.index(least)


def lines_of(file: str, text: str) -> list[str]:
    """The lines of a file, as positions count them."""
    split = _JSON_BREAK if file.lower().endswith(".json") else _BREAK
    return split.split(text.removeprefix("\ufeff"))
