"""Findings -> SARIF 2.1.0, for code scanning and editors."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import PurePosixPath

from portcfg import __version__
from portcfg.baseline import Key, key_of
from portcfg.errors import Problem
from portcfg.findings import Findings, Ignored
from portcfg.model import Body
from portcfg.render.problems import environments
from portcfg.render.safe import fenced, plain
from portcfg.render.source import word_at
from portcfg.rules.catalog import Entry, entry, known_ids

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}
ROOT = "%SRCROOT%"
ROOT_IS = "The folder that portcfg ran in, or the checkout that holds it."


def problems_sarif(findings: Findings) -> str:
    """One run: every rule that found something, and a result for each finding, the ignored ones as suppressed."""
    suppressed = {each.problem: each for each in findings.ignored}
    found = [*findings.problems, *(each.problem for each in findings.ignored)]
    ids = sorted({problem.id for problem in found})
    seen: Counter[Key] = Counter()
    results = [_result(problem, ids, findings, seen, suppressed.get(problem)) for problem in found]
    driver = {
        "name": "portcfg",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(id_) for id_ in ids],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": ROOT_IS}}},
        "results": results,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(id_: str) -> Body:
    if id_ not in known_ids():
        return {"id": id_}
    known = entry(id_)
    help_text = f"{known.why}\n\n{known.fix}"
    return {
        "id": id_,
        "name": _pascal(known.title),
        "shortDescription": {"text": known.title},
        "fullDescription": {"text": known.finds},
        "help": {"text": help_text, "markdown": _help(known)},
        "defaultConfiguration": {"level": LEVELS[known.severity]},
        "properties": {"tags": [known.topic]},
    }


def _pascal(title: str) -> str:
    words = "".join(character if character.isalnum() else " " for character in title).split()
    return "".join(word[:1].upper() + word[1:] for word in words)


def _help(known: Entry) -> str:
    examples = (
        f"**{heading}** `{name}`\n{fenced(text.rstrip(), 'yaml')}"
        for heading, found in (("Found in", known.bad[:1]), ("Fine", known.good[:1]))
        for example in found
        for name, text in example.files.items()
    )
    return "\n\n".join([known.why, known.fix, *examples])


def _result(problem: Problem, ids: list[str], findings: Findings, seen: Counter[Key], ignored: Ignored | None) -> Body:
    key = key_of(problem)
    seen[key] += 1
    # GitHub takes the first of these for the alert's identity where a tool gives it, else a hash of the lines around.
    identity = f"{hashlib.sha256(json.dumps([key.id, key.subject, key.message]).encode()).hexdigest()[:32]}:{seen[key]}"
    said = "\n".join(filter(None, (problem.message + environments(problem), problem.hint)))
    result: Body = {
        "ruleId": problem.id,
        "ruleIndex": ids.index(problem.id),
        "level": LEVELS[problem.severity],
        "message": {"text": _linkless(said)},
        "locations": [_location(problem, findings)],
        "partialFingerprints": {"primaryLocationLineHash": identity, "portcfg/v1": identity},
    }
    if ignored:
        kind = "inSource" if ignored.by == "comment" else "external"
        result["suppressions"] = [{"kind": kind, "justification": plain(ignored.reason)}]
    return result


def _linkless(text: str) -> str:
    """Brackets with brackets behind them are a link in a SARIF message."""
    return "\n".join(map(plain, text.split("\n"))).replace("](", "] (")


def _location(problem: Problem, findings: Findings) -> Body:
    location: Body = {
        "physicalLocation": {"artifactLocation": _artifact(problem.file), "region": _region(problem, findings)}
    }
    if problem.subject:
        location["logicalLocations"] = [{"fullyQualifiedName": plain(problem.subject)}]
    return location


def _region(problem: Problem, findings: Findings) -> Body:
    """The word at the place; the first line for a whole file, since viewers show nothing without one."""
    if not problem.line:
        return {"startLine": 1}
    region: Body = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    line = findings.line(problem)
    if 0 < problem.column <= len(line):
        region["endColumn"] = problem.column + word_at(line, problem.column)
    return region


def _artifact(file: str) -> Body:
    """The path as a relative URI; a file outside the folder has an absolute one."""
    path = PurePosixPath(file.replace("\\", "/"))
    if path.is_absolute():
        return {"uri": path.as_uri()}
    uri = PurePosixPath("/", path).as_uri().removeprefix("file:///")
    return {"uri": uri, "uriBaseId": ROOT}
