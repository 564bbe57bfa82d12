"""Documents -> Problems: first their shape, kind by kind, then the rules that look across them."""

from __future__ import annotations

from collections.abc import Sequence

from portcfg.errors import Problem
from portcfg.kinds import KINDS
from portcfg.model import Document, Project
from portcfg.rules import RULES
from portcfg.shape import shape_problems


def validate(documents: Sequence[Document], project: Project) -> tuple[Problem, ...]:
    """Every finding, sorted by place. A document of the wrong shape is left out of the rules, not out of the names."""
    problems: list[Problem] = []
    shaped: list[Document] = []
    for document in documents:
        found = list(shape_problems(document, KINDS[document.kind].schema()))
        problems.extend(found)
        if not found:
            shaped.append(document)
    for rule in RULES:
        problems.extend(rule(shaped, documents, project))
    return tuple(sorted(problems))
