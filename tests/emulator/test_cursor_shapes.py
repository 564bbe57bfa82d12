"""The stand-in Cursor's answers against the recorded samples: the same keys, the same types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.cursor_samples import samples_app
from portcfg.emulator.server import serving

SAMPLES = Path(__file__).parents[1] / "data" / "cursor-samples"
END_MS = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp() * 1000) - 1
WEEK = {"startDate": END_MS + 1 - 7 * 86_400_000, "endDate": END_MS}
PAGED_WEEK = {**WEEK, "page": 1, "pageSize": 1000}
OPTIONAL = {
    # Keys that a row may lack, as documented or observed.
    *("tokenUsage", "userEmail", "cursorTokenFee", "conversationId", "serviceAccountName", "cloudAgentId"),
    *("automationId", "serviceAccountId", "maxMode", "cacheWriteTokens", "fileName"),
}
ANSWERS: list[tuple[str, str, dict[str, Any], list[str]]] = [
    ("GET", "/teams/members", {}, ["members.json"]),
    ("POST", "/teams/daily-usage-data", PAGED_WEEK, ["daily-usage-data.page1.json", "daily-usage-data.page2.json"]),
    ("POST", "/teams/daily-usage-data", WEEK, ["daily-usage-data.active-only.json"]),
    (
        *("POST", "/teams/filtered-usage-events", PAGED_WEEK),
        ["filtered-usage-events.page1.json", "filtered-usage-events.page2.json"],
    ),
    ("GET", "/teams/groups", {}, ["groups.json"]),
    ("GET", "/teams/groups/group_01HEXAMPLEPLATFORM", {}, ["group.json"]),
    (
        *("GET", "/analytics/ai-code/commits", {"startDate": "30d", "pageSize": "1000"}),
        ["ai-code-commits.page1.json", "ai-code-commits.page2.json"],
    ),
    (
        *("GET", "/analytics/ai-code/changes", {"startDate": "30d", "pageSize": "1000"}),
        ["ai-code-changes.page1.json", "ai-code-changes.page2.json"],
    ),
]


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = ("local", "")
        yield session


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(cursor_app(synthetic_company(end=date(2026, 3, 31)))) as url:
        yield url


@pytest.fixture(scope="module")
def samples_url() -> Iterator[str]:
    with serving(samples_app(SAMPLES)) as url:
        yield url


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


def type_name(value: Any) -> str:
    """The JSON type of a plain value."""
    if value is None or isinstance(value, bool | str):
        return {type(None): "null", bool: "boolean", str: "string"}[type(value)]
    return "number"


def types_of(value: Any, path: str, found: dict[str, set[str]], keys: dict[str, list[set[str]]]) -> None:
    """Collect, per path, the types seen and the key sets of the objects; array items share one path."""
    if isinstance(value, list):
        found.setdefault(path, set()).add("array")
        for item in value:
            types_of(item, path + "[]", found, keys)
    elif isinstance(value, dict):
        found.setdefault(path, set()).add("object")
        keys.setdefault(path, []).append(set(value))
        for key, item in value.items():
            types_of(item, f"{path}.{key}", found, keys)
    else:
        found.setdefault(path, set()).add(type_name(value))


def shape(*answers: Any) -> tuple[dict[str, set[str]], dict[str, list[set[str]]]]:
    found: dict[str, set[str]] = {}
    keys: dict[str, list[set[str]]] = {}
    for answer in answers:
        types_of(answer, "", found, keys)
    return found, keys


NULLABLE_BEYOND_SAMPLES = {
    ".items[].nonAiLinesAdded": "null",  # documented number|null
    ".items[].nonAiLinesDeleted": "null",
    ".groups[].directoryGroupId": "null",  # documented null|string
    ".items[].model": "string",
}


@pytest.mark.parametrize(("method", "path", "asked", "files"), ANSWERS, ids=lambda value: str(value)[:40])
def test_shapes(
    url: str, session: requests.Session, method: str, path: str, asked: dict[str, Any], files: list[str]
) -> None:
    how = {"json": asked} if method == "POST" else {"params": asked}
    answer = session.request(method, url + path, timeout=10, **how)  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    types, keys = shape(answer.json())
    expected_types, expected_keys = shape(*(sample(name) for name in files))
    for where, seen in types.items():
        extra = seen - expected_types.get(where, set()) - {NULLABLE_BEYOND_SAMPLES.get(where, "")}
        assert not extra, f"{where}: {extra}, expected {expected_types.get(where)}"
    for where, sets in keys.items():
        required = set.intersection(*expected_keys[where]) - OPTIONAL
        allowed = set.union(*expected_keys[where]) | OPTIONAL
        for found in sets:
            assert required <= found <= allowed, f"{where}: {found ^ required}"


def test_integers_are_integers(url: str, session: requests.Session) -> None:
    rows = session.post(url + "/teams/daily-usage-data", json=PAGED_WEEK, timeout=10).json()["data"]
    for row in rows:
        assert type(row["date"]) is int and type(row["totalLinesAdded"]) is int
        assert row["date"] % 86_400_000 == 0
    events = session.post(url + "/teams/filtered-usage-events", json=PAGED_WEEK, timeout=10).json()["usageEvents"]
    assert all(event["timestamp"].isdecimal() for event in events)
    assert all(type(event["chargedCents"]) is float for event in events)


def test_key_order_is_the_samples(url: str, session: requests.Session) -> None:
    answer = session.post(url + "/teams/filtered-usage-events", json=PAGED_WEEK, timeout=10).json()
    recorded = sample("filtered-usage-events.page1.json")
    assert list(answer) == list(recorded)
    order = list(dict.fromkeys(key for event in recorded["usageEvents"] for key in event))
    for event in answer["usageEvents"]:
        plain = [key for key in event if key in ("timestamp", "model", "kind", "requestsCosts", "isHeadless")]
        assert plain == [key for key in order if key in plain]


SAMPLE_PAGES: list[tuple[str, str, dict[str, Any], str]] = [
    ("GET", "/teams/members", {}, "members.json"),
    ("GET", "/teams/groups", {}, "groups.json"),
    ("GET", "/teams/groups/group_01HEXAMPLEPLATFORM", {}, "group.json"),
    ("POST", "/teams/daily-usage-data", {}, "daily-usage-data.active-only.json"),
    ("POST", "/teams/daily-usage-data", {"page": 1, "pageSize": 500}, "daily-usage-data.page1.json"),
    ("POST", "/teams/daily-usage-data", {"page": 2, "pageSize": 500}, "daily-usage-data.page2.json"),
    ("POST", "/teams/filtered-usage-events", {}, "filtered-usage-events.page1.json"),
    ("POST", "/teams/filtered-usage-events", {"page": 2}, "filtered-usage-events.page2.json"),
    ("POST", "/teams/filtered-usage-events", {"page": 3}, "filtered-usage-events.page3-past-the-end.json"),
    ("GET", "/analytics/ai-code/commits", {"page": "1"}, "ai-code-commits.page1.json"),
    ("GET", "/analytics/ai-code/commits", {"page": "2"}, "ai-code-commits.page2.json"),
    ("GET", "/analytics/ai-code/changes", {}, "ai-code-changes.page1.json"),
    ("GET", "/analytics/ai-code/changes", {"page": "2"}, "ai-code-changes.page2.json"),
]


@pytest.mark.parametrize(("method", "path", "asked", "name"), SAMPLE_PAGES)
def test_samples_are_served_as_they_are(
    samples_url: str, session: requests.Session, method: str, path: str, asked: dict[str, Any], name: str
) -> None:
    how = {"json": asked} if method == "POST" else {"params": asked}
    answer = session.request(method, samples_url + path, timeout=10, **how)  # type: ignore[arg-type]
    assert answer.content == (SAMPLES / name).read_bytes()


def test_sample_pages_past_the_end_have_no_rows(samples_url: str, session: requests.Session) -> None:
    daily = session.post(samples_url + "/teams/daily-usage-data", json={"page": 3}, timeout=10).json()
    assert (daily["data"], daily["pagination"]["hasNextPage"], daily["pagination"]["page"]) == ([], False, 3)
    commits = session.get(samples_url + "/analytics/ai-code/commits", params={"page": 3}, timeout=10).json()
    assert (commits["items"], commits["page"], commits["totalCount"]) == ([], 3, 7)


def test_samples_refuse_a_wrong_key_and_unknown_paths(samples_url: str, session: requests.Session) -> None:
    assert requests.get(samples_url + "/teams/members", auth=("other", ""), timeout=10).status_code == 401
    assert session.get(samples_url + "/teams/spend", timeout=10).status_code == 404
    assert session.get(samples_url + "/teams/groups/group_other", timeout=10).status_code == 404
    assert session.post(samples_url + "/teams/daily-usage-data", json="text", timeout=10).status_code == 400
