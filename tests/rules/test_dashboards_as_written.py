"""The dashboard of the customer's document, word for word: what it says that Port would show empty is found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from portcfg.model import Body
from portcfg.pipeline import read_specs
from tests.rules.test_mapping_corpus import documented
from tests.support import write_files

FIELD = re.compile(
    r"^(Title|Blueprint|Chart type|Property|Function|Time interval|Measure time by):[^\S\n]*\n?(?:Select\n)?(.+)$", re.M
)
INTERVALS = {"Week": "week"}
EXTERNAL = "version: 1\nexternal: {blueprints: {service: {missing: skip}, githubPullRequest: {missing: skip}}}\n"


def widgets(text: str) -> dict[str, Body]:
    """What the document says to fill in, by the widget's title, in the short form."""
    found: dict[str, dict[str, str]] = {}
    for name, value in FIELD.findall(text[text.index("Add widgets") :]):
        value = value.strip().removesuffix(". -").removesuffix(".")
        if name == "Title":
            current = found.setdefault(value, {})
        current[name] = value
    return {title: widget(each) for title, each in found.items() if "Blueprint" in each}


def widget(said: dict[str, str]) -> Body:
    function = "count" if said.get("Chart type") == "Count entities" else said.get("Function", "").lower()
    names: Any = said.get("Property", "").split(",")
    body: Body = {"title": said["Title"], "blueprint": said["Blueprint"]}
    if "Measure time by" in said:
        times = {"by": said["Measure time by"], "every": INTERVALS[said["Time interval"]], "over": "past 30 days"}
        return {"type": "line", **body, function: "entities" if function == "count" else names, **times}
    if function:
        return {"type": "number", **body, function: "entities" if function == "count" else names[0]}
    if "Property" in said:
        return {"type": "pie", **body, "property": names[0]}
    return {"type": "table", **body, "columns": ["$identifier", "$title", "email", "record_date"]}


@pytest.fixture
def findings(reference_dir: Path, tmp_path: Path) -> list[tuple[str, str, str]]:
    """(widget, id, message) of all that is found of the document's dashboard."""
    text = (reference_dir / "requirements" / "seed-cursor-integration.txt").read_text(encoding="utf-8")
    page = {"widgets": widgets(text)}
    blueprints = {f"blueprints/{each['identifier']}.json": json.dumps(each) for each in documented(reference_dir)}
    files = {**blueprints, "dashboards/d.json": json.dumps(page, indent=0), "portcfg.yaml": EXTERNAL}
    root = write_files(tmp_path / "specs", files)
    lines = (root / "dashboards" / "d.json").read_text(encoding="utf-8").splitlines()
    titles = [match[1] if (match := re.fullmatch(r'"title": "(.+)",', line)) else "" for line in lines]
    problems = [each for each in read_specs(root).problems if each.id.startswith(("PC4", "PC6"))]
    return [(_above(titles, each.line), each.id, each.message) for each in problems]


def _above(titles: list[str], line: int) -> str:
    """The title of the widget that has the line, which stands below its title or is its key."""
    return next((title for title in (*reversed(titles[:line]), "") if title), "")


def test_the_documents_nine_widgets_are_read(reference_dir: Path) -> None:
    text = (reference_dir / "requirements" / "seed-cursor-integration.txt").read_text(encoding="utf-8")
    types = [each["type"] for each in widgets(text).values()]
    assert types == ["number", "number", "number", "line", "line", "line", "pie", "table", "line"]


def test_what_would_be_empty_or_mean_something_else_is_told(findings: list[tuple[str, str, str]]) -> None:
    told = {(title, id_) for title, id_, _ in findings}
    lines = ("Acceptance Rate Over Time", "Daily Cost Trends", "Code Generation Trends", "Daily Commit Activity")
    for line in lines:
        assert any(line in title and "'$record_date' is no field of Port's own" in text for title, _, text in findings)
    for name in ("Total Accepts", "Total Rejects", "Total Lines Added", "Total Lines Deleted"):
        assert [text for _, id_, text in findings if id_ == "PC404" and repr(name) in text], name
    assert ("Total Active Users", "PC601") in told
    assert ("Total Cost", "PC604") in told
    assert ("Daily Commit Activity", "PC609") in told
    assert ("AI Suggestion Acceptance Rate Over Time", "PC608") in told
    assert {id_ for _, id_, _ in findings} == {"PC404", "PC601", "PC604", "PC608", "PC609"}
