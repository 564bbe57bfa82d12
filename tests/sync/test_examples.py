"""The customer's four mappings, word for word, against a source whose rows have the names that they read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from portcfg.client import PortWriter
from portcfg.emulator.server import serving
from portcfg.sync.report import SyncReport
from tests.sync.support import NOW, ROOT, embedded_port, entities, mapping_of, shipped_bodies, source_app, sync

TOTALS = {
    name: number
    for number, name in enumerate(
        [
            *("total_accepts", "total_rejects", "total_tabs_shown", "total_tabs_accepted", "total_lines_added"),
            *("total_lines_deleted", "accepted_lines_added", "accepted_lines_deleted", "composer_requests"),
            *("chat_requests", "agent_requests", "subscription_included_reqs", "api_key_reqs", "usage_based_reqs"),
            *("bugbot_usages", "total_active_users", "total_input_tokens", "total_output_tokens"),
            *("total_cache_write_tokens", "total_cache_read_tokens", "total_cents"),
        ],
        start=10,
    )
}
DAY = {
    "org": "acme",
    "date": "2026-03-02",
    "totals": {**TOTALS, "most_used_model": "gpt-5"},
    "breakdown": {"users": 3},
}
EVENT = {
    "id": "evt-1",
    "userEmail": "alice@example.com",
    "eventType": "agent",
    "createdAt": "2026-03-02T08:00:00.000Z",
    "org": "acme",
    "inputTokens": 100,
    "totalCents": 12.35,
    "model": "gpt-5",
}
COMMIT = {
    "commitHash": "a" * 40,
    "userId": "user_1",
    "userEmail": "alice@example.com",
    "repoName": "example-org/web",
    "branchName": "main",
    "isPrimaryBranch": True,
    "totalLinesAdded": 5,
    "totalLinesDeleted": 1,
    "message": None,
    "commitTs": "2026-03-02T09:00:00.000Z",
    "createdAt": "2026-03-02T09:00:01.000Z",
    "org": "acme",
}
CHANGE = {
    "userEmail": "alice@example.com",
    "createdAt": "2026-03-02T00:00:00Z",
    "org": "acme",
    "totalChanges": 4,
    "tabChanges": 3,
    "composerChanges": 1,
    "mostUsedModel": "gpt-5",
    "uniqueFileExtensions": 2,
    "metadata": {"py": 3},
}
ROUTES = {
    "/teams/daily-usage-data": {"data": [DAY]},
    "/teams/filtered-usage-events": {"usageEvents": [EVENT]},
    "/analytics/ai-code/commits": {"items": [COMMIT]},
    "/analytics/ai-code/changes": {"items": [CHANGE]},
}


def run(name: str, port: PortWriter) -> tuple[SyncReport, list[Any]]:
    body = shipped_bodies("mapping", "specs/examples")[name]["config"]
    assert body["source"]["base_url"] == "https://api.cursor.com"
    app = source_app({path: lambda _, answer=answer: answer for path, answer in ROUTES.items()})
    with serving(app) as url:
        port.send("POST", "/blueprints/_user/entities", {"identifier": "alice@example.com"}, {"upsert": "true"})
        mapping = mapping_of({**body, "source": {**body["source"], "base_url": url}})
        return sync(mapping, port), app.state.log


CASES = {
    "cursor-organization-usage": (
        "cursor_usage_record",
        "acme@2026-03-02",
        {
            "title": "acme usage 2026-03-02",
            "properties": {
                "record_date": "2026-03-02T00:00:00Z",
                "org": "acme",
                "breakdown": {"users": 3},
                **TOTALS,
                "most_used_model": "gpt-5",
            },
            "relations": {},
        },
    ),
    "cursor-usage-events": (
        "cursor_user_usage_record",
        "evt-1",
        {
            "title": "alice@example.com - agent (2026-03-02T08:00:00.000Z)",
            "properties": {
                "record_date": EVENT["createdAt"],
                "email": "alice@example.com",
                "org": "acme",
                "composer_requests": 0,
                "chat_requests": 0,
                "agent_requests": 1,
                "total_accepts": 0,
                "total_rejects": 0,
                "input_tokens": 100,
                "output_tokens": 0,
                "cache_write_tokens": 0,
                "cache_read_tokens": 0,
                "total_cents": 12.35,
                "most_used_model": "gpt-5",
                "breakdown": {
                    "eventType": "agent",
                    "model": "gpt-5",
                    "eventId": "evt-1",
                    "timestamp": EVENT["createdAt"],
                },
            },
            "relations": {},
        },
    ),
    "cursor-commits": (
        "cursor_commit_record",
        "a" * 40,
        {
            "title": f"{'a' * 40} by alice@example.com",
            "properties": {key: value for key, value in COMMIT.items() if value is not None},
            "relations": {"user": "alice@example.com", "repository": "example-org/web"},
        },
    ),
    "cursor-code-changes": (
        "cursor_ai_code_change_record",
        "alice@example.com@2026-03-02T00:00:00Z@changes",
        {
            "title": "alice@example.com code changes 2026-03-02T00:00:00Z",
            "properties": {
                "record_date": "2026-03-02T00:00:00Z",
                "org": "acme",
                "user_email": "alice@example.com",
                "total_changes": 4,
                "tab_changes": 3,
                "composer_changes": 1,
                "most_used_model": "gpt-5",
                "unique_file_extensions": 2,
                "breakdown": {"py": 3},
            },
            "relations": {"user": "alice@example.com"},
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_mapping_runs_unchanged(name: str) -> None:
    blueprint, identifier, expected = CASES[name]
    with embedded_port() as port:
        port.send("POST", "/blueprints/service/entities", {"identifier": "example-org/web"})
        report, _ = run(name, port)
        assert (report.rejects, report.exit_code) == ((), 0)
        assert entities(port, blueprint) == {identifier: expected}
        assert run(name, port)[0].writes == 0


def test_text_bodies_are_evaluated_and_literal_parameters_sent_as_they_are() -> None:
    with embedded_port() as port:
        _, (daily, *_) = run("cursor-organization-usage", port)
        start, end = (int(NOW) - 86400 * 30) * 1000, int(NOW) * 1000
        assert daily == ("/teams/daily-usage-data", {"startDate": start, "endDate": end})
        _, (events, *_) = run("cursor-usage-events", port)
        assert events[1] == {"startDate": start, "endDate": end, "page": 1, "pageSize": 100}
        _, (commits, *_) = run("cursor-commits", port)
        assert commits[1] == {"startDate": "30d", "endDate": "0d", "page": "1", "pageSize": "100"}


def test_a_body_is_evaluated_for_each_window() -> None:
    body = shipped_bodies("mapping", "specs/examples")["cursor-organization-usage"]["config"]
    resource = json.loads(json.dumps(body["resources"][0]))
    resource["selector"] |= {"window": {"days": 2}, "body": "{from: $window.first_day, to: $window.last_day}"}
    app = source_app({"/teams/daily-usage-data": lambda _: {"data": []}})
    with embedded_port() as port, serving(app) as url:
        sync(mapping_of({"resources": [resource]}, url), port)
    asked = [asked for _, asked in app.state.log]
    assert asked == [{"from": "2026-03-02", "to": "2026-03-03"}, {"from": "2026-03-04", "to": "2026-03-04"}]


def test_the_examples_stand_word_for_word_in_the_customers_document(reference_dir: Path) -> None:
    document = (reference_dir / "requirements" / "seed-cursor-integration.txt").read_text()
    lines = [line.strip() for line in document.splitlines()]
    for file in sorted((ROOT / "specs" / "examples" / "mappings").glob("*.yaml")):
        wanted = [line.strip() for line in file.read_text().splitlines() if line.strip() != "resources:"]
        first = lines.index(wanted[0])
        found = lines[first : first + len(wanted)]
        # The page's next heading is glued to the last line.
        assert [line[: len(text)] for line, text in zip(found, wanted, strict=True)] == wanted


PEOPLE = ("bob@example.com", "carol@example.com")


@pytest.mark.parametrize("name", ["cursor-commits", "cursor-code-changes"])
def test_unknown_repositories_are_made_and_unknown_people_left_out_as_with_ocean(name: str) -> None:
    blueprint = CASES[name][0]
    commits = [{**COMMIT, "commitHash": char * 40, "userEmail": who} for char, who in zip("bc", PEOPLE, strict=True)]
    changes = [{**CHANGE, "userEmail": who} for who in PEOPLE]
    routes = {"/analytics/ai-code/commits": {"items": commits}, "/analytics/ai-code/changes": {"items": changes}}
    body = shipped_bodies("mapping", "specs/examples")[name]["config"]
    with embedded_port() as port, serving(source_app({path: lambda _, a=a: a for path, a in routes.items()})) as url:
        report = sync(mapping_of({**body, "source": {"base_url": url}}), port)
        assert (report.rejects, report.exit_code) == ((), 0)
        found = entities(port, blueprint)
        assert len(found) == 2
        repository = {"repository": "example-org/web"} if name == "cursor-commits" else {}
        assert [entity["relations"] for entity in found.values()] == [repository] * 2
        assert f"{blueprint}.user: values without a `_user` entity in Port were left out (2)" in report.notices
        # A stream without a window has no range to claim, and is called as the document calls it.
        assert (report.first_day, report.streams[0].name) == ("", body["resources"][0]["kind"])


def test_different_requests_of_one_kind_are_streams_of_their_own() -> None:
    (resource,) = shipped_bodies("mapping", "specs/examples")["cursor-commits"]["config"]["resources"]
    other = {**resource, "selector": {**resource["selector"], "query_params": {"page": "2"}}}
    mapping = mapping_of({"resources": [resource, resource, other, other]})
    kind = "/analytics/ai-code/commits"
    assert [item.stream for item in mapping.resources] == [kind, kind, f"{kind} (2)", f"{kind} (2)"]
