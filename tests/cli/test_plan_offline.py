"""Plans without a network or credentials: against the base branch's specs, and against a snapshot."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portcfg.model import Action
from portcfg.offline import offline_plan
from portcfg.pipeline import Options, read_specs
from tests.support import REPOSITORY, write_files

SERVICE = """
title: Service
schema: {properties: {tier: {type: string, enum: [gold, silver]}}}
relations: {owner: {target: team_of_port}, who: {target: _user}}
"""
NOW = datetime(2026, 3, 2, tzinfo=UTC)
PROJECT = (
    "version: 1\nexternal: {blueprints: {team_of_port: {}}, folders: {engineering: {}}, dashboards: {handbook: {}}}\n"
)
PAGE = "title: {title}\nparent: engineering\nafter: {after}\nrows: []\nwidgets: {{}}\n"
BASE = {
    "portcfg.yaml": PROJECT,
    "blueprints/service.yaml": SERVICE,
    "dashboards/first.yaml": PAGE.format(title="First", after="handbook"),
    "dashboards/second.yaml": PAGE.format(title="Second", after="first"),
}


def test_a_branch_that_changes_nothing_has_an_empty_plan(tmp_path: Path) -> None:
    base, head = write_files(tmp_path / "base", BASE), write_files(tmp_path / "head", BASE)
    plan, compared_with = offline_plan(read_specs(head), Options(), base=base)
    assert [change.ref for change in plan.pending] == []
    assert compared_with == "base"
    assert "as if Port held what they say" in plan.notes[0]


@pytest.mark.parametrize("folder", ["specs"])
def test_the_shipped_specs_are_as_they_are(folder: str, tmp_path: Path) -> None:
    base = Path(shutil.copytree(REPOSITORY / folder, tmp_path / "base"))
    plan, _ = offline_plan(read_specs(REPOSITORY / folder), Options(), base=base)
    assert plan.changes and not plan.pending


def test_what_a_branch_changes_is_its_own_doing(tmp_path: Path) -> None:
    head = {**BASE, "blueprints/service.yaml": SERVICE.replace("title: Service", "title: A service")}
    head["blueprints/added.yaml"] = "title: Added\nschema: {properties: {}}\n"
    del head["dashboards/second.yaml"]
    plan, _ = offline_plan(
        read_specs(write_files(tmp_path / "head", head)),
        Options(prune=True),
        now=NOW,
        base=write_files(tmp_path / "base", BASE),
    )
    steps = {str(change.ref): change.action for change in plan.pending}
    assert steps == {
        "blueprint/added": Action.CREATE,
        "blueprint/service": Action.UPDATE,
        "dashboard/second": Action.DELETE,
    }
    assert {field.cause for change in plan.pending for field in change.fields} == {"spec"}


def test_numbers_of_entities_are_unknown_and_nothing_is_taken_for_harmless(tmp_path: Path) -> None:
    head = {**BASE, "blueprints/service.yaml": SERVICE.replace("tier", "level")}
    plan, _ = offline_plan(
        read_specs(write_files(tmp_path / "head", head)), Options(), base=write_files(tmp_path / "base", BASE)
    )
    (change,) = plan.pending
    assert change.risk == "destructive"
    assert [impact["entities"] for impact in change.impacts] == [None]
    assert "? entities" in change.impacts[0]["reason"]


@pytest.mark.parametrize("base", [{}, {"blueprints/service.yaml": "title: [\n"}])
def test_a_base_that_is_broken_or_missing_counts_as_empty_and_is_named(base: dict[str, str], tmp_path: Path) -> None:
    head = write_files(tmp_path / "head", BASE)
    plan, _ = offline_plan(read_specs(head), Options(), base=write_files(tmp_path / "base", base))
    assert {change.action for change in plan.changes} == {Action.CREATE}
    assert "everything counts as new" in plan.notes[0]
