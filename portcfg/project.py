"""specs/portcfg.yaml -> Project, for one environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from portcfg.errors import Problem, UsageError
from portcfg.kinds import KINDS, load_schema
from portcfg.kinds.blueprint import SYNC_RECORDS
from portcfg.load import PROJECT_FILE, Reader
from portcfg.model import Document, Position, Project, Ref
from portcfg.model import Path as NodePath
from portcfg.shape import not_a_mapping, shape_problems
from portcfg.specfiles import refused

LOCAL = "local"
_SYNC_RECORDS: Mapping[Ref, str] = {Ref("blueprint", name): "skip" for name in sorted(SYNC_RECORDS)}


def load_project(root: Path, environment: str) -> tuple[Project, tuple[Problem, ...]]:
    """The project file of `root`, or the defaults where there is none.

    Raises UsageError for an environment that the file doesn't name (`local`, the embedded Port, always exists).
    """
    file = root / PROJECT_FILE
    if not (file.exists() or file.is_symlink()):
        _known_environment(environment, {}, file)
        return Project(str(file), environment, external=_SYNC_RECORDS), ()
    if problem := refused(root, file):
        return Project(str(file), environment), (problem,)
    reader = Reader(root, None)
    values = reader.read_file(file)
    problems = list(reader.problems)
    for _, places in values[1:]:
        place = places[()]
        problems.append(Problem(place.file, place.line, place.column, "PC007", "the project file is one document"))
    body, positions = values[0] if values else ({}, {})
    if isinstance(body, dict):
        problems.extend(shape_problems(Document("project", body, str(file), positions), load_schema("project")))
    else:
        problems.append(not_a_mapping(positions[()], body))
    text = reader.texts.get(str(file), "")
    if problems:
        return Project(str(file), environment, text=text), tuple(sorted(problems))
    ignores = {positions["ignore", index]: entry for index, entry in enumerate(body.get("ignore", ()))}
    environments = body.get("environments", {})
    _known_environment(environment, environments, file)
    project = _project(str(file), body, environment, environments.get(environment) or {})
    writers = {
        positions["external", "writers", pattern]: (pattern, str(who))
        for pattern, who in body.get("external", {}).get("writers", {}).items()
    }
    return replace(
        project, ignores=ignores, text=text, writers=writers, variable_places=_variable_places(positions, environment)
    ), ()


def _variable_places(positions: Mapping[NodePath, Position], environment: str) -> dict[str, Position]:
    """Where each variable is set; what the environment says otherwise has its place there."""
    folders: tuple[NodePath, ...] = (("vars",), ("environments", environment, "vars"))
    return {
        str(path[-1]): place for folder in folders for path, place in positions.items() if path[:-1] == folder and path
    }


def _known_environment(environment: str, environments: Mapping[str, Any], file: Path) -> None:
    if "," in environment and environment not in environments:
        raise UsageError(f"--env {environment} names several", hint="only `plan` takes several; do one after the other")
    if environment and environment != LOCAL and environment not in environments:
        known = ", ".join(sorted({*environments, LOCAL}))
        raise UsageError(f"{file} names no environment {environment!r}", hint=f"it has: {known}")


def _project(file: str, body: Mapping[str, Any], environment: str, chosen: Mapping[str, Any]) -> Project:
    external = {
        **_SYNC_RECORDS,
        **{
            Ref(kind.name, identifier): (policy or {}).get("missing", "error")
            for kind in KINDS.values()
            for identifier, policy in (body.get("external", {}).get(kind.folder) or {}).items()
        },
    }
    actions = body.get("external", {}).get("actions")
    return Project(
        file=file,
        environment=environment,
        base_url=str(chosen.get("base_url", "")),
        variables={**body.get("vars", {}), **chosen.get("vars", {})},
        external=external,
        line_chart=body.get("dashboards", {}).get("line_chart", "multi-line-chart"),
        mapping_source=body.get("defaults", {}).get("mapping", {}).get("source", {}),
        emulator=chosen.get("emulator", {}),
        name=body.get("name", Project.name),
        guards=body.get("guards", {}),
        actions=None if actions is None else tuple(actions),
        environments=(*sorted({*body.get("environments", {}), LOCAL}),),
    )
