"""What an environment says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from portcfg.errors import InvalidSpecsError
from portcfg.overlay import merged
from portcfg.pipeline import read_specs
from portcfg.settings import Settings
from tests.support import write_files

BASE = """\
title: Service
description: Everywhere
schema:
  properties:
    tier: {type: string, title: Tier}
    size: {type: number}
relations: {}
"""
PROJECT = "version: 1\nenvironments: {staging: {}, production: {}}\n"


def bodies(root: Path, environment: str) -> dict[str, Any]:
    return {ref.identifier: resource.body for ref, resource in read_specs(root, environment).compiled().items()}


def folder(tmp_path: Path, **files: str) -> Path:
    named = {name.replace("__", "/") + ".yaml": text for name, text in files.items()}
    return write_files(tmp_path / "specs", {"portcfg.yaml": PROJECT, "blueprints/service.yaml": BASE, **named})


def test_a_patch_changes_adds_and_takes_away_in_its_environment_only(tmp_path: Path) -> None:
    patch = "title: Service (staging)\ndescription: null\nschema: {properties: {size: null, beta: {type: boolean}}}\n"
    root = folder(tmp_path, environments__staging__blueprints__service=patch)
    staging, production = bodies(root, "staging")["service"], bodies(root, "production")["service"]
    assert staging["title"] == "Service (staging)"
    assert "description" not in staging
    assert list(staging["schema"]["properties"]) == ["tier", "beta"]
    assert production == bodies(root, "")["service"]
    assert production["title"] == "Service"


def test_an_environment_may_have_specs_of_its_own(tmp_path: Path) -> None:
    root = folder(tmp_path, environments__staging__blueprints__playground=BASE)
    assert set(bodies(root, "staging")) == {"service", "playground"}
    assert set(bodies(root, "production")) == {"service"}


def test_a_mistake_in_a_patch_is_found_in_its_place(tmp_path: Path) -> None:
    root = folder(
        tmp_path, environments__staging__blueprints__service="icon: Box\nschema: {properties: {tier: {typ: x}}}"
    )
    with pytest.raises(InvalidSpecsError) as caught:
        read_specs(root, "staging").compiled()
    [problem] = caught.value.problems
    assert problem.where.endswith("environments/staging/blueprints/service.yaml:2:30")
    assert read_specs(root, "production").compiled()


def test_a_folder_of_no_environment_is_told(tmp_path: Path) -> None:
    root = folder(tmp_path, environments__stagign__blueprints__service="title: x")
    [problem] = read_specs(root).problems
    assert (problem.id, problem.severity) == ("PC010", "warning")
    assert "staging" in problem.hint


@pytest.mark.parametrize(
    ("body", "patch", "result"),
    [
        pytest.param({"a": "b"}, {"a": "c"}, {"a": "c"}, id="replace"),
        pytest.param({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}, id="add"),
        pytest.param({"a": "b"}, {"a": None}, {}, id="take away"),
        pytest.param({"a": ["b"]}, {"a": ["c", "d"]}, {"a": ["c", "d"]}, id="lists replace"),
        pytest.param({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}, id="inside"),
        pytest.param({"a": "c"}, {"a": {"b": "d"}}, {"a": {"b": "d"}}, id="a mapping for a text"),
        pytest.param({"e": None}, {"a": 1}, {"e": None, "a": 1}, id="the body's own nulls stay"),
        pytest.param({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}, id="nothing to take away"),
    ],
)
def test_merge_patch(body: Any, patch: Any, result: Any) -> None:
    assert merged(body, patch) == result


def test_an_environments_own_credentials_go_before() -> None:
    environ = {"PORT_CLIENT_ID": "a", "PORT_CLIENT_ID_EU_STAGING": "b", "PORT_CLIENT_SECRET": "s"}
    assert Settings(environment="eu-staging", environ=environ).credentials().client_id == "b"
    assert Settings(environ=environ).credentials().client_id == "a"


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        ("schema: {properties: {size: null}}", None),
        ("schema: {properties: {beta: {type: boolean}}}", None),
        ("schema: {properties: {tiers: {type: string, title: More}}}", None),
        ("icon: Box", None),
        ("schema: {properties: {tyre: null}}", "takes away schema.properties.tyre, which the spec doesn't have"),
        ("schema: {properties: {teir: {title: T}}}", "changes schema.properties.teir, which the spec doesn't have"),
        ("icon: null", "takes away icon, which the spec doesn't have"),
        ("relations: {team: null}", "takes away relations.team, which the spec doesn't have"),
    ],
)
def test_a_patch_of_what_isnt_there_is_told(tmp_path: Path, patch: str, says: str | None) -> None:
    root = folder(tmp_path, environments__staging__blueprints__service=patch)
    found = [problem for problem in read_specs(root, "staging").problems if problem.id == "PC011"]
    assert [problem.message for problem in found] == ([f"this {says}"] if says else [])
    for problem in found:
        assert problem.severity == "warning"
        assert problem.where.startswith(str(root / "environments/staging/blueprints/service.yaml:1:"))
        assert "tier" in problem.hint or "properties" not in patch


def test_a_patch_whose_name_is_much_like_a_specs_is_told_to_be_a_spec_of_its_own(tmp_path: Path) -> None:
    root = folder(
        tmp_path, environments__staging__blueprints__servise=BASE, environments__staging__blueprints__lab=BASE
    )
    [problem] = read_specs(root, "staging").problems
    assert (problem.id, problem.severity) == ("PC011", "warning")
    assert "no spec is called 'blueprint/servise', so this is one of its own, of 'staging' only" in problem.message
    assert problem.hint == "did you mean 'service'?"
    assert set(bodies(root, "staging")) == {"service", "servise", "lab"}
