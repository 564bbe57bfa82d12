"""lineage: who writes and who reads a property, over every way there is, and in each format."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from portcfg.cli.main import main
from portcfg.pipeline import read_specs
from tests.support import REPOSITORY, portcfg_beside, write_files

Cli = Callable[..., Result]
RESOURCE: dict[str, Any] = {"kind": "/rows", "selector": {"query": "true"}}
FILES = {
    "portcfg.yaml": "version: 1\nexternal:\n  writers:\n    team.*: people\n    service.owner: CI\n",
    "blueprints/service.yaml": """\
title: Service
schema:
  properties:
    tier: {type: string}
    owner: {type: string}
    cost: {type: number}
    state: {type: string, default: new}
    note: {type: string}
  required: []
relations:
  team: {target: team}
mirrorProperties:
  lead: {path: team.lead}
calculationProperties:
  dear: {type: boolean, calculation: .properties.cost > 9}
aggregationProperties:
  open: {title: Open, target: bug, calculationSpec: {calculationBy: entities, func: count}, query:
    {combinator: and, rules: [{property: status, operator: "=", value: open}]}}
""",
    "blueprints/team.yaml": "title: Team\nschema:\n  properties:\n    lead: {type: string}\n    code: {type: string}\n",
    "blueprints/bug.yaml": """\
title: Bug
schema:
  properties:
    status: {type: string}
relations:
  service: {target: service}
ownership: {type: Inherited, path: service}
""",
    "mappings/catalog.yaml": """\
source: {base_url: "https://catalog.example.com", auth: {type: none}}
createMissingRelatedEntities: false
fill: {service: {cost: 0}}
resources:
  - kind: services
    selector: {query: "true"}
    port:
      entity:
        mappings:
          identifier: .id
          blueprint: '"service"'
          properties:
            tier: .tier
            cost: .cost
""",
    "mappings/teams.yaml": """\
runner: ocean
createMissingRelatedEntities: false
resources:
  - kind: team
    selector: {query: "true"}
    port:
      entity:
        mappings:
          identifier: .id
          blueprint: '"service"'
          relations:
            team:
              combinator: '"and"'
              rules: [{property: '"code"', operator: '"="', value: .code}]
""",
    "dashboards/costs.yaml": """\
title: Costs
rows: [[cost], [services]]
widgets:
  cost: {type: number, title: Cost, blueprint: service, sum: cost}
  services: {type: table, title: All, blueprint: service, columns: [tier, dear]}
""",
}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run portcfg beside a small portal that has every sort of writer and reader."""
    monkeypatch.chdir(tmp_path)
    return portcfg_beside(tmp_path, FILES, "lineage")


def links(cli: Cli, part: str) -> tuple[list[str], list[str]]:
    """(writers, readers) of one part, each `what who file:line`."""
    (body,) = json.loads(cli(part, "--format", "json").stdout)["parts"]

    def side(name: str) -> list[str]:
        return [
            f"{each['what']} {each['who']} {Path(each['place']['file']).name}:{each['place']['line']}"
            for each in body[name]
        ]

    return side("writers"), side("readers")


@pytest.mark.parametrize(
    "part, writers, readers",
    [
        (
            "service.cost",
            [
                "mapping mapping/catalog, resource 1 (services) catalog.yaml:14",
                "fill of mapping/catalog catalog.yaml:3",
            ],
            ["calculation service.dear service.yaml:15", 'widget "Cost" of dashboard/costs costs.yaml:4'],
        ),
        ("service.owner", ["external CI portcfg.yaml:5"], []),
        ("service.state", ["default  service.yaml:7"], []),
        ("service.note", [], []),
        (
            "service.team",
            ["mapping mapping/teams, resource 1 (team) teams.yaml:12"],
            ["mirror service.lead service.yaml:13"],
        ),
        ("service.dear", ["calculation  service.yaml:15"], ['widget "All" of dashboard/costs costs.yaml:5']),
        ("team.lead", ["external people portcfg.yaml:4"], ["mirror service.lead service.yaml:13"]),
        ("team.code", ["external people portcfg.yaml:4"], ["search of mapping/teams, resource 1 (team) teams.yaml:12"]),
        ("bug.status", [], ["aggregation service.open service.yaml:17"]),
        ("bug.service", [], ["ownership of blueprint/bug bug.yaml:7"]),
    ],
)
def test_every_writer_and_reader_is_told_with_its_place(
    cli: Cli, part: str, writers: list[str], readers: list[str]
) -> None:
    assert links(cli, part) == (writers, readers)


def test_as_text_with_the_jq(cli: Cli) -> None:
    assert cli("service.tier").stdout == (
        "service.tier (property)  specs/blueprints/service.yaml:4:5\n"
        "  written by mapping/catalog, resource 1 (services) (specs/mappings/catalog.yaml:13:13): .tier\n"
        '  read by widget "All" of dashboard/costs (specs/dashboards/costs.yaml:5:69)\n'
    )


@pytest.mark.parametrize(
    "args, heads",
    [
        (["blueprint/team"], ["team", "team.lead", "team.code"]),
        (["*.l*"], ["service.lead", "team.lead"]),
        (["--unfed"], ["bug", "bug.status", "bug.service", "service.note"]),
        (["service", "--unread"], ["service.owner", "service.state", "service.note", "service.lead", "service.open"]),
        (["service.note", "service.cost", "--unfed", "--unread"], ["service.note"]),
        (["service.cost", "--unread"], ["nothing"]),
    ],
)
def test_patterns_and_what_is_left_over(cli: Cli, args: list[str], heads: list[str]) -> None:
    found = [line.split(" ")[0] for line in cli(*args).stdout.splitlines() if line and not line.startswith(" ")]
    assert found == heads


def test_a_name_that_is_not_there_is_a_mistake_with_the_nearest_one(cli: Cli) -> None:
    done = cli("service.tear")
    assert done.exit_code == 64
    assert "did you mean 'service.tier'?" in done.stderr


def test_errors_elsewhere_are_told_and_the_rest_is_shown(cli: Cli, tmp_path: Path) -> None:
    write_files(tmp_path / "specs", {"blueprints/broken.yaml": "title: [\n"})
    done = cli("service.tier")
    assert (done.exit_code, "read by widget" in done.stdout) == (0, True)
    assert "portcfg validate" in done.stderr


def test_a_diagram_is_one_that_no_name_can_break(cli: Cli, tmp_path: Path) -> None:
    hostile = '"] --> x; click x `1. <img src=x onerror=alert(1)> #quot; | end %% \u202e'
    dashboard = FILES["dashboards/costs.yaml"].replace("title: Cost,", f"title: {json.dumps(hostile)},")
    write_files(tmp_path / "specs", {"dashboards/costs.yaml": dashboard})
    drawn = cli("service", "--format", "mermaid").stdout
    assert drawn.startswith("### `service`\n\n```mermaid\nflowchart LR\n")
    node = re.compile(r'  [prw]\d+(\["[\w /,#;]+"\]|\(\["[\w /,#;]+"\]\))')
    edge = re.compile(r"  [prw]\d+ --> [prw]\d+")
    lines = drawn.strip().splitlines()[4:-1]
    assert [line for line in lines if not node.fullmatch(line) and not edge.fullmatch(line)] == []
    assert "img src#61;x" in drawn


def test_a_diagram_goes_from_mappings_over_properties_to_widgets(cli: Cli) -> None:
    drawn = cli("service", "--format", "mermaid").stdout
    ids = {label: id_ for id_, label in re.findall(r'(\w+)\(?\["([^"]+)"\]', drawn)}
    cost, dear = ids["cost"], ids["dear"]
    assert f"{ids['mapping/catalog, resource 1 #40;services#41;']} --> {cost}" in drawn
    assert f"{cost} --> {dear}\n" in drawn
    assert f"{dear} --> {ids['widget #34;All#34; of dashboard/costs']}" in drawn


def test_rows_that_name_their_blueprint_may_fill_any(cli: Cli, tmp_path: Path) -> None:
    mapping = FILES["mappings/catalog.yaml"]
    write_files(tmp_path / "specs", {"mappings/catalog.yaml": mapping.replace("""'"service"'""", ".type")})
    assert links(cli, "service.tier")[0] == ["mapping mapping/catalog, resource 1 (services) catalog.yaml:13"]
    assert not {each.id for each in read_specs(Path("specs")).problems} & {"PC501", "PC502"}
    either = """'if .bug then "bug" else "service" end'"""
    write_files(tmp_path / "specs", {"mappings/catalog.yaml": mapping.replace("""'"service"'""", either)})
    assert ["written by mapping/catalog" in cli(name).stdout for name in ("bug", "service", "team")] == [
        True,
        True,
        False,
    ]


def test_what_relations_make_and_whole_tables_count(cli: Cli, tmp_path: Path) -> None:
    mapping = FILES["mappings/teams.yaml"].replace("createMissingRelatedEntities: false\n", "")
    mapping = re.sub(r"team:\n( +combinator.*\n.*\n)", "team: .team\n", mapping)
    raw = json.dumps(
        {"identifier": "raw", "title": "Raw", "type": "dashboard", "widgets": [
            {"id": "t", "type": "table-entities-explorer", "title": "T", "dataset": {"combinator": "and", "rules": [
                {"property": "$blueprint", "operator": "=", "value": "service"}]}}]}
    )  # fmt: skip
    write_files(tmp_path / "specs", {"mappings/teams.yaml": mapping, "dashboards/raw.json": raw})
    writers, _ = links(cli, "service.team")
    assert writers == ["mapping mapping/teams, resource 1 (team) teams.yaml:11"]
    (team, *_) = json.loads(cli("team", "--format", "json").stdout)["parts"]
    assert [each["what"] for each in team["writers"]] == ["relation", "external"]
    assert links(cli, "service.note")[1] == ['widget "T" of dashboard/raw raw.json:1']


def test_what_a_sync_records_of_itself_is_written_by_it(cli: Cli, tmp_path: Path) -> None:
    dashboard = """\
title: Runs
rows: [[rejected], [open]]
widgets:
  rejected: {type: number, title: Rejected, blueprint: portcfg_sync_run, sum: rejected}
  open: {type: pie, title: Open, blueprint: portcfg_sync_day, property: state}
"""
    write_files(tmp_path / "specs", {"dashboards/runs.yaml": dashboard})
    assert links(cli, "portcfg_sync_day.state")[0] == ["record of mapping/catalog catalog.yaml:1"]
    assert links(cli, "portcfg_sync_run.rejected")[0] == []
    mapping = f"{FILES['mappings/catalog.yaml']}record_run: true\n"
    write_files(tmp_path / "specs", {"mappings/catalog.yaml": mapping})
    assert links(cli, "portcfg_sync_run.rejected")[0] == ["record of mapping/catalog catalog.yaml:15"]
    (tmp_path / "specs" / "dashboards" / "runs.yaml").unlink()
    assert "written by record of mapping/catalog" in cli("portcfg_sync_run").stdout
    assert cli("portcfg_sync_day").exit_code == 64


def test_what_a_sync_deletes_by_and_sums_up_is_read_by_it(cli: Cli, tmp_path: Path) -> None:
    kept = "retention: {service: {property: state, days: 90}}\nprune: {team: window}\nreport: {service: [cost]}\n"
    write_files(tmp_path / "specs", {"mappings/catalog.yaml": f"{FILES['mappings/catalog.yaml']}{kept}"})
    assert links(cli, "service.state")[1] == ["retention of mapping/catalog catalog.yaml:15"]
    assert "report of mapping/catalog catalog.yaml:17" in links(cli, "service.cost")[1]


def test_more_names_than_a_message_has_room_for_are_counted(tmp_path: Path) -> None:
    names = [f"p{number}" for number in range(5)]
    written = "".join(f"            {name}: .{name}\n" for name in names)
    typed = "".join(f"    {name}: {{type: string}}\n" for name in names)
    files = {
        **FILES,
        "mappings/catalog.yaml": FILES["mappings/catalog.yaml"] + written,
        "blueprints/service.yaml": FILES["blueprints/service.yaml"].replace("  required:", f"{typed}  required:"),
    }
    problems = read_specs(write_files(tmp_path / "specs", files)).problems
    (message,) = [each.message for each in problems if each.id == "PC504"]
    assert message == "nothing here reads what is written into 'service': p0, p1, p2 and 2 more"


def test_nothing_is_said_of_specs_without_a_mapping(tmp_path: Path) -> None:
    files = {name: text for name, text in FILES.items() if not name.startswith("mappings/")}
    problems = read_specs(write_files(tmp_path / "specs", files)).problems
    assert [each for each in problems if each.id.startswith("PC5")] == []


@pytest.mark.parametrize("text", ["title: [\n", "titel: Other\n", ""])
def test_nothing_is_said_beside_a_spec_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    files = {**FILES, "mappings/other.yaml": text}
    problems = read_specs(write_files(tmp_path / "specs", files)).problems
    assert [each for each in problems if each.id.startswith("PC5")] == []


def test_the_shipped_diagram_has_every_widget() -> None:
    runner = CliRunner()
    drawn = runner.invoke(main, ["lineage", "--specs", str(REPOSITORY / "specs"), "--format", "mermaid"]).stdout
    assert drawn.count("```mermaid") == 11
    assert drawn.count("dashboard/cursor_ai_insights") == 13


def test_the_customers_own_mappings_leave_two_blueprints_empty_and_a_widget_of_one(tmp_path: Path) -> None:
    """The guide has six blueprints and mappings for four of them."""
    root = tmp_path / "specs"
    for folder in ("blueprints", "fragments", "dashboards"):
        shutil.copytree(REPOSITORY / "specs" / folder, root / folder)
    shutil.copytree(REPOSITORY / "specs" / "examples" / "mappings", root / "mappings")
    project = yaml.safe_load((REPOSITORY / "specs" / "examples" / "portcfg.yaml").read_text(encoding="utf-8"))
    project["external"]["blueprints"] = {"service": {}, "githubPullRequest": {}}
    write_files(root, {"portcfg.yaml": yaml.safe_dump(project)})
    # Ours, beside the guide's.
    (root / "blueprints" / "cursor_cost_record.yaml").unlink()
    problems = read_specs(root).problems
    empty = {each.subject for each in problems if each.id == "PC501"}
    assert empty == {"blueprint/cursor_daily_commit_record identifier", "blueprint/cursor_team_usage_record identifier"}
    (shown,) = [each.message for each in problems if each.id == "PC502"]
    assert "the widget 'Daily Commit Activity' shows" in shown
    assert shown.endswith("and so do 'Commits per Week'")
