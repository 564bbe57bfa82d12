"""What Port refuses in a blueprint although its shape is right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.model import Body, Document, Path, Project
from portcfg.rules.jqtext import jq_mistake


def blueprint_problems(shaped: Sequence[Document], _: Sequence[Document], __: Project) -> Iterator[Problem]:
    """R003 calculations that don't compile, R005 required names no property, R006 many and required, R007 mirrors."""
    for document in shaped:
        if document.kind == "blueprint":
            for path, id_, message, hint in _findings(document.body):
                place = document.place(path)
                yield Problem(place.file, place.line, place.column, id_, message, hint)


def _findings(body: Body) -> Iterator[tuple[Path, str, str, str]]:
    schema = body.get("schema") or {"properties": {}}
    properties = schema["properties"]
    relations = body.get("relations") or {}
    for index, name in enumerate(schema.get("required") or []):
        if name not in properties:
            hint = f"the properties are: {', '.join(properties) or 'none'}"
            yield ("schema", "required", index), "R005", f"required names {name!r}, which is no property", hint
    for name, relation in relations.items():
        if relation.get("many") and relation.get("required"):
            yield (
                ("relations", name),
                "R006",
                f"relation {name!r} is many and required",
                "Port refuses the two together",
            )
    for name, mirror in (body.get("mirrorProperties") or {}).items():
        first = mirror["path"].split(".")[0]
        if first not in relations:
            hint = f"the relations are: {', '.join(relations) or 'none'}"
            yield (
                ("mirrorProperties", name, "path"),
                "R007",
                f"the path begins with {first!r}, which is no relation",
                hint,
            )
    for name, part in (body.get("calculationProperties") or {}).items():
        mistake = jq_mistake(part["calculation"])
        if mistake:
            path: Path = ("calculationProperties", name, "calculation")
            yield path, "R003", f"the calculation {name!r} isn't valid jq: {mistake}", ""
