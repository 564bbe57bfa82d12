"""Files of Port JSON, or of an Ocean integration (`blueprints.json`, `pages.json`, `port-app-config.yml`) -> State."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portcfg.diff import same
from portcfg.errors import InvalidSpecsError, Problem, UsageError
from portcfg.kinds import KINDS, Kind
from portcfg.load import Reader
from portcfg.model import Body, Project, Ref, Resource
from portcfg.specfiles import spec_files

# Names that say what a file or folder holds, and nothing about whose it is.
GENERIC = frozenset({"port-app-config", "config", "mapping", "integration", "resources", "defaults", ".port"})


@dataclass(frozen=True)
class PortJson:
    """The resources found, and the files that held none."""

    resources: tuple[Resource, ...]
    passed_over: tuple[Path, ...]


def read_port_json(path: Path) -> PortJson:
    """What the file, or the YAML and JSON files below the folder, hold.

    Raises InvalidSpecsError for what can't be read or stands there twice, UsageError where there is nothing.
    """
    files = spec_files(path) if path.is_dir() else [path]
    found: dict[Ref, Resource] = {}
    passed_over: list[Path] = []
    problems: list[Problem] = []
    for file in files:
        reader = Reader(path if path.is_dir() else path.parent, None)
        bodies = [body for value, _ in reader.read_file(file) for body in _resources(value, _name_of(file))]
        problems.extend(reader.problems)
        if not bodies and not reader.problems:
            passed_over.append(file)
        for kind, body in bodies:
            problems.extend(_added(found, kind, body, file))
    if problems:
        raise InvalidSpecsError(sorted(problems))
    if not found:
        raise UsageError(f"{path} holds no {', '.join(KINDS)} in Port's JSON")
    return PortJson(tuple(found[ref] for ref in sorted(found)), tuple(passed_over))


def _name_of(file: Path) -> str:
    """What an integration goes by whose config doesn't say: its file's name, or that of the nearest telling folder."""
    names = (file.stem, *(parent.name for parent in file.resolve().parents))
    return next((name for name in names if name and name not in GENERIC), "integration")


def _resources(value: Any, name: str) -> Iterator[tuple[Kind, Body]]:
    """The resources in a value: one of them, a list of them, or an answer of Port's with them inside."""
    if isinstance(value, list):
        whole = next((kind for kind in KINDS.values() if kind.is_one(value)), None)
        for item in [{whole.wrap_key: value}] if whole else value:
            yield from _resources(item, name)
    elif isinstance(value, dict):
        kind = next((kind for kind in KINDS.values() if kind.recognises(value)), None)
        if kind is not None:
            yield kind, kind.from_file(value, name)
        else:
            for each in KINDS.values():
                for key in filter(None, (each.list_key, each.list_key.removesuffix("s"), each.list_in)):
                    yield from _resources(value.get(key), name)


def _added(found: dict[Ref, Resource], kind: Kind, body: Body, file: Path) -> Iterator[Problem]:
    ref = Ref(kind.name, str(body[kind.id_field]))
    resource = Resource(ref, body, str(file))
    known = found.setdefault(ref, resource)
    if not same(known.body, body):
        hint = "import the two one after the other, each into a folder of its own"
        yield Problem(str(file), 0, 0, "PC013", f"another {ref} stands in {known.file}", hint)
    elif not _well_formed(kind, body):
        yield Problem(str(file), 0, 0, "PC014", f"{ref} isn't what Port would answer", "compare it with Port's docs")


def _well_formed(kind: Kind, body: Body) -> bool:
    try:
        kind.comparable(kind.compile(kind.decompile(body, Project("")), Project("")))
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return True
