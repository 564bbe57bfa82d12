"""What Port refuses in a blueprint although its shape is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.kinds import KINDS
from portcfg.kinds.base import members_of
from portcfg.model import Body, Document, Path, Project
from portcfg.rules.jqtext import jq_mistake

Finding = tuple[Path, str, str, str]
# What Port keeps under one set of names.
NAMESPACE: tuple[Path, ...] = (
    ("schema", "properties"),
    ("mirrorProperties",),
    ("calculationProperties",),
    ("aggregationProperties",),
)


def blueprint_problems(shaped: Sequence[Document], _: Sequence[Document], __: Project) -> Iterator[Problem]:
    """PC201 calculations that don't compile, PC202 required names no property, PC203 many and required, PC204 mirrors,
    PC205 renames."""
    for document in shaped:
        if document.kind == "blueprint":
            for path, id_, message, hint in _findings(document.body):
                place = document.place(path)
                yield Problem(place.file, place.line, place.column, id_, message, hint)


def _findings(body: Body) -> Iterator[Finding]:
    yield from _rename_findings(body)
    schema = body.get("schema") or {"properties": {}}
    properties = schema["properties"]
    relations = body.get("relations") or {}
    for index, name in enumerate(schema.get("required") or []):
        if name not in properties:
            hint = f"the properties are: {', '.join(properties) or 'none'}"
            yield ("schema", "required", index), "PC202", f"required names {name!r}, which is no property", hint
    for name, relation in relations.items():
        if relation.get("many") and relation.get("required"):
            yield (
                ("relations", name),
                "PC203",
                f"relation {name!r} is many and required",
                "Port refuses the two together",
            )
    for name, mirror in (body.get("mirrorProperties") or {}).items():
        first = mirror["path"].split(".")[0]
        if first not in relations:
            hint = f"the relations are: {', '.join(relations) or 'none'}"
            yield (
                ("mirrorProperties", name, "path"),
                "PC204",
                f"the path begins with {first!r}, which is no relation",
                hint,
            )
    for name, part in (body.get("calculationProperties") or {}).items():
        mistake = jq_mistake(part["calculation"])
        if mistake:
            path: Path = ("calculationProperties", name, "calculation")
            yield path, "PC201", f"the calculation {name!r} isn't valid jq: {mistake}", ""


def _rename_findings(body: Body) -> Iterator[Finding]:
    first: dict[tuple[bool, str], str] = {}
    for rename in KINDS["blueprint"].renaming.asked(body):
        path = (*rename.section, rename.new, "renamed_from")
        sections = NAMESPACE if rename.section in NAMESPACE else (rename.section,)
        other = first.setdefault((rename.section in NAMESPACE, rename.old), rename.new)
        if rename.old == rename.new:
            yield path, "PC205", f"{rename.new!r} is renamed from its own name", "remove renamed_from"
        elif any(rename.old in members_of(body, section) for section in sections):
            message = f"{rename.new!r} is renamed from {rename.old!r}, which the blueprint still has"
            yield path, "PC205", message, "remove one of the two"
        elif other != rename.new:
            message = f"{other!r} and {rename.new!r} are both renamed from {rename.old!r}"
            yield path, "PC205", message, "only one can get its values"
