"""The findings that a repo began with: known by what they say of what, so that lines may move above them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from portcfg.errors import Problem, UsageError

FORMAT = "portcfg/baseline/1"
# Beside the specs, and hidden from the loader by its first letter.
FILE = ".portcfg-baseline.json"
# Where something else stands: a line, the item of a list, a place in another file.
_NUMBERS = re.compile(r"(?<=\bline )\d+|(?<=\[)\d+(?=\])|(?<=\.yaml:|\.json:)\d+(:\d+)?|(?<=\.yml:)\d+(:\d+)?")


@dataclass(frozen=True, order=True)
class Key:
    """What makes two findings the same one: the id, what it is about, and what it says, less numbers of lines."""

    id: str
    subject: str
    message: str


@dataclass(frozen=True)
class Compared:
    """Findings against a baseline: those that are new, how many it has, and how many it has in vain."""

    new: tuple[Problem, ...]
    known: int
    gone: int


def key_of(problem: Problem) -> Key:
    """The Key of a finding."""
    return Key(problem.id, problem.subject, _NUMBERS.sub("", problem.message))


def compared(problems: Iterable[Problem], baseline: Counter[Key]) -> Compared:
    """Of several findings with one Key, as many are known as the baseline counts, the first ones."""
    left = Counter(baseline)
    new: list[Problem] = []
    for problem in problems:
        key = key_of(problem)
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(problem)
    gone = sum(left.values())
    return Compared(tuple(new), baseline.total() - gone, gone)


def known_of(problems: Sequence[Problem], folder: Path) -> frozenset[Problem]:
    """Those that the baseline of a specs folder has, if it has one; raises UsageError for what is none."""
    if not (folder / FILE).is_file():
        return frozenset()
    return frozenset(problems) - frozenset(compared(problems, read_baseline(folder / FILE)).new)


def baseline_text(problems: Iterable[Problem]) -> str:
    """The baseline of these findings as JSON, one a line, so that two branches' baselines merge."""
    counts = Counter(map(key_of, problems))
    rows = [
        {"id": key.id, "subject": key.subject, "message": key.message, **({"count": count} if count > 1 else {})}
        for key, count in sorted(counts.items())
    ]
    lines = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in rows)
    findings = f"[\n{lines}\n  ]" if rows else "[]"
    return f'{{\n  "format": {json.dumps(FORMAT)},\n  "findings": {findings}\n}}\n'


def read_baseline(file: Path) -> Counter[Key]:
    """How often each Key stands in a baseline; raises UsageError for what is none."""
    hint = "`portcfg validate --write-baseline` writes it anew"
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            raise UsageError(f"{file} has the format {body['format']!r}, not {FORMAT!r}", hint=hint)
        rows = [(Key(*(str(row[name]) for name in ("id", "subject", "message"))), row) for row in body["findings"]]
        return Counter({key: int(row.get("count", 1)) for key, row in rows})
    except FileNotFoundError as error:
        raise UsageError(f"there is no baseline {file}", hint="--write-baseline writes one") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{file} is no baseline of portcfg", hint=hint) from error
