"""What a snapshot holds and what it doesn't, and that the plan against it is the plan against Port."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portcfg import snapshot as files
from portcfg.client import Credentials, PortWriter
from portcfg.concealed import concealed
from portcfg.emulator.port_app import Chaos
from portcfg.errors import InvalidSpecsError, PortcfgError, UsageError
from portcfg.holdings import read_holdings
from portcfg.model import Body, Plan
from portcfg.offline import offline_plan, plan_against_snapshot
from portcfg.pipeline import Options, read_specs
from portcfg.render.plan import plan_json, plan_text
from portcfg.snapshot import Snapshot, redacted, save
from tests import large
from tests.strategies import specs
from tests.support import Bench, Server, write_files
from tests.test_flow import Specs, folder_of, fresh

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TOKEN = "ghp_" + "a1B2c3D4e5F6" * 3
PASSWORD = "hunter2-but-longer"
SERVICE = """
title: Service
schema:
  properties:
    tier: {type: string, enum: [gold, silver]}
    cost: {type: number}
relations: {}
"""
OCEAN = """
title: Ours
type: custom
config: {resources: [], source: {headers: {X-Api-Key: SECRET}}}
"""
FILES = {"blueprints/service.yaml": SERVICE, "dashboards/home.yaml": "title: Home\nwidgets: {}\nrows: []\n"}


def text_of(bench: Bench, *blueprints: str) -> str:
    with closing(bench.reader()) as port:
        return save(Snapshot(port.root, NOW, redacted(read_holdings(port, blueprints))))


def offline(bench: Bench, root: Path, environment: str = "", **options: Any) -> Plan:
    """The plan against a file of what Port holds now, without the note that says so."""
    file = root.parent / "snapshot.json"
    file.write_text(text_of(bench, "service"), encoding="utf-8")
    plan, compared_with = offline_plan(read_specs(root, environment), Options(**options), against=file, now=NOW)
    assert compared_with == "snapshot"
    assert "Port was not asked" in plan.notes[0]
    return replace(plan, notes=plan.notes[1:])


def assert_same(bench: Bench, root: Path, **options: Any) -> Plan:
    """What stops one plan stops the other with the same words; else text and JSON are equal."""
    try:
        online = bench.plan(root, **options)
    except InvalidSpecsError as error:
        with pytest.raises(InvalidSpecsError) as raised:
            offline(bench, root, **options)
        assert raised.value.problems == error.problems
        return Plan(())
    plan = offline(bench, root, **options)
    assert plan_text(plan) == plan_text(online)
    assert json.loads(plan_json(plan)) == json.loads(plan_json(online))
    return plan


def edit(bench: Bench, path: str, body: Body, method: str = "PATCH", who: str = "local", secret: str = "local") -> None:
    with closing(PortWriter(bench.url, Credentials(who, secret))) as port:
        port.send(method, path, body)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs(), specs())
def test_any_plan_against_a_snapshot_is_the_plan_against_port(server: Server, first: Specs, second: Specs) -> None:
    with fresh(server) as (bench, folder):
        one, two = folder_of(folder / "one", first), folder_of(folder / "two", second)
        assert_same(bench, one)
        bench.apply(one)
        assert_same(bench, one)
        assert_same(bench, two)
        assert_same(bench, two, prune=True)
        assert_same(bench, two, use_ledger=False)


@pytest.mark.parametrize("options", [{}, {"prune": True}, {"prune": True, "allowed": large.MEANT}])
def test_a_change_of_every_sort_over_a_port_with_entities(
    options: dict[str, Any], bench: Bench, tmp_path: Path
) -> None:
    one, two = write_files(tmp_path / "one", large.before()), write_files(tmp_path / "two", large.after())
    bench.apply(one)
    for path, body in (*large.unmanaged(), *large.entities()):
        bench.send("POST", path, body)
    assert len(assert_same(bench, two, **options).pending) > 30


PLANS: dict[str, Callable[[dict[str, str]], dict[str, str]]] = {
    "nothing": lambda specs: specs,
    "a property goes": lambda specs: {**specs, "blueprints/service.yaml": SERVICE.replace("cost: {", "price: {")},
    "a type changes": lambda specs: {**specs, "blueprints/service.yaml": SERVICE.replace("number", "string")},
    "a value is required": lambda specs: {
        **specs,
        "blueprints/service.yaml": SERVICE.replace("relations", "  required: [tier]\nrelations"),
    },
    "all goes": lambda specs: {"dashboards/home.yaml": specs["dashboards/home.yaml"]},
}


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("entities", [0, 2])
def test_what_a_change_costs_is_known(name: str, entities: int, bench: Bench, tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", FILES)
    bench.apply(root)
    for number in range(entities):
        body = {"identifier": f"e{number}", "properties": {"cost": number, "tier": ["gold", "silver"][number % 2]}}
        bench.send("POST", "/blueprints/service/entities", body)
    changed = write_files(tmp_path / "changed", PLANS[name](FILES))
    plan = assert_same(bench, changed, prune=True)
    assert None not in [impact["entities"] for each in plan.pending for impact in each.impacts]


@pytest.mark.parametrize(("entities", "told"), [(0, "0 entities"), (2, "? entities")])
def test_what_was_not_counted_is_unknown_unless_there_is_nothing_to_count(
    entities: int, told: str, bench: Bench, tmp_path: Path
) -> None:
    root = write_files(tmp_path / "specs", FILES)
    bench.apply(root)
    for number in range(entities):
        body = {"identifier": f"e{number}", "properties": {"tier": "gold"}}
        bench.send("POST", "/blueprints/service/entities", body)
    write_files(root, {"blueprints/service.yaml": SERVICE.replace("gold, silver", "silver")})
    (change,) = offline(bench, root).pending
    assert [impact["entities"] for impact in change.impacts] == ([0] if told == "0 entities" else [None])
    assert told in change.impacts[0]["reason"]


def test_how_far_values_convert_is_unknown(bench: Bench, tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", FILES)
    bench.apply(root)
    bench.send("POST", "/blueprints/service/entities", {"identifier": "e", "properties": {"cost": 1}})
    converted = "cost: {type: string, migrate: .properties.cost | tostring}"
    write_files(root, {"blueprints/service.yaml": SERVICE.replace("cost: {type: number}", converted)})
    (change,) = offline(bench, root).pending
    assert change.risk == "destructive"
    assert "how many would lose theirs isn't known" in change.impacts[0]["reason"]


def test_drift_is_told_with_its_time_and_way_and_without_names(server: Server, tmp_path: Path) -> None:
    clock = itertools.count(1_775_000_000).__next__
    bench = server.bench(clients={"adalovelace": "s"}, clock=clock, expires_in=10**7, chaos=Chaos())
    root = write_files(tmp_path / "specs", FILES)
    bench.apply(root)
    edit(bench, "/blueprints/service", {"title": "Mine"}, who="adalovelace", secret="s")
    (online,), (change,) = bench.plan(root).pending, offline(bench, root).pending
    assert "by adalovelace at" in online.drifted
    assert change.drifted == online.drifted.replace("by adalovelace", "by somebody")
    assert "through" in change.drifted
    assert "adalovelace" not in text_of(bench, "service")


@pytest.fixture
def rich(bench: Bench, tmp_path: Path) -> Path:
    """A Port with secrets in every place where somebody may put one, an entity, and specs that name one secret."""
    files = {**FILES, "mappings/ours.yaml": OCEAN.replace("SECRET", PASSWORD)}
    root = write_files(tmp_path / "specs", files)
    assert not bench.apply(root).failed
    bench.send("POST", "/blueprints/service/entities", {"identifier": "of-alice", "properties": {"tier": "gold"}})
    theirs = {
        "installationId": "theirs",
        "installationAppType": "custom",
        "config": {"resources": [], "source": {"headers": {"Authorization": f"Bearer {PASSWORD}"}}},
        "changelogDestination": {"type": "WEBHOOK", "url": f"https://example.com/{PASSWORD}"},
    }
    bench.send("POST", "/integration", theirs)
    widget = {"id": "w", "type": "markdown", "title": "Notes", "markdown": f"the bot's: {TOKEN}"}
    page = {"identifier": "theirs", "type": "dashboard", "title": "Theirs", "widgets": [widget]}
    bench.send("POST", "/pages", page)
    bench.send("PATCH", "/blueprints/service", {"description": f"curl -H 'Authorization: Bearer {TOKEN}'"})
    return root


def test_a_snapshot_holds_no_secret_no_entity_and_nobodys_name(rich: Path, bench: Bench) -> None:
    text = text_of(bench, "service")
    held = json.loads(text)
    for secret in (TOKEN, TOKEN[8:], PASSWORD, "of-alice"):
        assert secret not in text
    assert '"createdBy"' not in text and '"updatedBy"' not in text
    theirs = next(body for body in held["lists"]["mapping"] if body["installationId"] == "theirs")
    assert theirs["config"]["source"]["headers"]["Authorization"].startswith("(concealed: sha256 ")
    assert {"blueprint": "service", "rules": [], "entities": 1} in held["counts"]


def test_a_secret_is_no_difference_and_a_change_of_one_is(rich: Path, bench: Bench) -> None:
    plan = offline(bench, rich)
    assert {str(change.ref) for change in plan.pending} == {"blueprint/service"}
    write_files(rich, {"mappings/ours.yaml": OCEAN.replace("SECRET", "another-password")})
    online, plan = bench.plan(rich), offline(bench, rich)
    assert {str(change.ref) for change in plan.pending} == {"blueprint/service", "mapping/ours"}
    assert plan_text(plan) == plan_text(online).replace("by local", "by somebody")
    assert PASSWORD not in plan_text(plan)


def test_concealing_twice_is_concealing_once() -> None:
    body = {
        "config": {"headers": {"X-Token": "abc", TOKEN: "y"}, "list": [f"a {TOKEN} b"], "apiKey": "a1b2c3d4e5f6g7h8i9"},
        "url": "https://me:some-password@example.com",
    }
    once = concealed(body)
    assert concealed(once) == once
    assert not any(secret in json.dumps(once) for secret in (TOKEN, "abc", "a1b2c3d4", "some-password"))


HIDING = st.sampled_from([TOKEN, f"x {TOKEN}", f"https://me:{TOKEN}@h/", f"Authorization: Bearer {TOKEN}", "plain", ""])
NESTED = st.recursive(
    HIDING | st.none() | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(HIDING | st.sampled_from(["headers", "token"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(NESTED)
def test_wherever_a_secret_stands_it_is_concealed_once_and_the_same(value: Any) -> None:
    once = concealed(value)
    assert TOKEN not in json.dumps(once)
    assert concealed(once) == once
    assert concealed(json.loads(json.dumps(value))) == once


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_unchanged_port_makes_the_same_file(shuffle: bool, server: Server, tmp_path: Path) -> None:
    bench = server.bench(chaos=Chaos(shuffle=shuffle))
    bench.apply(write_files(tmp_path / "specs", FILES))
    for number in range(5):
        bench.send("POST", "/sidebars/catalog/folders", {"identifier": f"f{number}", "title": "F"})
    assert len({text_of(bench, "service") for _ in range(4)}) == 1


def test_a_port_without_a_sidebar_is_planned_against_as_one(bench: Bench, tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", FILES)
    held = read_holdings(bench.reader(), ())
    refused = replace(held, lists={**held.lists, "folder": []}, refused={"folder": (403, "not for you")})
    snapshot = Snapshot(bench.url, NOW, redacted(refused))
    assert plan_against_snapshot(read_specs(root), snapshot, Options()).pending
    write_files(root, {"folders/top.yaml": "title: Top\nparent: null\nafter: null\n"})
    with pytest.raises(PortcfgError, match=r"refuses its sidebar.*not for you"):
        plan_against_snapshot(read_specs(root), snapshot, Options())


def altered(text: str, **keys: Any) -> str:
    """The text of a snapshot with other values, and the digest that goes with them."""
    body = {key: value for key, value in json.loads(text).items() if key != "digest"} | keys
    return json.dumps({**body, "digest": files._digest(body)})


DAMAGED: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "empty": (lambda _: "", "isn't JSON"),
    "not text": (lambda _: b"\xff\xfe", "isn't JSON"),
    "cut off": (lambda text: text[: len(text) // 2], "isn't JSON"),
    "endlessly deep": (lambda _: "[" * 100_000, "isn't JSON"),
    "a list": (lambda _: "[]", "its format is None"),
    "a plan": (lambda _: '{"format": "portcfg/plan/1"}', "its format is 'portcfg/plan/1'"),
    "of a later format": (
        lambda text: altered(text, format="portcfg/snapshot/2"),
        "its format is 'portcfg/snapshot/2'",
    ),
    "changed": (lambda text: text.replace("Service", "Sarvice"), "damaged or changed"),
    "without a digest": (lambda text: altered(text).replace('"digest"', '"digests"'), "damaged or changed"),
    "without a kind": (lambda text: altered(text, lists={}), "isn't a snapshot that portcfg wrote"),
    "of other things": (lambda text: altered(text, ledger=[1]), "isn't a snapshot that portcfg wrote"),
    "of no time": (lambda text: altered(text, taken_at="soon"), "isn't a snapshot that portcfg wrote"),
    "of no place": (lambda text: altered(text, taken_at="2026-03-02T12:00:00"), "isn't a snapshot that portcfg wrote"),
    "of bad counts": (lambda text: altered(text, counts=[{"rules": 1}]), "isn't a snapshot that portcfg wrote"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_whole_snapshot_is_refused(name: str, bench: Bench, tmp_path: Path) -> None:
    bench.apply(write_files(tmp_path / "specs", FILES))
    damage, says = DAMAGED[name]
    file, damaged = tmp_path / "s.json", damage(text_of(bench))
    file.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    with pytest.raises(UsageError, match=says) as raised:
        offline_plan(read_specs(tmp_path / "specs"), Options(), against=file)
    assert raised.value.hint == files.ANEW


def test_a_file_over_the_limit_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    (tmp_path / "s.json").write_text(" " * 11)
    with pytest.raises(UsageError, match="too large"):
        files.read(tmp_path / "s.json")


@pytest.mark.parametrize(
    ("age", "says"),
    [
        (timedelta(minutes=3), ["less than an hour ago"]),
        (timedelta(hours=5), ["5 hour(s) ago"]),
        (timedelta(days=6), ["6 day(s) ago"]),
        (timedelta(days=8), ["8 day(s) ago", "older than 7 days"]),
        (timedelta(days=-1), ["in the future"]),
    ],
)
def test_the_age_is_told(age: timedelta, says: list[str], bench: Bench, tmp_path: Path) -> None:
    specs = read_specs(write_files(tmp_path / "specs", FILES))
    snapshot = Snapshot(bench.url, NOW, redacted(read_holdings(bench.reader(), ())))
    notes = plan_against_snapshot(specs, snapshot, Options(), NOW + age).notes
    assert len(notes) == len(says)
    assert all(words in note for words, note in zip(says, notes, strict=True))
    older = replace(snapshot, tool="0.0.1")
    assert "taken by portcfg 0.0.1" in plan_against_snapshot(specs, older, Options(), NOW + age).notes[-1]


def test_a_snapshot_of_another_port_is_refused(bench: Bench, tmp_path: Path) -> None:
    project = "version: 1\nenvironments: {staging: {base_url: https://api.staging.example.com/}}\n"
    root = write_files(tmp_path / "specs", {**FILES, "portcfg.yaml": project})
    (tmp_path / "s.json").write_text(text_of(bench))
    with pytest.raises(UsageError, match=r"staging' has https://api\.staging"):
        offline_plan(read_specs(root, "staging"), Options(), against=tmp_path / "s.json")


def test_nothing_is_sent(bench: Bench, tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", FILES)
    bench.apply(root)
    write_files(root, {"blueprints/service.yaml": SERVICE.replace("cost: {", "price: {")})
    (tmp_path / "s.json").write_text(text_of(bench, "service"))
    bench.clear()
    assert offline_plan(read_specs(root), Options(), against=tmp_path / "s.json")[0].pending
    assert bench.log == []
