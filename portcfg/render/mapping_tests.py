"""Results of mapping tests as text, JSON, and annotations of a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from portcfg.errors import Problem
from portcfg.mapping_tests.compare import Difference, Field, Result, coverage
from portcfg.model import MISSING, Path
from portcfg.render.problems_github import annotated, logged
from portcfg.render.safe import plain, shortened, shown

# Differences of one case that are shown; JSON has them all.
SHOWN = 40
_NAMES_WIDTH = 300


def tests_text(results: Sequence[Result], whole: bool) -> str:
    """Each case with its differences, then how far the entities of all fill what the mappings write.

    With `whole` that has a line for each field.
    """
    failed = sum(not result.passed for result in results)
    cases = [line for result in results for line in _case(result)]
    ends = [f"{len(results) - failed} passed, {failed} failed" if failed else f"{len(results)} passed"]
    if any(result.differences and not (result.passed or result.unused or result.unanswered) for result in results):
        ends.append("if what is made is what is meant: portcfg test --update")
    return "\n".join([*cases, "", *_coverage(results, whole), *ends])


def _case(result: Result) -> Iterator[str]:
    state = "FAILED" if not result.passed else "updated" if result.updated else "ok"
    yield f"{state:7} {plain(result.name)}" + (f" ({plain(result.mapping)})" if result.mapping else "")
    yield from (f"  {reason}" for reason in reasons(result))
    for difference in result.differences[:SHOWN]:
        yield from _difference(difference)
    if len(result.differences) > SHOWN:
        yield f"  ... and {len(result.differences) - SHOWN} more differences (--format json has them all)"


def reasons(result: Result) -> Iterator[str]:
    """Why a case fails, but for what differs."""
    if result.error:
        yield plain(result.error)
    yield from (f"no recorded answer: {shortened(plain(request), 400)}" for request in result.unanswered)
    yield from (f"recorded, but never asked for: {plain(name)}" for name in result.unused)
    for wrong in result.miscalculated:
        where = f"{wrong.blueprint}.{wrong.name}"
        yield f"the calculation {plain(where)} of {plain(wrong.entity)}: {plain(wrong.message)}"


def _difference(difference: Difference) -> Iterator[str]:
    yield f"  {plain(difference.place.file)}:{difference.place.line}: {subject(difference.path)}"
    if difference.expected is MISSING:
        yield f"    not expected, but made: {shown(difference.made)}"
    elif difference.made is MISSING:
        yield f"    expected, but not made: {shown(difference.expected)}"
    else:
        yield f"    expected {shown(difference.expected)}"
        yield f"    made     {shown(difference.made)}"


def subject(path: Path) -> str:
    """What a difference is about: `cursor_usage_record acme@2026-03-02 properties.org`. Identifiers may hold dots."""
    parts = [plain(str(part)) for part in path]
    if parts[:1] == ["entities"]:
        return " ".join([*parts[1:3], ".".join(parts[3:])]).strip() or "entities"
    return ".".join(parts) or "everything"


def _coverage(results: Sequence[Result], whole: bool) -> Iterator[str]:
    for mapping, blueprints in coverage(results).items():
        fields = [field for found in blueprints.values() for field in found.values()]
        filled = sum(field.filled > 0 for field in fields)
        yield f"coverage of {plain(mapping)}: {filled} of the {len(fields)} fields it writes have a value somewhere"
        for name, found in blueprints.items():
            yield from _whole(name, found) if whole else _short(name, found)
        yield ""


def _short(name: str, fields: Mapping[str, Field]) -> Iterator[str]:
    entities = next((field.entities for field in fields.values()), 0)
    yield f"  {plain(name)}: {entities} {'entity' if entities == 1 else 'entities'}"
    never = [key for key, field in fields.items() if not field.filled]
    partly = [f"{key} {field.filled}/{field.entities}" for key, field in fields.items() if 0 < field.filled < entities]
    if never:
        yield f"    never filled: {shortened(plain(', '.join(never)), _NAMES_WIDTH)}"
    if partly:
        yield f"    partly: {shortened(plain(', '.join(partly)), _NAMES_WIDTH)}"


def _whole(name: str, fields: Mapping[str, Field]) -> Iterator[str]:
    yield f"  {plain(name)}"
    rows = [
        (plain(key), f"{field.filled}/{field.entities}", ", ".join(field.types) or "never filled")
        for key, field in fields.items()
    ]
    yield from (f"    {line}" for line in tabulate(rows, tablefmt="plain").splitlines())


def tests_json(results: Sequence[Result]) -> str:
    """{passed, failed, cases: [{name, mapping, passed, updated, error, differences, unused, unanswered,
    miscalculated}], coverage}.

    A difference has `file`, `line`, `path`, and of `expected` and `made` what there is.
    """
    failed = sum(not result.passed for result in results)
    body = {
        "passed": len(results) - failed,
        "failed": failed,
        "cases": list(map(_json_case, results)),
        "coverage": {
            mapping: {
                name: {
                    key: {"filled": field.filled, "entities": field.entities, "types": list(field.types)}
                    for key, field in fields.items()
                }
                for name, fields in blueprints.items()
            }
            for mapping, blueprints in coverage(results).items()
        },
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def _json_case(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "mapping": result.mapping,
        "passed": result.passed,
        "updated": result.updated,
        "error": result.error,
        "differences": [
            {
                "file": item.place.file,
                "line": item.place.line,
                "path": list(item.path),
                **({} if item.expected is MISSING else {"expected": item.expected}),
                **({} if item.made is MISSING else {"made": item.made}),
            }
            for item in result.differences
        ],
        "unused": list(result.unused),
        "unanswered": list(result.unanswered),
        "miscalculated": [asdict(each) for each in result.miscalculated],
    }


def problems_of(results: Sequence[Result]) -> Iterator[Problem]:
    """Why cases fail, each at its place, where it has one."""
    for result in results:
        name = f"mapping test {result.name}"
        if result.passed:
            continue
        for difference in result.differences:
            place = difference.place
            hint = "if that is meant: portcfg test --update"
            yield Problem(place.file, place.line, place.column, name, _differs(difference), hint)
        yield from (Problem(result.file, 0, 0, name, reason) for reason in reasons(result))


def tests_github(results: Sequence[Result], problems: Sequence[Problem], whole: bool) -> str:
    """The annotations of `problems`, which `problems_of` tells, and the text for those who read the log."""
    return "\n".join([*annotated(problems), *map(logged, tests_text(results, whole).splitlines())])


def _differs(difference: Difference) -> str:
    what = subject(difference.path)
    if difference.expected is MISSING:
        return f"{what}: not expected, but made: {shown(difference.made)}"
    if difference.made is MISSING:
        return f"{what}: expected, but not made: {shown(difference.expected)}"
    return f"{what}: expected {shown(difference.expected)}, made {shown(difference.made)}"
