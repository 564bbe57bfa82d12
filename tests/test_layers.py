"""The shape of the code: imports point down, packages have owners, no I/O where none belongs, small modules."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import REPOSITORY

PACKAGE = REPOSITORY / "portcfg"
FILES = sorted(PACKAGE.rglob("*.py"))
# Lower may not import higher. A module not listed has the layer of its longest listed parent.
LAYERS = {
    "portcfg": 0,
    "portcfg.errors": 1,
    "portcfg.model": 1,
    "portcfg.yamlread": 2,
    "portcfg.yamlwords": 1,
    "portcfg.diff": 2,
    "portcfg.checkout": 2,
    "portcfg.concealed": 3,
    "portcfg.bulk": 2,
    "portcfg.masking": 2,
    "portcfg.retry": 2,
    "portcfg.secret_forms": 2,
    "portcfg.unused": 6,
    "portcfg.traffic": 2,
    "portcfg.client": 3,
    "portcfg.kinds": 3,
    "portcfg.sync": 4,
    "portcfg.emulator": 4,
    "portcfg.shape": 4,
    "portcfg.fitting": 4,
    "portcfg.shape_keys": 3,
    "portcfg.shape_words": 2,
    "portcfg.unread": 2,
    "portcfg.specfiles": 2,
    "portcfg.variables": 1,
    "portcfg.raw_schema": 2,
    "portcfg.load": 5,
    "portcfg.rules": 5,
    "portcfg.compile": 6,
    "portcfg.skipping": 5,
    "portcfg.causes": 4,
    "portcfg.risk": 4,
    "portcfg.counting": 4,
    "portcfg.guard": 5,
    "portcfg.impact": 5,
    "portcfg.moving": 4,
    "portcfg.conversions": 4,
    "portcfg.places": 4,
    "portcfg.sidebar": 2,
    "portcfg.plan": 5,
    "portcfg.renames": 5,
    "portcfg.migrate": 6,
    "portcfg.moves": 7,
    "portcfg.preparing": 8,
    "portcfg.report": 2,
    "portcfg.workers": 2,
    "portcfg.cycles": 2,
    "portcfg.steps": 9,
    "portcfg.placing": 10,
    "portcfg.apply": 11,
    "portcfg.ledger": 4,
    "portcfg.editors": 5,
    "portcfg.project": 6,
    "portcfg.observe": 5,
    "portcfg.importer": 6,
    "portcfg.portjson": 6,
    "portcfg.planfile": 6,
    "portcfg.resuming": 7,
    "portcfg.ocean": 6,
    "portcfg.overlay": 6,
    "portcfg.findings": 2,
    "portcfg.baseline": 2,
    "portcfg.locating": 3,
    "portcfg.ignores": 6,
    "portcfg.journal": 6,
    "portcfg.undoing": 7,
    "portcfg.rollback": 8,
    "portcfg.lock": 6,
    "portcfg.slicelock": 7,
    "portcfg.validate": 6,
    "portcfg.render": 6,
    "portcfg.threeway": 5,
    "portcfg.spelling": 5,
    "portcfg.specnodes": 6,
    "portcfg.splice": 7,
    "portcfg.takesteps": 8,
    "portcfg.overlaysteps": 9,
    "portcfg.adopt": 11,
    "portcfg.settings": 7,
    "portcfg.bookkeeping": 7,
    "portcfg.pipeline": 12,
    "portcfg.recorded": 5,
    "portcfg.holdings": 6,
    "portcfg.snapshot": 6,
    "portcfg.offline": 13,
    "portcfg.repair": 13,
    "portcfg.review": 5,
    "portcfg.explaining": 7,
    "portcfg.lineage": 6,
    "portcfg.render.lineage": 7,
    "portcfg.mapping_tests": 13,
    "portcfg.mapping_tests.case": 6,
    "portcfg.mapping_tests.samples": 7,
    "portcfg.render.mapping_tests": 14,
    "portcfg.render.ledger": 14,
    "portcfg.render.blocks": 14,
    "portcfg.render.comment": 14,
    "portcfg.render.plans": 14,
    "portcfg.render.sections": 14,
    "portcfg.render.summary": 14,
    "portcfg.render.applied": 14,
    "portcfg.render.place": 8,
    "portcfg.github": 13,
    "portcfg.shipped": 2,
    "portcfg.init": 14,
    "portcfg.cli": 15,
    "portcfg.__main__": 16,
}
OWNERS = {
    "yaml": {"yamlread"},
    "ruamel": {"specnodes"},
    "requests": {"client", "github.api", "retry", "sync.source"},
    "urllib3": {"sync.source"},
    "tenacity": {"retry"},
    "jsonschema": {"github.folder", "shape", "emulator.*", "sync.*"},
    "jsonschema_rs": {"fitting"},
    "deepdiff": {"diff"},
    "click": {"cli", "cli.*"},
    "jq": {"rules.jqtext", "conversions", "sync.*", "emulator.*"},
    "tabulate": {"render.*", "cli.*"},
    "starlette": {"emulator.*"},
    "uvicorn": {"emulator.*"},
}
# Where the configuration's side may look into sync: its offline checks, and the report to print.
MEETING = {
    "portcfg.rules.mappings": {
        "portcfg.sync.checks",
        "portcfg.sync.deletion_checks",
        "portcfg.sync.privacy",
        "portcfg.sync.findings",
        "portcfg.sync.group_checks",
        "portcfg.sync.entities",
        "portcfg.sync.jq_checks",
        "portcfg.sync.jq_names",
        "portcfg.sync.jq_text",
        "portcfg.sync.jq_tree",
    },
    "portcfg.rules.jqtext": {
        "portcfg.sync.jq_checks",
        "portcfg.sync.jq_names",
        "portcfg.sync.jq_text",
        "portcfg.sync.jq_tree",
    },
    "portcfg.rules.blueprints.calculation_reads": {"portcfg.sync.jq_tree"},
    "portcfg.rules.blueprints.generated": {"portcfg.sync.jq_names", "portcfg.sync.jq_tree"},
    "portcfg.rules.blueprints.calculations": {"portcfg.sync.jq_checks", "portcfg.sync.jq_tree"},
    "portcfg.rules.inferred": {"portcfg.sync.jq_text"},
    "portcfg.rules.jq_rows": {"portcfg.sync.findings", "portcfg.sync.group_checks", "portcfg.sync.jq_text"},
    "portcfg.rules.samples": {"portcfg.sync.findings", "portcfg.sync.jq_text"},
    "portcfg.rules.jq_types_infer": {"portcfg.sync.jq_checks", "portcfg.sync.jq_tree"},
    "portcfg.mapping_tests.case": {"portcfg.sync.answers", "portcfg.sync.offline"},
    "portcfg.mapping_tests.run": {"portcfg.sync.offline"},
    "portcfg.mapping_tests.compare": {"portcfg.sync.compare"},
    "portcfg.mapping_tests.made": {
        "portcfg.sync.offline",
        "portcfg.sync.options",
        "portcfg.sync.parse",
        "portcfg.sync.report",
        "portcfg.sync.run",
        "portcfg.sync.spec",
    },
    "portcfg.mapping_tests.record": {
        "portcfg.sync.disguise",
        "portcfg.sync.offline",
        "portcfg.sync.options",
        "portcfg.sync.parse",
        "portcfg.sync.recording",
        "portcfg.sync.report",
        "portcfg.sync.run",
        "portcfg.sync.spec",
    },
    "portcfg.render.sync": {"portcfg.sync.report"},
    "portcfg.render.coverage": {"portcfg.sync.coverage"},
}
PURE = (
    "places",
    "sidebar",
    "plan",
    "moving",
    "risk",
    "guard",
    "diff",
    "compile",
    "validate",
    "lineage",
    "secret_forms",
    "ignores",
    "locating",
    "findings",
    "shape",
    "rules.",
    "render.",
    "kinds.",
    "model",
    "errors",
)
IMPURE = {"requests", "os", "time", "random", "socket", "subprocess", "secrets", "urllib", "threading", "datetime"}


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def module(file: Path) -> str:
    return ".".join(file.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__")


def short(file: Path) -> str:
    return module(file).removeprefix("portcfg").removeprefix(".")


MODULES = {module(file) for file in FILES}


@cache
def imports(file: Path) -> frozenset[str]:
    return frozenset(_imports(file))


def _imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, `from a import b` as `a.b` where that is a module."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            source = str(node.module)
            yield from {
                f"{source}.{alias.name}" if f"{source}.{alias.name}" in MODULES else source for alias in node.names
            }


def layer(name: str) -> int:
    while name not in LAYERS:
        name = name.rpartition(".")[0]
    return LAYERS[name]


def top(name: str) -> str:
    return ".".join(name.split(".")[:2])


def own_imports(file: Path) -> set[str]:
    return {name for name in imports(file) if name.split(".")[0] == "portcfg"}


@cache
def calls(file: Path) -> frozenset[str]:
    """The dotted name of everything called or read as an attribute."""
    found = (node.func if isinstance(node, ast.Call) else node for node in ast.walk(tree(file)))
    return frozenset(ast.unparse(node) for node in found if isinstance(node, ast.Name | ast.Attribute))


def matches(name: str, patterns: set[str]) -> bool:
    return any(name == pattern or (pattern.endswith("*") and name.startswith(pattern[:-1])) for pattern in patterns)


def test_imports_point_down() -> None:
    wrong = [
        f"{module(file)} imports {name}"
        for file in FILES
        for name in own_imports(file)
        if top(name) != top(module(file)) and layer(name) >= layer(module(file)) and name != "portcfg"
    ]
    assert wrong == []


def test_every_listed_layer_exists() -> None:
    assert set(LAYERS) <= MODULES


def test_sync_meets_the_configuration_only_at_the_bottom() -> None:
    for file in FILES:
        name = module(file)
        if name.startswith("portcfg.sync"):
            allowed = (
                "portcfg",
                "portcfg.client",
                "portcfg.retry",
                "portcfg.traffic",
                "portcfg.masking",
                "portcfg.bulk",
                "portcfg.model",
                "portcfg.errors",
                "portcfg.sync",
            )
            assert {top(found) for found in own_imports(file)} <= set(allowed), name
        elif not name.startswith("portcfg.cli"):
            used = {found for found in own_imports(file) if found.startswith("portcfg.sync")}
            allowed_here = next((MEETING[place] for place in MEETING if (name + ".").startswith(place + ".")), set())
            assert used <= allowed_here, name


def test_the_emulator_shares_nothing_with_what_it_tests() -> None:
    for file in FILES:
        if module(file).startswith("portcfg.emulator"):
            shared = {top(name) for name in own_imports(file)} - {"portcfg.emulator"}
            assert shared <= {"portcfg", "portcfg.errors", "portcfg.model"}, module(file)
        elif not module(file).startswith("portcfg.cli"):
            assert not any(name.startswith("portcfg.emulator") for name in own_imports(file)), module(file)


@pytest.mark.parametrize("package", OWNERS)
def test_a_third_party_package_has_its_owner(package: str) -> None:
    users = {short(file) for file in FILES if package in {name.split(".")[0] for name in imports(file)}}
    assert users, f"nobody uses {package}"
    assert [name for name in sorted(users) if not matches(name, OWNERS[package])] == []


def test_every_third_party_package_is_listed_here() -> None:
    used = {name.split(".")[0] for file in FILES for name in imports(file)}
    assert used - set(sys.stdlib_module_names) - {"portcfg", "__future__"} == set(OWNERS)


@pytest.mark.parametrize("file", [file for file in FILES if short(file).startswith(PURE)], ids=short)
def test_pure_modules_do_no_io_and_read_no_clock_environment_or_randomness(file: Path) -> None:
    used = {name.split(".")[0] for name in imports(file)}
    assert used & IMPURE == set()
    readers = {"open", "input", "Path.cwd", "Path.home", "datetime.now", "time.time"}
    assert calls(file) & readers == set()


def test_only_the_command_line_prints() -> None:
    streams = {"sys.stdout", "sys.stderr", "sys.stdout.write", "sys.stderr.write"}
    for file in FILES:
        used = calls(file)
        assert "print" not in used, module(file)
        if not module(file).startswith("portcfg.cli"):
            assert used & streams == set(), module(file)


def test_only_settings_read_the_environment() -> None:
    for file in FILES:
        if module(file) != "portcfg.settings":
            assert calls(file) & {"os.environ", "os.getenv", "os.environ.get"} == set(), module(file)


def test_no_code_outside_kinds_asks_which_kind_it_has() -> None:
    """Rules and commands may pick the documents that they are about, and that is all."""
    names = {"blueprint", "mapping", "dashboard"}
    for file in FILES:
        if module(file).startswith(("portcfg.kinds", "portcfg.emulator", "portcfg.sync")):
            continue
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
                asked = any(isinstance(side, ast.Constant) and side.value in names for side in sides)
                left = ast.unparse(node.left)
                allowed = module(file).startswith(("portcfg.rules", "portcfg.cli")) and left in (
                    "document.kind",
                    "ref.kind",
                )
                assert not asked or allowed, f"{module(file)}:{node.lineno} {ast.unparse(node)}"


def test_modules_and_functions_stay_small() -> None:
    for file in FILES:
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 320, module(file)
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 50, f"{module(file)}.{node.name}"


def test_nothing_is_left_to_do() -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert not [word for word in ("TODO", "FIXME", "XXX") if word in text], module(file)
