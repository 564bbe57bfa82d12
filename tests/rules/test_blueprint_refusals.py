"""What the embedded Port refuses in blueprints, `validate` finds offline, but for what specs alone can't tell.

The refusals are those of the emulator's own cases and of the contract suite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.kinds import KINDS
from portcfg.model import Body
from portcfg.pipeline import read_specs
from tests.emulator.case_files import CASES, NOW
from tests.emulator.exchange import Port, Step
from tests.emulator.switch import Switch
from tests.emulator.test_contract import STEPS
from tests.support import write_files

WRITE = re.compile(r"(?:POST /v1/blueprints|(?:PUT|PATCH) /v1/blueprints/([^/?]+))(?:\?.*)?")
MERGED = ("relations", "mirrorProperties", "calculationProperties", "aggregationProperties")
SPEC_KEYS = frozenset(KINDS["blueprint"].schema()["properties"])
# (a part of the case's name or of the refused body, why no rule finds it)
UNTOLD = (
    ("an identifier is taken once", "a spec says how the blueprint is to be, whether Port has it or not"),
    ("a new blueprint can't relate to itself", "apply makes it bare first, and relates it then"),
    ('"whole": {"target": "part"}', "apply makes it bare first, and relates it then"),
    ("a property's format stays", "a plan moves the values, or says that it can't"),
    ("types and formats stay", "a plan moves the values, or says that it can't"),
    ("required keys of POST:  []", "a file that holds nothing is told as a warning"),
    ('{"title": "X", "schema"', "the name of the file is the identifier"),
    ('"_mine"', "which blueprints are Port's own isn't in the specs"),
    ('"_rule"', "what Port's own blueprints have isn't in the specs"),
    ("they are extended and keep their own members", "what Port's own blueprints have isn't in the specs"),
)


def refused() -> Iterator[tuple[str, list[Body], Step]]:
    """(case, Port's blueprints before it, step) of each refused write of a blueprint."""
    runs = [("contract", [], STEPS), *((case.name, case.given, case.steps) for case in CASES)]
    switch = Switch()
    with serving(switch) as base:
        for name, given, steps in runs:
            if any(map(_is_refused, steps)):
                switch.inner = port_app(clock=lambda: NOW)
                yield from _run(name, Port(base), [*given, *steps])


def _is_refused(step: Step) -> bool:
    return bool(WRITE.fullmatch(step["request"])) and step.get("status", 200) >= 400


def _run(name: str, port: Port, steps: list[Step]) -> Iterator[tuple[str, list[Body], Step]]:
    port.login()
    for step in steps:
        if _is_refused(step):
            yield name, port.send("GET /v1/blueprints").json()["blueprints"], step
        else:
            port.do(step)
    port.session.close()


def desired(live: list[Body], step: Step) -> dict[str, Any]:
    """The blueprints that the specs would have to ask for the write, by identifier."""
    found = WRITE.fullmatch(step["request"])
    assert found
    known = [{key: value for key, value in body.items() if key in SPEC_KEYS} for body in live]
    bodies = {body["identifier"]: body for body in known if not body["identifier"].startswith("_")}
    name = str(found[1] or (step["body"].get("identifier") if isinstance(step["body"], dict) else "x"))
    old = bodies.get(name, {}) if step["request"].startswith("PATCH") else {}
    new = step["body"]
    return {**bodies, name: {"identifier": name, **old, **_merged(old, new)} if isinstance(new, dict) else new}


def _merged(old: Body, new: Body) -> Body:
    body = {**new, **{key: {**old.get(key, {}), **new[key]} for key in MERGED if new.get(key)}}
    if "schema" in new and "schema" in old:
        properties = {**old["schema"]["properties"], **new["schema"].get("properties", {})}
        body["schema"] = {**old["schema"], **new["schema"], "properties": properties}
    return body


def errors(root: Path, bodies: dict[str, Any]) -> list[str]:
    files = {f"blueprints/b{number}.json": json.dumps(body) for number, body in enumerate(bodies.values())}
    problems = read_specs(write_files(root, files)).problems
    return [f"{each.id} {each.message}" for each in problems if each.severity == "error"]


def test_what_port_refuses_in_a_blueprint_is_found_offline(tmp_path: Path) -> None:
    missed = {
        f"{name}: {step.get('name', '')} {json.dumps(step.get('body'))}"
        for number, (name, live, step) in enumerate(refused())
        if not errors(tmp_path / str(number), desired(live, step))
    }
    assert [case for case in sorted(missed) if not any(part in case for part, _ in UNTOLD)] == []
    assert [part for part, _ in UNTOLD if not any(part in case for case in missed)] == []
