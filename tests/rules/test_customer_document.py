"""The customer's document, word for word, as a project: what is wrong with it is found, each with its id and place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from portcfg.errors import Problem
from portcfg.pipeline import read_specs
from tests.rules.test_dashboards_as_written import widgets
from tests.rules.test_mapping_corpus import documented
from tests.support import REPOSITORY, write_files

# What the document sets when it installs Ocean.
SOURCE = "{base_url: https://api.cursor.com, auth: {type: basic, username_env: CURSOR_API_KEY}}"
# The document lost its indentation; these are its mappings with it.
MAPPINGS = sorted((REPOSITORY / "specs" / "examples" / "mappings").glob("*.yaml"))
COMMITS, BOARD = "blueprints/cursor_commit_record.json", "dashboards/cursor.json"
NAMES = ("Total Accepts", "Total Rejects", "Total Lines Added", "Total Lines Deleted")
# Of four charts.
BY_DAY = (BOARD, '"by": "$record_date",')
# What is wrong: (file, the line that the finding points to, id, an info or an alarm, a part of the message).
WRONG = {
    "the first blueprint without a writer": (
        *("blueprints/cursor_daily_commit_record.json", '"identifier": "cursor_daily_commit_record",', "PC501", "info"),
        "no mapping fills 'cursor_daily_commit_record'",
    ),
    "the second blueprint without a writer": (
        *("blueprints/cursor_team_usage_record.json", '"identifier": "cursor_team_usage_record",', "PC501", "info"),
        "no mapping fills 'cursor_team_usage_record'",
    ),
    "the widget that reads one of them": (
        *(BOARD, '"Daily Commit Activity": {', "PC502", "alarm"),
        "'cursor_daily_commit_record', which no mapping fills: it stays empty",
    ),
    "Total Active Users": (
        *(BOARD, '"count": "entities"', "PC601", "info"),
        "this counts the records of cursor_usage_record, one a day, and is titled 'Total Active Users'",
    ),
    **{
        f"the display name {name}": (
            *(BOARD, f'"{name}"', "PC404", "alarm"),
            f"cursor_usage_record has no property '{name}'",
        )
        for name in NAMES
    },
    "the missing target service": (COMMITS, '"target": "service",', "PC702", "alarm", "no blueprint 'service'"),
    "the missing target githubPullRequest": (
        *(COMMITS, '"target": "githubPullRequest",', "PC702", "alarm"),
        "no blueprint 'githubPullRequest'",
    ),
    "paging of changes": (
        *("mappings/cursor-code-changes.yaml", 'page: "1"', "PC336", "alarm"),
        "`/analytics/ai-code/changes` is read: at most 100 rows",
    ),
    "paging of commits": (
        *("mappings/cursor-commits.yaml", 'page: "1"', "PC336", "alarm"),
        "`/analytics/ai-code/commits` is read: at most 100 rows",
    ),
    "paging of usage events": (
        *("mappings/cursor-usage-events.yaml", '"page": 1, "pageSize": 100', "PC336", "alarm"),
        "`/teams/filtered-usage-events` is read: at most 100 rows",
    ),
}
# (file, the line pointed to, id, info or alarm, message) of everything that is found; alarms are errors and warnings.
Findings = list[tuple[str, str, str, str, str]]


@pytest.fixture(scope="module")
def text(reference_dir: Path) -> str:
    return (reference_dir / "requirements" / "seed-cursor-integration.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def found(text: str, reference_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    blueprints = {
        f"blueprints/{each['identifier']}.json": json.dumps(each, indent=1) for each in documented(reference_dir)
    }
    files = {
        **blueprints,
        **{f"mappings/{path.name}": path.read_text(encoding="utf-8") for path in MAPPINGS},
        BOARD: json.dumps({"title": "Cursor", "widgets": widgets(text)}, indent=1),
        "portcfg.yaml": f"version: 1\ndefaults: {{mapping: {{source: {SOURCE}}}}}\n",
    }
    root = write_files(tmp_path_factory.mktemp("document") / "specs", files)
    return [_finding(each, Path(each.file).relative_to(root).as_posix(), files) for each in read_specs(root).problems]


def _finding(each: Problem, file: str, files: dict[str, str]) -> tuple[str, str, str, str, str]:
    line = files[file].splitlines()[each.line - 1].strip()
    return file, line, each.id, "info" if each.severity == "info" else "alarm", each.message


def test_the_mappings_are_the_documents(text: str) -> None:
    lines = [line.strip().removeprefix("- ") for path in MAPPINGS for line in path.read_text("utf-8").splitlines()]
    assert [line for line in lines if line not in text] == []


@pytest.mark.parametrize("wrong", WRONG)
def alarms(found: Findings) -> list[tuple[str, str, str]]:
    return [(file, line, id_) for file, line, id_, severity, _ in found if severity == "alarm"]


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_found_at_its_place(wrong: str, found: Findings) -> None:
    file, line, id_, severity, message = WRONG[wrong]
    at = [each for each in found if (each[0], *each[2:4]) == (file, id_, severity) and message in each[4]]
    assert [line in each[1] for each in at] == [True], found


def test_each_chart_by_record_date_is_found(found: Findings) -> None:
    at = [each[:4] for each in found if "'$record_date' is no field of Port's own" in each[4]]
    assert at == [(*BY_DAY, "PC404", "alarm")] * 4


def test_there_is_no_other_alarm(found: Findings) -> None:
    listed = [(file, line, id_) for file, line, id_, severity, _ in WRONG.values() if severity == "alarm"]
    listed += [(*BY_DAY, "PC404")] * 4
    unlisted = [at for at in alarms(found) if not any(at[0] == each[0] and each[1] in at[1] for each in listed)]
    assert (unlisted, len(alarms(found))) == ([], len(listed))
