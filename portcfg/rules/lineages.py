"""Who writes and who reads each part of each blueprint, as far as the specs say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from portcfg.kinds import blueprint_reads, dashboard_risk
from portcfg.kinds.blueprint import SYNC_DAYS, SYNC_RUNS
from portcfg.kinds.risk_base import query_names
from portcfg.model import Document, Path, Position, Project, Ref, Resource
from portcfg.rules.fields import SECTIONS, Shape
from portcfg.rules.shown import Widget
from portcfg.rules.written import Written, config_of, runs_here

COMPUTED = frozenset({"mirror", "calculation", "aggregation"})
# What a mapping writes by itself.
MAPPED = frozenset({"mapping", "fill"})
PATHS: Mapping[str, Path] = {**SECTIONS, "relation": ("relations",)}
# Of what computes something, the key that says how.
SAYS = {"mirror": "path", "calculation": "calculation", "aggregation": "target"}
TEXTS = re.compile(r"""["']([^"'\\]+)["']""")


@dataclass(frozen=True)
class Link:
    """One writer or reader. `what` is its sort (mapping, fill, widget, ...), `who` its name, `text` its jq, if any."""

    what: str
    who: str
    place: Position
    text: str = ""

    def __str__(self) -> str:
        return self.who if self.who.startswith(f"{self.what}/") else f"{self.what} {self.who}".strip()


@dataclass(frozen=True)
class Part:
    """A blueprint (`name` is "") or one of its properties, relations and computed properties.

    `section` is as in rules.fields, "" for the blueprint and for what only Port has; `place` is None for the latter.
    """

    blueprint: str
    name: str
    section: str
    place: Position | None
    writers: tuple[Link, ...]
    readers: tuple[Link, ...]

    def __str__(self) -> str:
        return f"{self.blueprint}.{self.name}" if self.name else self.blueprint


# (blueprint, name of the part, what writes or reads it)
Edge = tuple[str, str, Link]
Lineage = Mapping[str, Mapping[str, Part]]


def lineage_of(
    shapes: Mapping[str, Shape],
    written: Sequence[Written],
    widgets: Sequence[Widget],
    mappings: Sequence[Document],
    project: Project,
) -> Lineage:
    """Every part by blueprint and name; those of a blueprint that only Port has as far as something uses them."""
    readers = _grouped(
        [*_blueprints_read(shapes), *_shown(widgets, shapes), *_searched(written, shapes), *_kept(mappings)]
    )
    made = [*_mapped(written, shapes), *_filled(mappings), *_own(shapes), *declared(shapes, project)]
    writers = _grouped([*made, *_recorded(mappings, readers)])
    names: dict[str, dict[str, tuple[str, Position | None]]] = {
        identifier: {name: (section, shape.document.place(path)) for name, section, path in parts_of(shape)}
        for identifier, shape in shapes.items()
    }
    for blueprint, name in (*writers, *readers):
        if blueprint not in shapes:
            names.setdefault(blueprint, {"": ("", None)})[name] = ("", None)
    return {
        blueprint: {
            name: Part(blueprint, name, *told, _once(writers, blueprint, name), _once(readers, blueprint, name))
            for name, told in parts.items()
        }
        for blueprint, parts in names.items()
    }


def parts_of(shape: Shape) -> Iterator[tuple[str, str, Path]]:
    """(name, section, path) of the blueprint itself and all that it has of its own."""
    yield "", "", ("identifier",)
    for each in (*shape.fields.values(), *shape.relations.values()):
        if each.section != "meta":
            yield each.name, each.section, each.path


def _grouped(edges: Iterable[Edge]) -> dict[tuple[str, str], list[Link]]:
    found: dict[tuple[str, str], list[Link]] = {}
    for blueprint, name, link in edges:
        if blueprint and not name.startswith("$"):
            found.setdefault((blueprint, name), []).append(link)
    return found


def _once(links: Mapping[tuple[str, str], list[Link]], blueprint: str, name: str) -> tuple[Link, ...]:
    return tuple(dict.fromkeys(links.get((blueprint, name), ())))


def _mapped(written: Sequence[Written], shapes: Mapping[str, Shape]) -> Iterator[Edge]:
    """What mappings write. Where rows name the blueprint, those that its jq names, or else any."""
    for each in written:
        link = Link("mapping", _resource_name(each), each.document.place(each.path), _text(each.jq))
        for blueprint in [each.blueprint] if each.blueprint else _any_of(each, shapes):
            if each.name or each.section == "identifier":
                yield blueprint, each.name, link
            target = shapes[blueprint].target(each.name) if blueprint in shapes else ""
            if each.section == "relations" and target and _makes_targets(each.document):
                yield target, "", Link("relation", f"{blueprint}.{each.name} of {link.who}", link.place, link.text)


def _resource_name(written: Written) -> str:
    resource: Any = _at(written.document, written.resource)
    return f"{written.document.ref}, resource {int(written.resource[-1]) + 1} ({resource.get('kind')})"


def _at(document: Document, path: Path) -> Any:
    value: Any = document.body
    for key in path:
        value = value[key]
    return value


def _text(jq: Any) -> str:
    return jq.strip() if isinstance(jq, str) else "a search" if isinstance(jq, dict | list) else str(jq)


def _any_of(written: Written, shapes: Mapping[str, Shape]) -> list[str]:
    entity = _at(written.document, written.path[: -2 if written.name else -1])
    named = [name for name in TEXTS.findall(str(entity.get("blueprint", ""))) if name in shapes]
    return named or list(shapes)


def _makes_targets(document: Document) -> bool:
    """Whether a bare entity is made for a value of a relation that names none (ocean.md; sync does the same)."""
    _, config = config_of(document)
    return bool(config.get("createMissingRelatedEntities", "missing_relations" not in config))


def _filled(mappings: Sequence[Document]) -> Iterator[Edge]:
    for document in mappings:
        prefix, config = config_of(document)
        for blueprint, names in (config.get("fill") or {}).items():
            for name, value in names.items():
                place = document.place((*prefix, "fill", blueprint, name))
                yield blueprint, name, Link("fill", f"of {document.ref}", place, str(value))


def _recorded(mappings: Sequence[Document], read: Iterable[tuple[str, str]]) -> Iterator[Edge]:
    """What a sync keeps of itself: its runs, where the mapping says so, and the days that it has read.

    Its blueprints are in no spec, so of their parts those are told that something reads.
    """
    for document in filter(runs_here, mappings):
        prefix, config = config_of(document)
        said = {SYNC_RUNS: "record_run"} if config.get("record_run") else {}
        for blueprint, key in {SYNC_DAYS: "streams", **said}.items():
            link = Link("record", f"of {document.ref}", document.place((*prefix, key)))
            names = [name for other, name in read if other == blueprint]
            yield from ((blueprint, name, link) for name in dict.fromkeys(["", *names] if blueprint in said else names))


def _own(shapes: Mapping[str, Shape]) -> Iterator[Edge]:
    """What Port itself writes: what it computes, defaults, and its own blueprints."""
    for identifier, shape in shapes.items():
        if not shape.is_whole:
            yield identifier, "", Link("Port", "itself", shape.document.place(("identifier",)))
        for each in shape.fields.values():
            place = shape.document.place(each.path)
            said = _at(shape.document, each.path) if each.path else {}
            if each.section in COMPUTED:
                yield (
                    identifier,
                    each.name,
                    Link(each.section, "", place, str(said.get(SAYS[each.section], "")).strip()),
                )
            elif each.section == "property" and "default" in said:
                yield identifier, each.name, Link("default", "", place, str(said["default"]))


def declared(shapes: Mapping[str, Shape], project: Project) -> Iterator[Edge]:
    """What the project's `external.writers` says that somebody else writes."""
    for place, (pattern, who) in project.writers.items():
        for blueprint, name in matched(pattern, shapes):
            yield blueprint, name, Link("external", who, place)


def matched(pattern: str, shapes: Mapping[str, Shape]) -> Iterator[tuple[str, str]]:
    """The parts that `blueprint` or `blueprint.property` means, * standing for any text; a blueprint is all of it.

    Who writes a part of entities knows of some, so the blueprint is meant with it.
    """
    wanted, dot, name = pattern.partition(".")
    for identifier, shape in shapes.items():
        if fnmatchcase(identifier, wanted):
            parts = [part for part, section, _ in parts_of(shape) if section not in COMPUTED]
            found = [part for part in parts if not dot or (part and fnmatchcase(part, name))]
            yield from ((identifier, part) for part in (dict.fromkeys(["", *found]) if found else ()))


def _blueprints_read(shapes: Mapping[str, Shape]) -> Iterator[Edge]:
    state = {shape.document.ref: Resource(shape.document.ref, shape.document.body) for shape in shapes.values()}
    for identifier, shape in shapes.items():
        for (ref, name), reader in blueprint_reads.reads(state[shape.document.ref], state):
            own = reader.where.removeprefix(f"{identifier}.")
            path = (*PATHS[reader.what], own) if reader.what in PATHS else ("ownership", "path")
            said = _at(shape.document, path)
            text = str(said.get(SAYS.get(reader.what, "target"), "")) if isinstance(said, dict) else str(said)
            yield ref.identifier, name, Link(reader.what, reader.where, shape.document.place(path), text.strip())


def _shown(widgets: Sequence[Widget], shapes: Mapping[str, Shape]) -> Iterator[Edge]:
    for widget in widgets:
        page = widget.document.ref
        who = f'"{widget.title or widget.body.get("id") or widget.type}" of {page}'
        places = {(series.blueprint, use.name): use.path for series in widget.series for use in series.uses}
        found = [part for part, _ in dashboard_risk.reads(Resource(page, {"widgets": [widget.body]}), {})]
        found += [(Ref("blueprint", name), part) for name in _whole_tables(widget) for part in _all(shapes, name)]
        for ref, name in dict.fromkeys(found):
            if ref.kind == "blueprint":
                path = places.get((ref.identifier, name), widget.path)
                yield ref.identifier, name, Link("widget", who, widget.document.place(path))


def _whole_tables(widget: Widget) -> Iterator[str]:
    """The blueprints of which a table shows everything, since it names no columns."""
    for series in widget.series:
        if "table" in widget.type and not any(use.role == "column" for use in series.uses):
            yield series.blueprint


def _all(shapes: Mapping[str, Shape], blueprint: str) -> Iterator[str]:
    yield from (name for name, _, _ in parts_of(shapes[blueprint])) if blueprint in shapes else ()


def _searched(written: Sequence[Written], shapes: Mapping[str, Shape]) -> Iterator[Edge]:
    """By what a mapping looks up the entities that it relates to, or adds to."""
    for each in written:
        own = shapes.get(each.blueprint)
        target = own.target(each.name) if own and each.section == "relations" else each.blueprint
        for name in _names(each.jq):
            yield target, name, Link("search", f"of {_resource_name(each)}", each.document.place(each.path))


def _names(query: Any) -> Iterator[str]:
    """They are jq, so they stand in quotes."""
    for part in query if isinstance(query, list) else [query]:
        yield from (name.strip().strip("'\"") for name in query_names(part))


def _kept(mappings: Sequence[Document]) -> Iterator[Edge]:
    """What a sync itself reads: the sums of its report, and the days by which it deletes."""
    for document in mappings:
        prefix, config = config_of(document)
        for blueprint, names in (config.get("report") or {}).items():
            for index, name in enumerate(names):
                place = document.place((*prefix, "report", blueprint, index))
                yield blueprint, name.split(".")[0], Link("report", f"of {document.ref}", place)
        for what in ("retention", "prune"):
            for blueprint, said in (config.get(what) or {}).items():
                if isinstance(said, dict) and "property" in said:
                    place = document.place((*prefix, what, blueprint, "property"))
                    yield blueprint, said["property"], Link(what, f"of {document.ref}", place)
