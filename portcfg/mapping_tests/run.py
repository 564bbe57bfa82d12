"""Cases run one after the other, each with the mapping and the blueprints of its specs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from portcfg.compile import compile_specs
from portcfg.errors import InvalidSpecsError, PortcfgError, UsageError
from portcfg.kinds import KINDS
from portcfg.load import load_specs
from portcfg.mapping_tests.case import CASE, Case, read_case, read_file
from portcfg.mapping_tests.compare import Result, differences
from portcfg.mapping_tests.expected import update
from portcfg.mapping_tests.made import Made, make
from portcfg.model import Position, State
from portcfg.overlay import with_overlay
from portcfg.pipeline import read_specs
from portcfg.project import load_project
from portcfg.rules.nearest import meant
from portcfg.sync.offline import with_targets


@dataclass
class Bench:
    """Runs cases with the specs of a folder, or of the one that a case names; each is read once."""

    root: Path
    environment: str = ""
    _states: dict[Path, tuple[State, Mapping[str, Any]]] = field(default_factory=dict)

    def run(self, folder: Path, updating: bool = False) -> Result:
        """Run the case of a folder. With `updating` its expected file becomes what was made, if that differs and all
        that was recorded was asked for and answered: what is made of the half of it is nothing to expect.

        A case that can't be run is a result with an `error`.
        """
        file = str(folder / CASE)
        try:
            case = read_case(folder)
            made = self.made(case)
            expected, places = _expected(case)
        except InvalidSpecsError as error:
            told = "; ".join(f"{problem.where}: {problem.message} ({problem.hint})" for problem in error.problems)
            return Result(folder.name, "", error=told, file=file)
        except PortcfgError as error:
            return Result(folder.name, case.mapping, error=f"{error.message} ({error.hint})", file=file)
        found = tuple(differences(expected, made.body, places))
        updating = updating and bool(found) and not (made.unused or made.unanswered)
        if updating:
            update(case.expected, made.body)
        return Result(
            *(case.name, case.mapping, found, tuple(made.unused), tuple(made.unanswered)),
            updated=updating,
            body=made.body,
            written=made.written,
            miscalculated=tuple(made.miscalculated),
            file=file,
        )

    def made(self, case: Case, full: bool = False) -> Made:
        """What the case's mapping makes; raises PortcfgError where it can't be run."""
        state, variables = self.specs(case)
        bodies: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        for ref, resource in state.items():
            bodies[ref.kind][ref.identifier] = resource.body
        mappings, blueprints = bodies["mapping"], list(bodies["blueprint"].values())
        _check("mapping", [case.mapping], mappings)
        # Whoever runs the mapping: portcfg makes of rows what Ocean does.
        config = {"identifier": case.mapping, **mappings[case.mapping]["config"], "runner": "portcfg"}
        _check("variable", case.variables, [*self._states[self._root_of(case)][1], *config.get("vars", {})])
        _check("blueprint", case.port, [body["identifier"] for body in with_targets(blueprints)])
        # Others come with those of the project: a mapping may leave variables out of what Port stores of it.
        config["vars"] = {name: case.variables.get(name, value) for name, value in config.get("vars", {}).items()}
        config["source"] = {"base_url": "http://recorded.invalid", **(config.get("source") or {})}
        return make(case, config, variables, blueprints, full)

    def _root_of(self, case: Case) -> Path:
        return case.specs or self.root

    def specs(self, case: Case) -> tuple[State, Mapping[str, Any]]:
        """The desired State with the case's variables, and these; raises InvalidSpecsError."""
        root, environment = self._root_of(case), "" if case.specs else self.environment
        if root not in self._states:
            specs = read_specs(root, environment)
            self._states[root] = specs.compiled(), specs.project.variables
        state, variables = self._states[root]
        changed = {**variables, **case.variables}
        if changed == variables:
            return state, variables
        # `${vars.x}` may stand anywhere in the specs, so they are read anew with the variables of the case.
        project = replace(load_project(root, environment)[0], variables=changed)
        loaded = with_overlay(load_specs(root, changed), root, project)
        return compile_specs(loaded.documents, project), changed


def _check(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UsageError for a name in the case that nothing in the specs has."""
    for name in names:
        if name not in known:
            raise UsageError(f"the specs have no {what} {name!r}", meant(name, known, f"{what}s"))


def _expected(case: Case) -> tuple[Any, Mapping[tuple[str | int, ...], Position]]:
    if not case.expected.is_file():
        return {}, {(): Position(str(case.expected), 1, 1)}
    value, places = read_file(case.expected)
    return value or {}, places
