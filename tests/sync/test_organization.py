"""The shipped mapping with an organization's key: the same sums as with a team's, by the teams that the rows name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_organization import ORGANIZATION, TEAM_IDS, team_of
from portcfg.emulator.server import serving
from portcfg.errors import TerminalApiError
from portcfg.pipeline import read_specs
from portcfg.sync.parse import parse_mapping
from portcfg.sync.report import SyncReport
from portcfg.sync.spec import SyncMapping
from tests.emulator import cursor_totals
from tests.sync.support import KEY, ROOT, at, embedded_port, entities, sync
from tests.sync.test_company import BLUEPRINTS, COMPANY, DAYS, RANGE, run

NAMES = {str(number): name for name, number in TEAM_IDS.items() if name != "Web"}
CHOSEN: dict[str, Any] = {"cursor_api": "organizations", "organization_id": ORGANIZATION, "team_names": NAMES}


def chosen_mapping(folder: Path, **variables: Any) -> SyncMapping:
    """The shipped mapping as a project with these variables compiles it."""
    shutil.copytree(ROOT / "specs", folder / "specs")
    project = folder / "specs" / "portcfg.yaml"
    body = yaml.safe_load(project.read_text())
    project.write_text(yaml.safe_dump({**body, "vars": {**body["vars"], **variables}}))
    compiled = {ref.identifier: item.body for ref, item in read_specs(project.parent).compiled().items()}
    return parse_mapping({"identifier": "cursor", **compiled["cursor"]["config"]})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(cursor_app(COMPANY, api_key="a-team-key", organization_key=KEY)) as base_url:
        yield base_url


@pytest.fixture(scope="module")
def synced(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SyncReport, dict[str, Any]]]:
    with embedded_port() as port:
        mapping = chosen_mapping(tmp_path_factory.mktemp("project"), **CHOSEN)
        report = sync(at(mapping, url), port, **RANGE)
        yield report, {name: entities(port, name) for name in BLUEPRINTS}


def test_organization_and_people_are_as_with_a_teams_key(synced: tuple[SyncReport, dict[str, Any]]) -> None:
    report, held = synced
    with embedded_port() as port:
        run(port)
        for name in ("cursor_usage_record", "cursor_user_usage_record", "cursor_cost_record"):
            assert held[name] == entities(port, name)
    assert report.exit_code == 0
    # No such routes for organizations: those streams are named, and nothing is taken for zero.
    assert {item.name for item in report.streams if item.status != "read"} == {"groups", "commits", "changes"}
    assert held["cursor_commit_record"] == {}


def test_teams_are_those_of_the_rows(synced: tuple[SyncReport, dict[str, Any]]) -> None:
    _, held = synced
    teams = {person.email: team_of(person) for person in COMPANY.people}
    expected: dict[tuple[str, str], Decimal] = {}
    for (email, day), totals in cursor_totals.user_days(COMPANY, DAYS).items():
        number = teams[email]
        key = (NAMES.get(str(number), f"team {number}"), str(day))
        expected[key] = expected.get(key, Decimal()) + totals.cents
    found = {
        (item["properties"]["team"], item["properties"]["record_date"][:10]): item["properties"]["total_cents"]
        for item in held["cursor_team_usage_record"].values()
    }
    assert {key: Decimal(str(cents)) for key, cents in found.items()} == expected
    assert any(team == f"team {TEAM_IDS['Web']}" for team, _ in found)


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"cursor_api": "teams"}, "Invalid Team API Key"),
        ({**CHOSEN, "organization_id": ""}, "organizationId is required"),
        ({**CHOSEN, "organization_id": "org_other"}, "Not authorized"),
    ],
    ids=["a team's routes", "no organization", "another one"],
)
def test_what_the_key_is_not_for(url: str, chosen: dict[str, Any], says: str, tmp_path: Path) -> None:
    with embedded_port() as port:
        try:
            report = sync(at(chosen_mapping(tmp_path, **chosen), url), port, **RANGE)
        except TerminalApiError as error:
            assert says in error.message
        else:
            assert report.exit_code == 3
            assert says in " ".join(item.message for item in report.streams)
        assert entities(port, "cursor_usage_record") == {}


def test_the_stand_ins_routes(url: str) -> None:
    def ask(path: str, body: Any = None, key: str = KEY) -> requests.Response:
        method = "GET" if body is None else "POST"
        return requests.request(method, f"{url}/organizations/{path}", json=body, auth=(key, ""), timeout=10)

    members = ask("members?pageSize=5").json()
    assert len(members["members"]) == 5 and members["pagination"]["hasNextPage"]
    assert isinstance(members["members"][0]["userId"], int) and "teamId" in members["members"][0]["teams"][0]
    assert ask("members", key="a-team-key").json()["message"] == "Invalid Organization API Key"
    body = {"organizationId": ORGANIZATION}
    assert len(ask("filtered-usage-events", body).json()["usageEvents"]) == 10
    usage = ask("daily-usage-data", body).json()
    assert usage["pagination"]["pageSize"] == 1000 and {"teamId", "userId", "isActive"} <= usage["data"][0].keys()
    empty = {**body, "teamIds": []}
    assert ask("daily-usage-data", empty).json()["data"] == []
    assert ask("filtered-usage-events", empty).json()["usageEvents"] == []
    for wrong in ([99], ["7"], "7", [True], [7] * 101):
        assert ask("daily-usage-data", {**body, "teamIds": wrong}).status_code == 400
        assert ask("filtered-usage-events", {**body, "teamIds": wrong}).status_code == 400
    assert ask("daily-usage-data", {**body, "userEmail": 5}).status_code == 400
    assert ask("daily-usage-data", {**body, "startDate": 0}).status_code == 400


def test_the_stand_ins_filters(url: str) -> None:
    """The rows of teams are those that they have in the whole, and all teams' are the whole; so with people's."""

    def rows(path: str, key: str, **filters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page = 0
        end = int(RANGE["now"]) * 1000
        base = {"organizationId": ORGANIZATION, "startDate": end - 5 * 86_400_000, "endDate": end, "pageSize": 40}
        while True:
            page += 1
            body = {**base, **filters, "page": page}
            answer = requests.post(f"{url}/organizations/{path}", json=body, auth=(KEY, ""), timeout=10).json()
            found += answer[key]
            if not answer["pagination"]["hasNextPage"]:
                return found

    for path, key, address in (
        ("daily-usage-data", "data", "email"),
        ("filtered-usage-events", "usageEvents", "userEmail"),
    ):
        whole = rows(path, key)
        teams = sorted({row["teamId"] for row in whole})
        assert len(teams) > 1
        for team in teams:
            assert rows(path, key, teamIds=[team]) == [row for row in whole if row["teamId"] == team]
        assert rows(path, key, teamIds=teams) == whole
        person = next(row[address] for row in whole if row.get(address)).lower()
        name = "userEmail" if path == "daily-usage-data" else "email"
        assert rows(path, key, **{name: person.upper()}) == [
            row for row in whole if row.get(address, "").lower() == person
        ]
    two = sorted({row["email"].lower() for row in rows("daily-usage-data", "data")})[:2]
    found = rows("daily-usage-data", "data", userEmail=", ".join(two))
    assert {row["email"].lower() for row in found} == set(two)
