"""Port refuses single entities of a bulk write, in every way that is published and in some that aren't: what it took
counts as written and nothing else does, the rest is kept, and gets there by a replay or by the next run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from portcfg.errors import EXIT_PARTIAL
from portcfg.retry import TRANSIENT_STATUSES
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.replay import replay
from tests.sync.network import Act, Asked, Forward, Reply, untouched
from tests.sync.truth import BLUEPRINTS, CHANGES, COMMIT, TEAM, USAGE, USER, Entities
from tests.sync.world import World

Row = Callable[..., None]
Answer = dict[str, Any]
# Port's names and statuses for an entity that it doesn't take (port-api.md §1.5, §3.3, §3.4).
ERRORS = (
    (400, "invalid_request"),
    (401, "unauthorized"),
    (403, "forbidden"),
    (403, "protected_entity"),
    (404, "not_found"),
    (409, "identifier_taken"),
    (409, "conflict"),
    (413, "payload_too_large"),
    (422, "invalid_request"),
    (422, "blueprint_schema_mismatch"),
    (422, "missing_property"),
    (422, "required_relation"),
    (422, "inherited_ownership_enabled"),
    (429, "rate_limit_exceeded"),
    (500, "internal_error"),
    (502, "bad_gateway"),
    (503, "unavailable"),
    (504, "gateway_timeout"),
)
ALL = "all"


@dataclass
class Refusals:
    """Passes on bulk writes without every `nth` entity of `blueprints`, and has the answer say why; the first `times`
    that an entity comes, or always with 0. `refused` are those that were ever refused."""

    say: Callable[[Answer, int, str], Answer]
    nth: int
    blueprints: Collection[str] = BLUEPRINTS
    times: int = 0
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, asked: Asked) -> Act | None:
        """As a Meddle."""
        name = asked.path.split("/")[3] if asked.path.endswith("/entities/bulk") else ""
        if name not in self.blueprints:
            return None
        items = asked.json["entities"]
        out = [at for at, item in enumerate(items) if self._is_refused(name, item["identifier"])]
        return self._without(items, out) if out else None

    def _is_refused(self, name: str, identifier: str) -> bool:
        key = (name, identifier)
        if key not in self.refused:
            self.seen.setdefault(key, len(self.seen))
            if self.seen[key] % self.nth:
                return False
            self.refused.add(key)
            self.seen[key] = 0
        self.seen[key] += self.nth
        return not self.times or self.seen[key] <= self.times * self.nth

    def _without(self, items: list[Answer], out: list[int]) -> Act:
        async def act(_asked: Asked, forward: Forward) -> Reply:
            kept = [at for at in range(len(items)) if at not in out]
            reply = Reply.of(200, {"ok": True, "entities": [], "errors": []})
            if kept:
                reply = await forward(Reply.of(200, {"entities": [items[at] for at in kept]}).body)
            answer = reply.json
            for item in (*answer["entities"], *answer["errors"]):
                item["index"] = kept[item["index"]]
            for at in out:
                answer = self.say(answer, at, items[at]["identifier"])
            return reply.with_json(answer, 207)

        return act


def error(status: Any, name: str) -> Callable[[Answer, int, str], Answer]:
    """As Port says it."""

    def say(answer: Answer, at: int, identifier: str) -> Answer:
        item = {"identifier": identifier, "index": at, "statusCode": status, "error": name, "message": "No."}
        return {**answer, "errors": [*answer["errors"], item]}

    return say


def item(**keys: Any) -> Callable[[Answer, int, str], Answer]:
    """An error of another shape; AT and ID stand for the item's."""

    def say(answer: Answer, at: int, identifier: str) -> Answer:
        values = {key: {"AT": at, "ID": identifier}.get(str(value), value) for key, value in keys.items()}
        return {**answer, "errors": [*answer["errors"], values]}

    return say


def in_both_lists(answer: Answer, at: int, identifier: str) -> Answer:
    done = {"identifier": identifier, "index": at, "created": True}
    return error(422, "invalid_request")({**answer, "entities": [*answer["entities"], done]}, at, identifier)


SHAPES: dict[str, Callable[[Answer, int, str], Answer]] = {
    "not mentioned at all": lambda answer, _at, _identifier: answer,
    "in both lists": in_both_lists,
    "no status": item(index="AT", identifier="ID", error="odd"),
    "a status as text": item(index="AT", identifier="ID", statusCode="422", error="odd", message="No."),
    "404 as text": item(index="AT", identifier="ID", statusCode="404", error="not_found", message="No."),
    "no index": item(identifier="ID", statusCode=422, error="odd"),
    "an index as text": item(index="0", identifier="ID", statusCode=422, error="odd"),
    "an index that was not sent": item(index=99, identifier="ID", statusCode=422, error="odd"),
    "an index below 0": item(index=-1, identifier="ID", statusCode=422, error="odd"),
    "an index that is true": item(index=True, identifier="ID", statusCode=422, error="odd"),
    "an index that is a list": item(index=[], identifier="ID", statusCode=422, error="odd"),
    "an entity that was not sent": item(identifier="somebody-elses", statusCode=422, error="odd"),
    "an error that is an object": item(index="AT", statusCode=422, error={"name": "odd"}, message={"text": "No."}),
    "no object at all": lambda answer, _at, _identifier: {**answer, "errors": [*answer["errors"], None, 7, "x", []]},
    "errors that are an object": lambda answer, at, _identifier: {**answer, "errors": []} | {"errors ": {str(at): 422}},
    "errors that are null": lambda answer, _at, _identifier: {**answer, "failed": True},
}
WHICH = {"one in five": 5, "one in two": 2, "all of them": 1}
NTHS = tuple(WHICH.items())


def error_cases() -> list[tuple[str, int, str, int]]:
    """Each error for some entities; which share alternates."""
    named = [(*each, *NTHS[number % len(NTHS)]) for number, each in enumerate(ERRORS)]
    return [(f"{status} {name}, {share}", status, name, nth) for status, name, share, nth in named]


@pytest.mark.matrix("case", error_cases(), 2)
def test_entities_refused_one_by_one(
    world: World, tmp_path: Path, case: tuple[str, int, str, int], soak_row: Row
) -> None:
    _, status, name, nth = case
    refusals = Refusals(error(status, name), nth)
    refused_then_replayed(world, tmp_path / "kept.ndjson", refusals)
    soak_row("207", f"{status} {name}", world.requests, len(refusals.refused))


@pytest.mark.matrix("case", [(name, NTHS[at % len(NTHS)][1]) for at, name in enumerate(SHAPES)], 2)
def test_errors_of_other_shapes(world: World, tmp_path: Path, case: tuple[str, int], soak_row: Row) -> None:
    name, nth = case
    refusals = Refusals(SHAPES[name], nth)
    refused_then_replayed(world, tmp_path / "kept.ndjson", refusals)
    soak_row("207 of another shape", name, world.requests, len(refusals.refused))


@pytest.mark.matrix("name", [*BLUEPRINTS, ALL], 1)
def test_each_blueprint_refused(world: World, tmp_path: Path, name: str, soak_row: Row) -> None:
    refusals = Refusals(error(422, "blueprint_schema_mismatch"), 2, BLUEPRINTS if name == ALL else (name,))
    refused_then_replayed(world, tmp_path / "kept.ndjson", refusals)
    soak_row("207 in one blueprint", name, world.requests, len(refusals.refused))


@pytest.mark.matrix("status", sorted(TRANSIENT_STATUSES), 1)
def test_what_port_takes_at_last_is_written_in_the_same_run(world: World, status: int, soak_row: Row) -> None:
    refusals = Refusals(error(status, "busy"), 2, times=2)
    world.meddle(port=refusals)
    report = world.sync()
    assert (report.exit_code, report.rejects, world.wrong()) == (0, (), [])
    assert refusals.refused
    soak_row("207 that passes", str(status), world.requests, len(refusals.refused))


@pytest.mark.parametrize("status", [404, 422])
def test_a_refused_entity_takes_along_only_what_relates_to_it(world: World, tmp_path: Path, status: int) -> None:
    truth = world.truth()
    refusals = Refusals(error(status, "no"), 4, (USER,))
    world.meddle(port=refusals)
    assert world.sync(quarantine=tmp_path / "kept.ndjson").exit_code == EXIT_PARTIAL
    held = world.held()
    names = {identifier for _, identifier in refusals.refused}
    teams = {key for key, item in truth.items() if key[0] == TEAM and names & set(item["relations"]["team_members"])}
    assert truth.keys() - held.keys() == refusals.refused | teams
    assert {key: item for key, item in held.items() if item != truth[key]} == {}
    assert {USAGE, COMMIT} <= {name for name, _ in held}


def test_a_replay_relates_to_identifiers_that_were_made_safe(world: World, tmp_path: Path) -> None:
    """An address such as o'brien's stands in identifiers in Port's alphabet, also where the target isn't replayed."""
    related = [item["relations"].get("ai_commits") for (name, _), item in world.truth().items() if name == CHANGES]
    assert any("o_brien" in str(names) for names in related)
    refusals = Refusals(error(422, "blueprint_schema_mismatch"), 1, (CHANGES,))
    refused_then_replayed(world, tmp_path / "kept.ndjson", refusals)


def refused_then_replayed(world: World, kept: Path, refusals: Refusals) -> None:
    """Of the refused none is there and none is forgotten; a replay of what was kept makes the truth."""
    truth = world.truth()
    world.meddle(port=refusals)
    report = world.sync(quarantine=kept)
    assert refusals.refused
    assert report.exit_code == EXIT_PARTIAL
    assert sum(group.count for group in report.rejected) >= len(refusals.refused)
    held = world.held()
    assert not refusals.refused & held.keys()
    assert world.untrue(truth) == []
    assert report.writes == len(held)
    world.port_net.meddle = untouched
    again = replay(world.mapping(), kept, world.client(), Quarantine())
    assert (again.exit_code, again.rejects) == (0, ())
    assert_truth(world, truth)


def assert_truth(world: World, truth: Entities) -> None:
    """Entity by entity."""
    found = world.held()
    assert {key: item for key, item in found.items() if item != truth.get(key)} == {}
    assert truth.keys() == found.keys()
