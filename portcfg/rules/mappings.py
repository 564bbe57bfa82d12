"""The sync engine's own offline checks, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.model import Document, Project
from portcfg.sync.checks import mapping_problems


def mapping_rule(shaped: Sequence[Document], _: Sequence[Document], project: Project) -> Iterator[Problem]:
    """R004: jq that doesn't compile or reads the environment, two writers of one property, unknown streams."""
    for document in shaped:
        if document.kind == "mapping" and document.body.get("runner") != "ocean" and "config" not in document.body:
            body = {**document.body, "vars": {**project.variables, **document.body.get("vars", {})}}
            for path, message, hint in mapping_problems(body, ()):
                place = document.place(path)
                yield Problem(place.file, place.line, place.column, "R004", message, hint)
