"""`missing: skip`: what a blueprint that Port doesn't have takes along, over however many others."""

from __future__ import annotations

from pathlib import Path

from portcfg.model import Body
from portcfg.yamlread import dump
from tests.support import Bench, write_files

COUNT = {"func": "count", "calculationBy": "entities"}
TOTAL = {"func": "sum", "calculationBy": "property", "property": "service_size"}
ONE = {"type": "number", "calculation": "1"}
BLUEPRINTS: dict[str, Body] = {
    "commit": {
        "relations": {"service": {"target": "service"}, "team": {"target": "_team"}},
        "mirrorProperties": {"service_size": {"path": "service.size"}, "team_name": {"path": "team.$title"}},
        "calculationProperties": {"double": {**ONE, "calculation": ".properties.service_size * 2"}, "one": ONE},
        "ownership": {"type": "Inherited", "path": "service"},
    },
    "review": {
        "relations": {"commit": {"target": "commit"}},
        "mirrorProperties": {
            "service": {"path": "commit.service.$title"},
            "size": {"path": "commit.service_size"},
            "doubled": {"path": "commit.double"},
            "team": {"path": "commit.team.$title"},
        },
        "ownership": {"type": "Inherited", "path": "commit.service"},
    },
    "report": {
        "relations": {"review": {"target": "review"}},
        "mirrorProperties": {"far": {"path": "review.commit.service.$title"}, "near": {"path": "review.$title"}},
        "aggregationProperties": {
            "sizes": {"title": "S", "target": "commit", "calculationSpec": TOTAL},
            "ways": {
                "title": "W",
                "target": "review",
                "calculationSpec": COUNT,
                "pathFilter": [{"fromBlueprint": "report", "path": ["review"]}],
            },
        },
    },
}


def specs(root: Path) -> Path:
    external = {"blueprints": {"service": {"missing": "skip"}}}
    files = {"portcfg.yaml": dump({"version": 1, "external": external})}
    for name, body in BLUEPRINTS.items():
        files[f"blueprints/{name}.yaml"] = dump({"title": name, "schema": {"properties": {}}, **body})
    return write_files(root / "specs", files)


def test_what_paths_over_several_blueprints_need_is_left_out_and_told(bench: Bench, tmp_path: Path) -> None:
    root = specs(tmp_path)
    plan = bench.plan(root)
    bodies = {change.ref.identifier: change.after or {} for change in plan.changes}
    sections = ("mirrorProperties", "calculationProperties", "aggregationProperties")
    kept = {name: [key for section in sections for key in body.get(section, {})] for name, body in bodies.items()}
    assert kept == {"commit": ["team_name", "one"], "review": ["team"], "report": ["near", "ways"]}
    assert not [name for name, body in bodies.items() if "ownership" in body]
    notes = {change.ref.identifier: "\n".join(change.notes) for change in plan.changes}
    assert "since `service` of blueprint/commit is (missing: skip): mirrorProperties.service" in notes["review"]
    assert "since `service_size` of blueprint/commit is (missing: skip): mirrorProperties.size" in notes["review"]
    assert "since `double` of blueprint/commit is (missing: skip): mirrorProperties.doubled" in notes["review"]
    assert "since `service` of blueprint/commit is (missing: skip): ownership" in notes["review"]
    assert "mirrorProperties.far" in notes["report"]
    assert "aggregationProperties.sizes" in notes["report"]
    assert "near" not in notes["report"]
    report = bench.apply(root)
    assert [outcome.message for outcome in report.failed] == []
    assert report.after is not None
    assert report.after.pending == ()


def test_once_port_has_the_target_all_of_it_comes(bench: Bench, tmp_path: Path) -> None:
    root = specs(tmp_path)
    assert bench.apply(root).failed == ()
    size = {"properties": {"size": {"type": "number"}}}
    service = {"identifier": "service", "title": "S", "schema": size, "ownership": {"type": "Direct"}}
    bench.send("POST", "/blueprints", service)
    report = bench.apply(root)
    assert [outcome.message for outcome in report.failed] == []
    after = bench.send("GET", "/blueprints/report")["blueprint"]
    assert set(after["mirrorProperties"]) == {"far", "near"}
    assert bench.plan(root).pending == ()
