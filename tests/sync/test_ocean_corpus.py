"""The mappings of eight Ocean integrations, run end to end, against what Ocean's rules make of the same rows.

The rules (ocean.md §7 and §8) are written down here a second time, with plain libjq, and write to a second embedded
Port as Ocean does: a resource after the other, upsert and merge, missing targets made. Then both Ports must hold the
same. What is otherwise on purpose: a row of which an expression fails is kept for a replay, where Ocean writes null.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jq
import pytest
import yaml
from click.testing import CliRunner, Result

from portcfg.cli.main import main
from portcfg.client import PortWriter
from portcfg.emulator.server import serving
from portcfg.errors import EXIT_OK, EXIT_PARTIAL, PortcfgError, TerminalApiError
from portcfg.yamlread import dump
from tests.support import write_files
from tests.sync.support import ROOT, create_blueprints, embedded_port, mapping_of, source_app, sync

ROWS: dict[str, Any] = yaml.safe_load((ROOT / "tests" / "data" / "ocean-rows.yaml").read_text(encoding="utf-8"))
# What a mapping writes and the blueprint beside it doesn't have: Port refuses such entities, and portcfg the mapping.
LACKING = {"pagerduty": ("pagerdutyEscalationPolicy", "description")}


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if path:
        yield path
    for key, part in parts:
        yield from leaves(part, (*path, key))


def at(row: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        row = row[key]
    return row


def variants(example: dict[str, Any]) -> list[Any]:
    """The row twice, and once for each of its parts, which is null there or, every other time, missing."""
    identity = tuple(example["id"].split("."))
    rows = [copy.deepcopy(example["row"]) for _ in range(2)]
    for number, path in enumerate(leaves(example["row"])):
        row = copy.deepcopy(example["row"])
        if number % 2 and isinstance(path[-1], str):
            del at(row, path[:-1])[path[-1]]
        else:
            at(row, path[:-1])[path[-1]] = None
        rows.append(row)
    for number, row in enumerate(rows):
        try:
            parent = at(row, identity[:-1])
            if parent.get(identity[-1]) is not None:
                parent[identity[-1]] += f"{number}"
        except (AttributeError, KeyError, TypeError):
            pass
    return rows


class FailedError(Exception):
    """An expression that jq can't run."""


def first(expression: Any, row: Any) -> Any:
    """Ocean's rule: the first output, null where there is none. A search is an object of expressions."""
    if isinstance(expression, dict):
        return {key: first(part, row) for key, part in expression.items()}
    if isinstance(expression, list):
        return [first(part, row) for part in expression]
    try:
        return next(iter(jq.compile(expression).input_value(row)), None)
    except ValueError as error:
        raise FailedError(str(error)) from None


def items(port: dict[str, Any], rows: list[Any]) -> Iterator[Any]:
    for row in rows:
        if "itemsToParse" not in port:
            yield row
            continue
        for item in first(port["itemsToParse"], row):
            yield {**row, "item": item}


@dataclass(frozen=True)
class Mapped:
    """One row and what Ocean's rules make of it: the blueprint and the body; None where an expression fails."""

    key: tuple[Any, Any]
    body: dict[str, Any] | None


def mapped(resource: dict[str, Any], rows: list[Any]) -> Iterator[Mapped]:
    mapping = resource["port"]["entity"]["mappings"]
    for row in items(resource["port"], rows):
        try:
            key = (first(mapping["blueprint"], row), first(mapping["identifier"], row))
        except FailedError:
            yield Mapped((None, None), None)
            continue
        try:
            found = {key: first(text, row) for key, text in mapping.items() if key not in ("properties", "relations")}
            for part in ("properties", "relations"):
                found[part] = {key: first(text, row) for key, text in mapping.get(part, {}).items()}
        except FailedError:
            yield Mapped(key, None)
            continue
        if first(resource["selector"]["query"], row) is True and all(key):
            del found["blueprint"]
            yield Mapped(key, found)


def as_ocean(config: dict[str, Any], answers: dict[str, list[Any]], port: PortWriter) -> int:
    """Write what Ocean would write; the number of rows that fail and of entities that Port refuses."""
    blueprints = {item["identifier"]: item for item in port.get("/blueprints")["blueprints"]}
    whole = [each for resource in config["resources"] for each in mapped(resource, answers[resource["kind"]])]
    failed = {each.key for each in whole if each.body is None}
    done: dict[tuple[Any, Any], set[bool]] = {}
    for each in whole:
        if each.body is not None and each.key not in failed:
            done.setdefault(each.key, set()).add(taken(port, blueprints[each.key[0]], each.body))
    for (name, identifier), outcomes in done.items():
        # portcfg writes no entity of which a row fails or doesn't fit, whatever another row says of it.
        if outcomes == {True, False}:
            port.send("DELETE", f"/blueprints/{name}/entities/{identifier}", params={"delete_dependents": "false"})
    return len([each for each in whole if each.body is None]) + sum(False in outcomes for outcomes in done.values())


def taken(port: PortWriter, blueprint: dict[str, Any], body: dict[str, Any]) -> bool:
    for name, value in body["relations"].items():
        # Whether Port takes a text for a list isn't known.
        if isinstance(value, str) and blueprint["relations"][name]["many"]:
            body["relations"][name] = [value]
    flags = {"upsert": "true", "merge": "true", "create_missing_related_entities": "true"}
    try:
        answer = port.send("POST", f"/blueprints/{blueprint['identifier']}/entities/bulk", {"entities": [body]}, flags)
    except TerminalApiError:
        return False
    return not answer.body["errors"]


def everything(port: PortWriter, names: list[str]) -> dict[str, Any]:
    """All entities without what Port notes of who wrote them; null is absent."""
    found = {}
    for name in names:
        for entity in port.entities(name):
            properties = {key: value for key, value in entity["properties"].items() if value is not None}
            relations = {key: _sorted(value) for key, value in entity["relations"].items() if value}
            found[f"{name}/{entity['identifier']}"] = (entity["title"], entity["team"], properties, relations)
    return found


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


@pytest.mark.parametrize("vendor", sorted(ROWS))
def test_ocean_s_mappings_make_what_they_make_in_ocean(vendor: str, reference_dir: Path) -> None:
    folder = reference_dir / "corpus" / vendor
    (file,) = folder.glob("port-app-config.y*ml")
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    kept = ("identifier", "title", "schema", "relations")
    bodies = json.loads((folder / "blueprints.json").read_text(encoding="utf-8"))
    blueprints = {body["identifier"]: {key: body[key] for key in kept if key in body} for body in bodies}
    if vendor in LACKING:
        name, key = LACKING[vendor]
        blueprints[name]["schema"]["properties"][key] = {"type": "string", "title": key}
    answers = {kind: variants(example) for kind, example in ROWS[vendor].items()}
    assert set(answers) == {resource["kind"] for resource in config["resources"]}
    app = source_app({f"/{kind}": lambda _, rows=rows: rows for kind, rows in answers.items()})
    with embedded_port({}) as theirs, embedded_port({}) as ours, serving(app) as url:
        for port in (theirs, ours):
            create_blueprints(port, blueprints)
        lost = as_ocean(config, answers, theirs)
        mapping = mapping_of({"identifier": vendor, **config}, url)
        report = sync(mapping, ours)
        assert everything(ours, list(blueprints)) == everything(theirs, list(blueprints))
        assert sum(group.count for group in report.rejected) == lost
        assert report.exit_code == (EXIT_PARTIAL if lost else EXIT_OK)
        assert all(item.rows == len(answers[item.name]) for item in report.streams)
        again = sync(mapping, ours)
        assert (again.writes, everything(ours, list(blueprints))) == (0, everything(theirs, list(blueprints)))


@pytest.mark.parametrize("vendor", sorted(ROWS))
def test_what_only_one_integration_understands_is_named_and_the_rest_is_valid(
    vendor: str, reference_dir: Path, tmp_path: Path
) -> None:
    """Such keys are no grammar of mappings but questions to that vendor's API, which another source would ignore."""
    folder = reference_dir / "corpus" / vendor
    config = yaml.safe_load(next(folder.glob("port-app-config.y*ml")).read_text(encoding="utf-8"))
    config["source"] = {"base_url": "https://api.example.com"}
    specs = write_files(
        tmp_path / "specs", {"blueprints/all.json": (folder / "blueprints.json").read_text(encoding="utf-8")}
    )

    def validated() -> Result:
        write_files(specs, {f"mappings/{vendor}.yaml": dump(config)})
        return CliRunner().invoke(main, ["validate", "--specs", str(specs)])

    selectors = [resource["selector"] for resource in config["resources"]]
    foreign = [(selector, key) for selector in selectors for key in selector if key != "query"]
    named = validated()
    assert named.exit_code == (1 if foreign or vendor in LACKING else 0), named.output
    for _, key in foreign:
        assert f"unknown key '{key}'" in named.output
    assert named.output.count("unknown key") == len(foreign)
    assert named.output.count("send it (`query_params`, `body`)") == len(foreign)
    for selector, key in foreign:
        del selector[key]
    rest = validated()
    # The one genuine defect of the corpus: a property that the vendor's own blueprint doesn't have.
    assert rest.output.count("error PC") == (1 if vendor in LACKING else 0), rest.output


def test_the_whole_corpus_is_run(reference_dir: Path) -> None:
    assert {path.name for path in (reference_dir / "corpus").iterdir() if path.is_dir()} == set(ROWS)


def test_what_the_blueprints_lack_is_said_before_anything_is_read(reference_dir: Path) -> None:
    for vendor, (name, key) in LACKING.items():
        folder = reference_dir / "corpus" / vendor
        config = yaml.safe_load(next(folder.glob("port-app-config.y*ml")).read_text(encoding="utf-8"))
        bodies = json.loads((folder / "blueprints.json").read_text(encoding="utf-8"))
        with embedded_port({}) as port:
            create_blueprints(port, {body["identifier"]: body for body in bodies})
            with pytest.raises(PortcfgError, match=f"blueprint `{name}` has no property `{key}`"):
                sync(mapping_of({"identifier": vendor, **config}), port)
