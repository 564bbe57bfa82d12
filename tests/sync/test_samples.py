"""The shipped mapping over Cursor's sample files, against entities worked out independently and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from portcfg.client import PortWriter
from portcfg.emulator.cursor_samples import samples_app
from portcfg.emulator.server import serving
from portcfg.render.sync import sync_text
from portcfg.sync import jq_programs
from portcfg.sync.report import SyncReport
from tests.sync.expected_from_samples import COUNTERS, TOKENS, expected, rows
from tests.sync.support import KEY, SAMPLES, at, embedded_port, entities, shipped_mapping, sync

BLUEPRINTS = (
    "cursor_usage_record",
    "cursor_user_usage_record",
    "cursor_team_usage_record",
    "cursor_commit_record",
    "cursor_daily_commit_record",
    "cursor_ai_code_change_record",
)


@pytest.fixture(scope="module")
def cursor() -> Iterator[str]:
    with serving(samples_app(SAMPLES, api_key=KEY)) as url:
        yield url


@pytest.fixture(scope="module")
def synced(cursor: str) -> Iterator[tuple[PortWriter, SyncReport]]:
    with embedded_port() as port:
        yield port, sync(at(shipped_mapping(), cursor), port)


def without_breakdown(entity: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in entity["properties"].items() if key != "breakdown"}
    return {**entity, "properties": kept}


@pytest.mark.parametrize("blueprint", BLUEPRINTS)
def test_every_property_of_every_entity(synced: tuple[PortWriter, SyncReport], blueprint: str) -> None:
    port, _ = synced
    found = {name: without_breakdown(entity) for name, entity in entities(port, blueprint).items()}
    assert found == expected(SAMPLES)[blueprint]


def test_libjq_alone_makes_the_same_of_them(
    cursor: str, synced: tuple[PortWriter, SyncReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jq_programs, "closures", lambda *_: None)
    with embedded_port() as port:
        report = sync(at(shipped_mapping(), cursor), port)
        by_jq = {name: entities(port, name) for name in BLUEPRINTS}
    assert by_jq == {name: entities(synced[0], name) for name in BLUEPRINTS}
    assert report.resources == synced[1].resources


def test_numbers_checked_by_hand(synced: tuple[PortWriter, SyncReport]) -> None:
    port, _ = synced
    users, days = entities(port, "cursor_user_usage_record"), entities(port, "cursor_usage_record")
    alice = users["acme@alice@example.com@2026-03-02"]["properties"]
    # 4.00 + 5.60 + 8.00 + 33.75 charged; on demand 33.75; at list price 2.50 + 3.125 + 9.25 + 31.50
    assert (alice["total_cents"], alice["breakdown"]["on_demand_cents"]) == (51.35, 33.75)
    assert alice["breakdown"]["list_price_cents"] == 46.375
    assert alice["input_tokens"] == 300 + 900 + 1200 + 2100
    assert users["acme@alice@example.com@2026-03-03"]["properties"]["total_cents"] == 4.5
    assert users["acme@bob@example.com@2026-03-02"]["properties"]["total_cents"] == 19.2
    assert users["acme@carol@example.com@2026-03-03"]["properties"]["total_cents"] == 0
    assert "acme@bob@example.com@2026-03-03" not in users
    assert "acme@agent-runner@example.com@2026-03-04" not in users
    assert sum(Decimal(str(day["properties"]["total_cents"])) for day in days.values()) == Decimal("104.3")
    assert sum(Decimal(str(user["properties"]["total_cents"])) for user in users.values()) == Decimal("79.05")
    breakdowns = [day["properties"]["breakdown"] for day in days.values()]
    assert sum(item["cents_without_email"] for item in breakdowns) == 5.5
    assert {item["cents_meaning"] for item in breakdowns} == {"charged"}
    assert sum(item["cents_of_service_accounts"] for item in breakdowns) == 19.75
    costs = entities(port, "cursor_cost_record")
    assert [costs[name]["properties"]["cost_usd"] for name in sorted(costs)] == [0.7055, 0.1, 0.2375]


def test_events_at_the_edge_of_a_day(synced: tuple[PortWriter, SyncReport]) -> None:
    port, _ = synced
    days = entities(port, "cursor_usage_record")
    # 23:59:59.900 on the 2nd is the 2nd's (33.75); two at 00:00:00.000 are the 3rd's (2.00 + 2.50).
    assert [days[name]["properties"]["total_cents"] for name in sorted(days)] == [70.55, 10.0, 23.75]


def test_an_amended_commit_keeps_its_last_state(synced: tuple[PortWriter, SyncReport]) -> None:
    port, report = synced
    commits = entities(port, "cursor_commit_record")
    assert len(commits) == 6
    assert commits["b" * 40]["properties"]["message"] == "Limits, again"
    assert commits["e" * 40]["properties"]["repoName"] == "unknown"
    assert next(item for item in report.streams if item.name == "commits").duplicates == 1


def test_sums_meet(synced: tuple[PortWriter, SyncReport]) -> None:
    """People's counters add up to the organization's and teams' to the people's; cents lack only what is nobody's."""
    port, _ = synced
    days, users = entities(port, "cursor_usage_record"), entities(port, "cursor_user_usage_record")
    teams = entities(port, "cursor_team_usage_record")
    for name in (*COUNTERS, *TOKENS, "total_cents"):
        people = total(users, name)
        assert total(teams, name) == people
        if name in COUNTERS:
            assert total(days, name) == people
    nobodys = sum(
        Decimal(str(day["properties"]["breakdown"][key]))
        for day in days.values()
        for key in ("cents_without_email", "cents_of_service_accounts")
    )
    assert total(days, "total_cents") == total(users, "total_cents") + nobodys


def total(found: dict[str, Any], name: str) -> Decimal:
    return sum((Decimal(str(entity["properties"].get(name, 0))) for entity in found.values()), Decimal())


def test_the_second_run_writes_nothing(synced: tuple[PortWriter, SyncReport], cursor: str) -> None:
    port, first = synced
    again = sync(at(shipped_mapping(), cursor), port)
    assert (again.writes, again.rejects, again.exit_code) == (0, (), 0)
    assert sum(item.unchanged for item in again.blueprints) == first.writes


def test_a_stream_is_read_once_though_many_resources_use_it(cursor: str, synced: tuple[PortWriter, SyncReport]) -> None:
    _, report = synced
    assert {item.name: item.requests for item in report.streams} == {
        "groups": 1,
        "events": 2,
        "daily": 2,
        "commits": 2,
        "changes": 2,
    }


def test_idle_people_are_kept_when_asked_for(cursor: str) -> None:
    with embedded_port() as port:
        sync(at(shipped_mapping(skip_idle=False), cursor), port)
        users = entities(port, "cursor_user_usage_record")
        assert len(users) == 9
        assert users["acme@bob@example.com@2026-03-03"]["properties"]["is_active"] is False
        team = entities(port, "cursor_team_usage_record")["acme@Platform@2026-03-03"]
        assert len(team["relations"]["team_members"]) == 2


def test_a_configured_team_wins_over_the_billing_group(cursor: str) -> None:
    with embedded_port() as port:
        sync(at(shipped_mapping(teams={"alice@example.com": "Core Team"}), cursor), port)
        teams = entities(port, "cursor_team_usage_record")
        assert teams["acme@Core_Team@2026-03-02"]["properties"]["team"] == "Core Team"
        assert teams["acme@Core_Team@2026-03-02"]["properties"]["total_cents"] == 51.35
        assert teams["acme@Platform@2026-03-02"]["properties"]["total_cents"] == 19.2


def test_relations_to_people_that_port_knows(cursor: str) -> None:
    with embedded_port() as port:
        port.send("POST", "/blueprints/service/entities", {"identifier": "example-org/web"})
        report = sync(at(shipped_mapping(), cursor), port)
        commits = entities(port, "cursor_commit_record")
        assert commits["c" * 40]["relations"] == {"repository": "example-org/web"}
        assert any("cursor_commit_record.repository" in notice and "(4)" in notice for notice in report.notices)


def test_a_dry_run_counts_and_writes_nothing(cursor: str) -> None:
    with embedded_port() as port:
        report = sync(at(shipped_mapping(), cursor), port, dry_run=True)
        assert report.writes == 34
        assert all(not entities(port, name) for name in BLUEPRINTS)


def test_days_outside_of_the_range_are_not_written(cursor: str) -> None:
    from datetime import date

    with embedded_port() as port:
        sync(at(shipped_mapping(), cursor), port, first_day=date(2026, 3, 3), last_day=date(2026, 3, 3))
        assert list(entities(port, "cursor_usage_record")) == ["acme@2026-03-03"]
        assert entities(port, "cursor_usage_record")["acme@2026-03-03"]["properties"]["total_cents"] == 10


# By hand, for alice on 2 March; and the organization's three days under the same meaning.
MEANINGS = {"charged": 51.35, "on_demand": 33.75, "list_price": 46.375}


@pytest.mark.parametrize("meaning", MEANINGS)
def test_what_cents_mean_is_chosen_and_named(cursor: str, meaning: str) -> None:
    with embedded_port() as port:
        report = sync(at(shipped_mapping(cents=meaning), cursor), port)
        found = {name: entities(port, name) for name in BLUEPRINTS[:3]}
    alice = found["cursor_user_usage_record"]["acme@alice@example.com@2026-03-02"]["properties"]
    assert (alice["total_cents"], alice["breakdown"]["cents_meaning"]) == (MEANINGS[meaning], meaning)
    assert {name: alice["breakdown"][f"{name}_cents"] for name in MEANINGS} == MEANINGS
    for entity in found["cursor_usage_record"].values():
        properties = entity["properties"]
        parts = ("cents_of_people", "cents_of_service_accounts", "cents_without_email")
        of_all = sum(Decimal(str(properties["breakdown"][part])) for part in parts)
        assert Decimal(str(properties["total_cents"])) == of_all
        assert properties["total_cents"] == properties["breakdown"][f"{meaning}_cents"]
    assert report.settings["cents"] == meaning
    assert f"cents: {meaning}" in sync_text(report)


def test_service_accounts_and_events_without_an_address_are_told_apart(synced: tuple[PortWriter, SyncReport]) -> None:
    totals = [item.values for item in synced[1].totals]
    sums = {
        name: sum(Decimal(str(day[name])) for day in totals)
        for name in ("total_cents", "breakdown.cents_of_service_accounts", "breakdown.cents_without_email")
    }
    assert list(sums.values()) == [Decimal("104.3"), Decimal("19.75"), Decimal("5.5")]


@pytest.mark.parametrize(
    ("variables", "service"),
    [
        ({}, "{full}"),
        ({"repository_fallback": "name"}, "{name}"),
        ({"repository_fallback": "none"}, None),
        ({"repositories": {}, "repository_fallback": "none"}, "shop"),
    ],
    ids=["full", "name", "none", "listed"],
)
def test_a_commits_repository(cursor: str, variables: dict[str, Any], service: str | None) -> None:
    full = max(row["repoName"] or "" for row in rows(SAMPLES, "ai-code-commits", "items"))
    name = full.rpartition("/")[2]
    chosen = {key: {full: "shop"} if key == "repositories" else value for key, value in variables.items()}
    with embedded_port() as port:
        for identifier in (full, name, "shop"):
            port.send("POST", "/blueprints/service/entities", {"identifier": identifier, "title": identifier})
        sync(at(shipped_mapping(**chosen), cursor), port)
        commits = entities(port, "cursor_commit_record").values()
    found = {item["relations"].get("repository") for item in commits if item["properties"]["repoName"] == full}
    assert found == {service.format(full=full, name=name) if service else None}
