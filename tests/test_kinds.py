"""What CONTRIBUTING promises of every kind: a row is enough, and everything a kind needs is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from portcfg.client import Credentials, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.kinds import KINDS, load_schema
from portcfg.model import Action, Ref
from portcfg.pipeline import Options, apply_specs, plan_specs, read_specs
from portcfg.specfiles import spec_files
from portcfg.yamlread import dump
from tests.cli.now import NOW

ROOT = Path(__file__).parent.parent
EXAMPLES: dict[str, dict[str, Any]] = {
    "blueprint": {"title": "One", "schema": {"properties": {"size": {"type": "number"}}}},
    "mapping": {"title": "One", "runner": "ocean", "resources": []},
    "folder": {"title": "One", "parent": None},
    "dashboard": {"title": "One", "widgets": {"hello": {"type": "text", "markdown": "# Hi"}}},
}


@pytest.mark.parametrize("name", [*KINDS, "project"])
def test_a_schema_is_valid_and_explains_its_keys(name: str) -> None:
    schema = load_schema(name)
    Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_has_a_spec_to_look_at(name: str) -> None:
    folder = KINDS[name].folder
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert spec_files(ROOT / "specs" / folder) or f"cat > specs/{folder}/" in readme


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_named_in_the_readme(name: str) -> None:
    assert f"`{KINDS[name].folder}/`" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", KINDS)
def test_create_update_noop_delete(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    file = tmp_path / kind.folder / "one.yaml"
    file.parent.mkdir()
    keeper = tmp_path / "blueprints" / "keeper.json"
    keeper.parent.mkdir(exist_ok=True)
    keeper.write_text(json.dumps({"title": "Keeper", "schema": {"properties": {}}}))
    ref = Ref(name, "one")
    prune = Options(prune=True)
    with serving(port_app(":memory:")) as base_url:
        port = PortWriter(base_url, Credentials("local", "local"))
        steps = (EXAMPLES[name], {**EXAMPLES[name], "title": "Two"}, {**EXAMPLES[name], "title": "Two"}, None)
        expected = (Action.CREATE, Action.UPDATE, Action.NOOP, Action.DELETE)
        for body, action in zip(steps, expected, strict=True):
            file.write_text(dump(body)) if body else file.unlink()
            specs = read_specs(tmp_path)
            plan = plan_specs(specs, port, prune)
            assert {change.ref: change.action for change in plan.changes}[ref] is action
            report = apply_specs(specs, plan, port, prune, clock=NOW)
            assert report.after is not None
            assert not report.failed
            assert not report.after.pending
        port.close()
