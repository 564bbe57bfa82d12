"""What stands at a place of the specs: whose it is, where it comes from, what it becomes, what writes and reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcfg.errors import Problem
from portcfg.findings import Ignored, lines_of
from portcfg.load import INCLUDE
from portcfg.locating import Node, Places
from portcfg.model import MISSING, Body, Document, Path, Project, Ref, State
from portcfg.rules.lineages import Part
from portcfg.rules.portal import Portal
from portcfg.rules.shown import Widget
from portcfg.variables import VARIABLE


@dataclass(frozen=True)
class Explained:
    """One resource's node at a place. `origin` says how a node of another file comes into it.

    `body` is what the node compiles to, at `body_path` in Port's JSON; MISSING where the specs have errors. `parts` are
    those of blueprints that have to do with it, each with its section, type and format where the specs say them.
    """

    ref: Ref
    path: Path
    file: str
    origin: str
    body: Any
    body_path: Path
    parts: tuple[tuple[Part, str], ...]


@dataclass(frozen=True)
class Explanation:
    """A line of a file: its resources' nodes, the variables in it, what was found there, and what is meant.

    A line that includes another file has no nodes; its keys have their places there.
    """

    file: str
    line: int
    text: str
    nodes: tuple[Explained, ...]
    variables: Mapping[str, Any]
    problems: tuple[Problem, ...]
    ignored: tuple[Ignored, ...]


def explained(
    file: str,
    line: int,
    column: int,
    portal: Portal,
    problems: Sequence[Problem],
    ignored: Sequence[Ignored],
    state: State | None,
) -> Explanation:
    """What stands at a line, and column, if one is given. `state` is what the specs compile to, None with errors."""
    lines = lines_of(file, portal.texts.get(file, ""))
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    nodes = [] if INCLUDE in text else Places(portal.everything, frozenset({file})).at(file, line, column)
    found = tuple(each for each in problems if (each.file, each.line) == (file, line))
    meant = tuple(each for each in ignored if (each.problem.file, each.problem.line) == (file, line))
    rows = tuple(_explained(node, file, portal, state) for node in nodes)
    return Explanation(file, line, text, rows, dict(_variables(text, portal.project)), found, meant)


def _variables(text: str, project: Project) -> Iterator[tuple[str, Any]]:
    for match in VARIABLE.finditer(text):
        value: Any = {"vars": project.variables}
        for part in match[2].split("."):
            value = value.get(part, MISSING) if isinstance(value, Mapping) else MISSING
        if not match[1]:
            yield match[2], value


def _explained(node: Node, file: str, portal: Portal, state: State | None) -> Explained:
    document = node.document
    widget = _widget_at(node, portal)
    path: Path = node.path
    body: Any = MISSING
    if state and document.ref in state:
        path, body = _deepest(state[document.ref].body, node.path)
    if state and widget:
        path, body = widget.path, widget.body
    names = dict.fromkeys(_names(node, portal, widget))
    known = (portal.lineage.get(blueprint, {}).get(name) for blueprint, name in names)
    parts = tuple((part, _described(part, portal)) for part in known if part)
    return Explained(document.ref, node.path, document.file, _origin(document, file), body, path, parts)


def _origin(document: Document, file: str) -> str:
    if file == document.overlay:
        return f"says {document.ref} of {document.file} otherwise for this environment"
    return "" if file == document.file else f"is included by {document.file}"


def _deepest(body: Body, path: Path) -> tuple[Path, Any]:
    """(path, value) of what the node becomes; a spec may leave out the key that Port has around all of it."""
    around = ((), *((key,) for key, value in body.items() if isinstance(value, dict)))
    return max((_down(body, (*prefix, *path)) for prefix in around), key=lambda found: len(found[0]))


def _down(body: Body, path: Path) -> tuple[Path, Any]:
    """(path, value) of the deepest node on the way along `path` that Port's JSON has, too."""
    value: Any = body
    for depth, part in enumerate(path):
        inside = isinstance(value, dict) and part in value
        inside = inside or (isinstance(value, list) and isinstance(part, int) and part < len(value))
        if not inside:
            return path[:depth], value
        value = value[part]
    return path, value


def _widget_at(node: Node, portal: Portal) -> Widget | None:
    own = (widget for widget in portal.widgets if widget.document is node.document)
    return next((widget for widget in own if node.path[: len(widget.path)] == widget.path), None)


def _names(node: Node, portal: Portal, widget: Widget | None) -> Iterator[tuple[str, str]]:
    """(blueprint, name) of the parts that the node is, writes, or shows."""
    for identifier, shape in portal.shapes.items():
        for each in (*shape.fields.values(), *shape.relations.values()):
            if shape.document is node.document and each.path and _leads(each.path, node.path):
                yield identifier, each.name
    for written in portal.written:
        if written.document is node.document and written.name and _leads(written.path, node.path):
            yield written.blueprint, written.name
    for series in widget.series if widget else ():
        exact = [use for use in series.uses if use.path == node.path]
        for use in exact or series.uses:
            yield series.blueprint, use.name


def _leads(path: Path, inside: Path) -> bool:
    return inside[: len(path)] == path


def _described(part: Part, portal: Portal) -> str:
    shape = portal.shapes.get(part.blueprint)
    member = (shape.fields.get(part.name) or shape.relations.get(part.name)) if shape else None
    return " ".join(filter(None, (member.section, member.type, member.format))) if member else ""
