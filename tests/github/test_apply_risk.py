"""github apply where a change costs more than when it was reviewed, since entities have come to Port."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.github.repo import Repo
from tests.github.support import HEAD, OTHER, THING, write

FIRST = "5" * 40
WORSE = "blueprint/thing is destructive now, and was safe when reviewed"
GUARDS = "version: 1\nguards: {allow_destructive: [blueprint/thing]}\n"
OTHER_THING: dict[str, Any] = {**THING, "identifier": "other"}


def with_entity(repo: Repo, **properties: str) -> None:
    entity = {"identifier": "one", "title": "One", "properties": properties, "relations": {}}
    repo.bench.send("POST", "/blueprints/thing/entities", entity)


def has_values(repo: Repo) -> bool:
    return "a" in repo.bench.send("GET", "/blueprints/thing")["blueprint"]["schema"]["properties"]


@pytest.fixture
def dropping(repo: Repo) -> Repo:
    """Without the `a` that no entity had a value for; that the guards allow it lasts from an earlier pull request."""
    write(THING)
    Path("specs/portcfg.yaml").write_text(GUARDS)
    repo.reviewed(OTHER, merge=FIRST)
    assert repo.apply(sha=FIRST).exit_code == 0
    write({**THING, "schema": {"properties": {}}})
    repo.reviewed(HEAD)
    return repo


def test_what_was_safe_and_destroys_now_stops(dropping: Repo) -> None:
    with_entity(dropping, a="value")
    done = dropping.apply()
    assert done.exit_code == 4, done.output
    assert WORSE in dropping.issues()[0]["body"]
    assert has_values(dropping)


def test_what_is_as_safe_as_it_was_is_applied(dropping: Repo) -> None:
    with_entity(dropping)
    done = dropping.apply()
    assert done.exit_code == 0, done.output
    assert not has_values(dropping)


def test_whoever_gives_the_digest_has_seen_what_it_costs(dropping: Repo) -> None:
    with_entity(dropping, a="value")
    dropping.apply()
    done = dropping.apply("--digest", dropping.job.outputs["plan-digest"])
    assert done.exit_code == 0, done.output
    assert not has_values(dropping)


def test_it_stops_where_main_has_moved_on_to_the_same_changes(dropping: Repo) -> None:
    """Then it is the digest of all changes that counts."""
    write(OTHER_THING, root="later")
    assert dropping.job.run("push", {}, "apply", "--specs", "later", "--auto-approve").exit_code == 0
    write(OTHER_THING)
    with_entity(dropping, a="value")
    done = dropping.apply()
    assert done.exit_code == 4, done.output
    assert has_values(dropping)


def test_it_stops_among_the_steps_of_several_merges(dropping: Repo) -> None:
    write(OTHER_THING)
    dropping.reviewed("9" * 40, merge="6" * 40)
    with_entity(dropping, a="value")
    done = dropping.apply(sha="6" * 40)
    assert done.exit_code == 4, done.output
    assert has_values(dropping)


def test_it_stops_where_it_comes_to_cost_more_while_it_is_compared(dropping: Repo) -> None:
    dropping.while_compared(lambda: with_entity(dropping, a="value"))
    done = dropping.apply()
    assert done.exit_code == 4, done.output
    assert has_values(dropping)


def test_a_create_is_no_leave_to_take_over_what_others_use(repo: Repo) -> None:
    """It looks like the beginning of what was to be made, and has an entity that lacks what is to be required."""
    write({**THING, "icon": "Star", "schema": {**THING["schema"], "required": ["a"]}})
    repo.reviewed()
    repo.bench.send("POST", "/blueprints", {**THING, "schema": {"properties": {}}, "relations": {}})
    with_entity(repo)
    done = repo.apply()
    assert done.exit_code == 4, done.output
    assert "blueprint/thing is breaking now, and was safe when reviewed" in repo.issues()[0]["body"]
    assert not has_values(repo)
