"""People under pseudonyms and under several addresses: the shipped mapping over a company, and small mappings."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portcfg.client import Credentials, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.errors import InvalidSpecsError, UsageError
from portcfg.render.sync import sync_json, sync_text
from portcfg.retry import RetryPolicy
from portcfg.sync.parse import parse_mapping
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.replay import replay
from portcfg.sync.report import SyncReport
from portcfg.sync.run import run_sync
from portcfg.sync.spec import SyncMapping
from tests.sync.support import (
    KEY,
    at,
    bare,
    blueprint,
    create_blueprints,
    embedded_port,
    entities,
    mapping_of,
    options,
    shipped_bodies,
    source_app,
)
from tests.sync.test_company import BLUEPRINTS, COMPANY, RANGE, company, everything

ADDRESSES = {person.email.lower() for person in COMPANY.people}
PRIVACY_KEY = "a-long-key-that-nobody-guesses"
TEAMS = {person.email.lower(): "Chosen" for person in COMPANY.people[:4]}


class Recorder:
    """A Port that keeps what it was sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.sent: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def heard() -> Message:
            message = await receive()
            self.sent.append(message.get("body", b""))
            return message

        self.sent.append(json.dumps([scope.get("path"), str(scope.get("query_string"))]).encode())
        await self._app(scope, heard, send)

    def text(self) -> str:
        return b"\n".join(self.sent).decode().lower()


@contextmanager
def listening() -> Iterator[tuple[PortWriter, Recorder]]:
    recorder = Recorder(port_app())
    with serving(recorder) as url:
        port = PortWriter(url, Credentials("local", "local"), RetryPolicy(sleep=lambda _: None))
        create_blueprints(port, {**bare("service", "githubPullRequest"), **shipped_bodies("blueprint")})
        yield port, recorder
        port.close()


def shipped(variables: dict[str, Any] | None = None, **keys: Any) -> SyncMapping:
    """The shipped mapping, whose `teams` and `aliases` come from the project alone, as privacy demands."""
    config = shipped_bodies("mapping")["cursor"]["config"]
    own = {name: value for name, value in config["vars"].items() if name not in ("teams", "aliases")}
    return parse_mapping({**config, "vars": own, **keys}, {"teams": TEAMS, "aliases": {}, **(variables or {})})


def private(**keys: Any) -> SyncMapping:
    privacy = {"key_env": "P", "fields": ["userId", "fileName"], "drop": ["message"]}
    return shipped(privacy={**privacy, **keys})


def run(mapping: SyncMapping, port: PortWriter, key: str = PRIVACY_KEY, file: Path | None = None) -> SyncReport:
    with company() as url:
        env = {"CURSOR_API_KEY": KEY, "P": key}
        return run_sync(at(mapping, url), env, port, options(**RANGE), quarantine=Quarantine(file))


@pytest.fixture(scope="module")
def shown() -> Iterator[dict[str, Any]]:
    with embedded_port() as port:
        assert run(shipped(), port).exit_code == 0
        yield everything(port)


def addresses_in(text: str) -> set[str]:
    return {address for address in ADDRESSES if address in text.lower()}


def test_no_address_reaches_port_or_any_output(shown: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    # A commit without its branch is refused, and so kept and told as well.
    with listening() as (port, recorder):
        report = run(private(drop=["branchName"]), port, file=file)
        held = everything(port)
    assert (report.exit_code, len(report.rejects)) == (6, 3)
    assert addresses_in(json.dumps(shown)) > {*sorted(ADDRESSES)[:3]}
    for text in (recorder.text(), json.dumps(held), file.read_text(), sync_text(report), sync_json(report)):
        assert len(text) > 1000 and addresses_in(text) == set()
    assert any("pseudonyms" in notice for notice in report.notices)


def test_sums_are_the_same_and_each_person_is_still_one(shown: dict[str, Any]) -> None:
    with embedded_port() as port:
        run(private(), port)
        held = everything(port)
    assert held["cursor_usage_record"] == shown["cursor_usage_record"]
    teams = {name: without_people(entity) for name, entity in held["cursor_team_usage_record"].items()}
    assert teams == {name: without_people(entity) for name, entity in shown["cursor_team_usage_record"].items()}
    assert any(name.startswith("acme@Chosen@") for name in teams)
    for name in BLUEPRINTS:
        assert len(held[name]) == len(shown[name])
    assert days_of_people(held) == days_of_people(shown)
    # One pseudonym in all streams: those who commit are among those who use Cursor.
    users, committers = people(held, "cursor_user_usage_record"), people(held, "cursor_daily_commit_record")
    before = people(shown, "cursor_user_usage_record"), people(shown, "cursor_daily_commit_record")
    assert len(users & committers) == len(before[0] & before[1]) > 3
    assert relations(held) == relations(shown)
    commits = held["cursor_commit_record"]
    assert not re.search(r"user_\w+", json.dumps(commits))
    assert all("message" not in entity["properties"] for entity in commits.values())


def without_people(entity: dict[str, Any]) -> dict[str, Any]:
    members = entity["relations"].get("team_members", [])
    return {**entity, "relations": len(members)}


def people(held: dict[str, Any], name: str) -> set[str]:
    field = "email" if name == "cursor_user_usage_record" else "user_email"
    return {entity["properties"][field] for entity in held[name].values()}


def days_of_people(held: dict[str, Any]) -> list[tuple[Decimal, ...]]:
    """How much each person costs on each of their days, in no order that a name would give."""
    by_person: dict[str, list[Decimal]] = {}
    for entity in held["cursor_user_usage_record"].values():
        properties = entity["properties"]
        by_person.setdefault(properties["email"], []).append(Decimal(str(properties["total_cents"])))
    return sorted(tuple(sorted(cents)) for cents in by_person.values())


def relations(held: dict[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name in BLUEPRINTS:
        for entity in held[name].values():
            found.update(f"{name}.{relation}" for relation in entity["relations"] if relation != "user")
    return found


def test_a_second_run_writes_nothing_and_another_key_makes_others_of_them() -> None:
    with embedded_port() as port:
        run(private(), port)
        first = people(everything(port), "cursor_user_usage_record")
        assert run(private(), port).writes == 0
    with embedded_port() as port:
        run(private(keep_domain=True), port, key="another-key-nobody-guesses")
        second = people(everything(port), "cursor_user_usage_record")
    assert len(first) == len(second)
    assert not {name.partition("@")[0] for name in first} & {name.partition("@")[0] for name in second}
    assert {name.partition("@")[2] for name in first} == {"pseudonym.invalid"}
    assert {name.partition("@")[2] for name in second} == {address.partition("@")[2] for address in ADDRESSES}


@pytest.mark.parametrize(("key", "says"), [("", "is not set"), ("short", "has fewer than 16 characters")])
def test_without_a_key_nothing_is_read(key: str, says: str) -> None:
    with embedded_port() as port, pytest.raises(UsageError, match=f"the key in P, which {says}"):
        run(private(), port, key=key)


def test_addresses_are_not_applied_to_port_with_the_mapping() -> None:
    config = shipped_bodies("mapping")["cursor"]["config"]
    teams = {**config["vars"], "pseudonymise": True, "teams": TEAMS}
    with pytest.raises(InvalidSpecsError) as refused:
        parse_mapping({**config, "vars": teams, "privacy": {"key_env": "P"}})
    (problem,) = refused.value.problems
    assert "`vars.teams` holds addresses, which `apply` would put into Port" in problem.message


ROWS = [
    {"id": 1, "who": "Ann@Example.com ", "n": 1, "note": "with bob@example.com, and <cy@example.com>"},
    {"id": 2, "who": "ann.old@example.com", "n": "three", "note": None},
    {"id": 3, "who": "ann+test@example.com", "n": 4, "by": {"bob@example.com": 5}},
]
TEAM = {"key": ".team", "n": ".n"}


def small(**keys: Any) -> dict[str, Any]:
    """A mapping that rejects the second row, whose `n` is no number."""
    mappings = {
        "identifier": '(.id | tostring) + "@" + .who',
        "blueprint": '"b"',
        "properties": {"who": ".who", "n": ".n", "note": ".note", "by": ".by", "team": "$teams[.who]"},
    }
    resource = {
        "kind": "/rows",
        "selector": {"query": "true", "data_path": ".rows", "rows": ".who |= (ascii_downcase | trim)"},
        "port": {"entity": {"mappings": mappings}},
    }
    return {"identifier": "m", "resources": [resource], **keys}


PROPERTIES: dict[str, Any] = {"who": "string", "n": "number", "note": "string", "by": "object", "team": "string"}
SMALL_TEAMS = {"ann@example.com": "A", "ann.old@example.com": "Old"}


def run_small(body: dict[str, Any], port: PortWriter, file: Path | None = None, **variables: Any) -> SyncReport:
    with serving(source_app({"/rows": lambda _: {"rows": ROWS}})) as url:
        mapping = mapping_of(body, url, **variables)
        return run_sync(mapping, {"P": PRIVACY_KEY}, port, options(), quarantine=Quarantine(file))


def test_every_text_and_key_of_a_row_and_what_is_kept_of_it(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    body = small(privacy={"key_env": "P"})
    with embedded_port(blueprint("b", **PROPERTIES)) as port:
        report = run_small(body, port, file, teams=SMALL_TEAMS)
        held = entities(port, "b")
        found = {name[0]: entity["properties"] for name, entity in held.items()}
        kept = file.read_text() + sync_json(report) + sync_text(report)
        mended = mapping_of(
            {**body, "resources": [replaced(body["resources"][0], n='.n | if . == "three" then 3 else . end')]},
            teams=SMALL_TEAMS,
        )
        again = replay(mended, file, port, Quarantine(), env={"P": PRIVACY_KEY})
        whole = {name[0]: entity["properties"] for name, entity in entities(port, "b").items()}
    assert report.exit_code == 6
    assert "@example.com" not in kept + json.dumps(held)
    assert sorted(found) == ["1", "3"]
    bob, cy = re.findall(r"\w+@pseudonym\.invalid", found["1"]["note"])
    assert found["3"]["by"] == {bob: 5}
    assert len({bob, cy, found["1"]["who"], found["3"]["who"]}) == 4
    # The team map's keys are addresses; it works for rows that are replayed, too.
    assert (found["1"]["team"], whole["2"]["team"], whole["2"]["n"]) == ("A", "Old", 3)
    assert (again.exit_code, again.writes) == (0, 1)


def replaced(resource: dict[str, Any], **properties: str) -> dict[str, Any]:
    mappings = resource["port"]["entity"]["mappings"]
    changed = {**mappings, "properties": {**mappings["properties"], **properties}}
    return {**resource, "port": {"entity": {"mappings": changed}}}


def test_what_was_kept_by_another_key_or_none_is_not_replayed(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    with embedded_port(blueprint("b", **PROPERTIES)) as port:
        run_small(small(), port, file, teams={})
        mapping = mapping_of(small(privacy={"key_env": "P"}), teams={})
        with pytest.raises(UsageError, match="kept with another key for pseudonyms, or without one"):
            replay(mapping, file, port, Quarantine(), env={"P": PRIVACY_KEY})


def test_a_row_that_rows_rejects_is_kept_without_people(tmp_path: Path) -> None:
    file = tmp_path / "q.ndjson"
    body = small(privacy={"key_env": "P"})
    body["resources"][0]["selector"]["rows"] = 'if .id == 1 then error("no team: " + .who) else . end'
    with embedded_port(blueprint("b", **PROPERTIES)) as port:
        report = run_small(body, port, file, teams={})
    assert report.exit_code == 6
    assert "example.com" not in (file.read_text() + sync_json(report)).lower()
    assert '"n":1' in file.read_text()


def test_users_of_port_are_not_related_to_pseudonyms() -> None:
    users = {"user": {"target": "_user", "title": "User", "required": False, "many": False}}
    body = small(missing_relations="quarantine", privacy={"key_env": "P"})
    mappings = body["resources"][0]["port"]["entity"]["mappings"]
    mappings["relations"] = {"user": ".who"}
    mappings["properties"] = {"who": ".who"}
    with embedded_port(blueprint("b", users, **PROPERTIES)) as port:
        report = run_small(body, port)
        held = entities(port, "b")
    assert (report.exit_code, len(held)) == (0, 3)
    assert [entity["relations"] for entity in held.values()] == [{}, {}, {}]


def summed(**keys: Any) -> dict[str, Any]:
    body = small(**keys)
    (resource,) = body["resources"]
    resource["selector"] |= {"group_by": {"who": ".who"}, "aggregate": {"n": {"count": "true"}}}
    resource["port"]["entity"]["mappings"] |= {"identifier": ".who", "properties": {"who": ".who", "n": ".n"}}
    return body


ALIASES = {"ann.old@example.com": "ann@example.com"}


@pytest.mark.parametrize(
    "given", [{"aliases": ALIASES}, {"aliases": "$people", "vars": {"people": ALIASES}}], ids=["listed", "variable"]
)
def test_aliases_are_merged_before_grouping_and_tags_are_not(given: dict[str, Any]) -> None:
    with embedded_port(blueprint("b", **PROPERTIES)) as port:
        run_small(summed(**given), port)
        found = {name: entity["properties"]["n"] for name, entity in entities(port, "b").items()}
    assert found == {"ann@example.com": 2, "ann+test@example.com": 1}


def test_aliases_work_under_pseudonyms() -> None:
    with embedded_port(blueprint("b", **PROPERTIES)) as port:
        run_small(summed(aliases="$people", privacy={"key_env": "P"}), port, people=ALIASES)
        found = [entity["properties"]["n"] for entity in entities(port, "b").values()]
    assert sorted(found) == [1, 2]


WRONG = {
    "becomes `b@x.org`, which becomes `c@x.org`": {"a@x.org": "b@x.org", "b@x.org": "c@x.org"},
    "`b@x.org` becomes `a@x.org`, which becomes `b@x.org`": {"a@x.org": "b@x.org", "b@x.org": "a@x.org"},
    "`a@x.org` is its own alias": {"a@x.org": "a@x.org"},
    "are not two addresses in lower case": {"A@x.org": "b@x.org"},
    "`a@x.org: b` are not two addresses": {"a@x.org": "b"},
}


@pytest.mark.parametrize("says", WRONG)
def test_aliases_that_make_no_sense(says: str) -> None:
    with pytest.raises(InvalidSpecsError) as refused:
        mapping_of(summed(aliases=WRONG[says]), teams={})
    assert any(says in problem.message for problem in refused.value.problems)


def test_an_alias_merges_all_of_a_person(shown: dict[str, Any]) -> None:
    old, new = sorted(people(shown, "cursor_daily_commit_record"))[:2]
    with embedded_port() as port:
        report = run(shipped({"aliases": {old: new}}), port)
        held = everything(port)
    assert report.exit_code == 0
    assert old not in json.dumps(held)
    assert held["cursor_usage_record"].keys() == shown["cursor_usage_record"].keys()
    for day in (name.rpartition("@")[2] for name in shown["cursor_usage_record"]):
        before = [cents(shown, f"acme@{who}@{day}") for who in (old, new)]
        assert cents(held, f"acme@{new}@{day}") == sum(before)


def cents(held: dict[str, Any], name: str) -> Decimal:
    entity = held["cursor_user_usage_record"].get(name)
    return Decimal(str(entity["properties"]["total_cents"])) if entity else Decimal()
