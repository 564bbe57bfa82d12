"""Shape and rules: every mistake is found, at its place, in words that help; valid specs of others have none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from portcfg.importer import importable, spec_file, spec_text
from portcfg.kinds import KINDS
from portcfg.model import Body, Ref
from portcfg.observe import observe
from portcfg.pipeline import read_specs
from tests.support import Bench, cases, write_files
from tests.test_load import expect_problems

VENDORS = ("cursor", "jira", "launchdarkly", "opencost", "pagerduty", "sentry", "snyk", "sonarqube")


@pytest.mark.parametrize("case", cases("invalid"))
def test_mistakes_are_found_at_their_place(case: dict[str, Any], tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", case["files"])
    specs = read_specs(root, case.get("environment", ""))
    expect_problems(specs.problems, case["problems"], root)


def test_the_same_problems_whatever_the_order_of_the_documents(tmp_path: Path) -> None:
    files = {f"blueprints/{name}.yaml": f"title: {name}\nschema: {{properties: {{}}, x: 1}}" for name in "cab"}
    problems = read_specs(write_files(tmp_path / "specs", files)).problems
    assert [Path(problem.file).stem for problem in problems] == ["a", "b", "c"]


def test_a_file_that_cant_be_read_hides_no_other_mistake(tmp_path: Path) -> None:
    files = {"blueprints/a.yaml": "title: [", "blueprints/b.yaml": "titel: B\nschema: {properties: {}}"}
    ids = [problem.id for problem in read_specs(write_files(tmp_path / "specs", files)).problems]
    assert ids == ["PC002", "PC101"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_that_is_anything_at_all_gives_problems_and_no_crash(kind: str, tmp_path: Path) -> None:
    values: list[Any] = [None, 1, "x", [], [1], {}, {"a": None}, [None], [[]], True]
    keys = [*KINDS[kind].schema()["properties"], "resources"]
    texts = [json.dumps(value) for value in values] + [json.dumps({key: value}) for key in keys for value in values]
    files = {f"{KINDS[kind].folder}/f{number}.json": text for number, text in enumerate(texts)}
    specs = read_specs(write_files(tmp_path / "specs", files))
    assert specs.problems


def corpus(reference_dir: Path, vendor: str) -> Iterator[tuple[str, str]]:
    """(path in specs/, text) of a vendor's own files, which are somebody else's and so not in this repository."""
    folder = reference_dir / "corpus" / vendor
    for name, place in (("blueprints.json", "blueprints"), ("pages.json", "dashboards")):
        if (folder / name).exists():
            yield f"{place}/{vendor}.json", (folder / name).read_text(encoding="utf-8")
    for mapping in sorted(folder.glob("port-app-config.y*ml")):
        yield f"mappings/{vendor}.yaml", "runner: ocean\n" + mapping.read_text(encoding="utf-8")


def vendor_specs(root: Path, reference_dir: Path, vendor: str, *, mappings: bool) -> Path:
    files = dict(corpus(reference_dir, vendor))
    own = {body["identifier"] for body in json.loads(files[f"blueprints/{vendor}.json"])}
    external = sorted({name for name in _targets(files, mappings) if name not in own and not name.startswith("_")})
    project: Body = {"version": 1, "external": {"blueprints": {name: {"missing": "skip"} for name in external}}}
    kept = {name: text for name, text in files.items() if mappings or not name.startswith("mappings/")}
    return write_files(root, {**kept, "portcfg.yaml": yaml.safe_dump(project)})


def _targets(files: dict[str, str], mappings: bool) -> Iterator[str]:
    for name, text in files.items():
        value = yaml.safe_load(text)
        kind = next(kind for kind in KINDS.values() if name.startswith(kind.folder))
        if kind.name != "mapping" or mappings:
            for body in value if isinstance(value, list) else [value]:
                yield from (ref.identifier for _, ref in kind.references(body))


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_own_files_are_valid_specs(vendor: str, reference_dir: Path, tmp_path: Path) -> None:
    specs = read_specs(vendor_specs(tmp_path / "specs", reference_dir, vendor, mappings=True))
    assert [problem for problem in specs.problems if problem.severity == "error"] == []
    assert {document.kind for document in specs.documents} >= {"blueprint", "mapping"}
    assert len(specs.compiled()) == len(specs.documents)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_own_files_apply_and_import_without_a_difference(
    vendor: str, reference_dir: Path, bench: Bench, tmp_path: Path
) -> None:
    root = vendor_specs(tmp_path / "specs", reference_dir, vendor, mappings=True)
    report = bench.apply(root)
    assert [(outcome.change.ref, outcome.message) for outcome in report.failed] == []
    assert [(change.ref, change.fields) for change in bench.plan(root).pending] == []
    imported, taken = tmp_path / "imported", set[Path]()
    for resource in importable(observe(bench.reader()), KINDS, ()):
        path = spec_file(imported, resource.ref, taken)
        taken.add(path)
        write_files(path.parent, {path.name: spec_text(resource)})
    write_files(imported, {"portcfg.yaml": (root / "portcfg.yaml").read_text(encoding="utf-8")})
    plan = bench.plan(imported)
    assert [(change.ref, change.action, change.fields) for change in plan.pending] == []
    assert {change.ref for change in plan.changes} == set(read_specs(root).compiled())


def test_a_relation_to_nothing_names_the_file_that_could_declare_it(tmp_path: Path) -> None:
    body = "title: A\nschema: {properties: {}}\nrelations: {r: {target: gone}}"
    (problem,) = read_specs(write_files(tmp_path / "specs", {"blueprints/a.yaml": body})).problems
    assert str(tmp_path / "specs" / "portcfg.yaml") in problem.hint
    assert Ref("blueprint", "gone").identifier in problem.message
