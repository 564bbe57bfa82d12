"""Documents -> Problems: first their shape, kind by kind, then the rules that look across them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portcfg.errors import Problem
from portcfg.fitting import fits
from portcfg.kinds import KINDS
from portcfg.model import Document, Project
from portcfg.rules import RULES
from portcfg.rules.portal import Portal
from portcfg.rules.samples import Sample
from portcfg.shape import shape_problems
from portcfg.unread import has_unread


def validate(
    documents: Sequence[Document],
    project: Project,
    texts: Mapping[str, str] | None = None,
    samples: Sequence[Sample] = (),
) -> tuple[Problem, ...]:
    """Every finding, sorted by place. A document of the wrong shape is left out of the rules, not out of the names.

    `texts` are the files as they were read, by name; `samples` what sources are recorded to have answered.
    """
    portal, misshapen = _looked_at(documents, project, texts, samples)
    problems = list(misshapen)
    for rule in RULES:
        problems.extend(rule.problems(portal))
    return tuple(sorted(problems))


def portal_of(documents: Sequence[Document], project: Project, texts: Mapping[str, str] | None = None) -> Portal:
    """The documents as rules look at them."""
    return _looked_at(documents, project, texts)[0]


def _looked_at(
    documents: Sequence[Document],
    project: Project,
    texts: Mapping[str, str] | None,
    samples: Sequence[Sample] = (),
) -> tuple[Portal, list[Problem]]:
    problems: list[Problem] = []
    shaped: list[Document] = []
    for document in documents:
        fit = fits(document)
        found = [] if fit else list(shape_problems(document, KINDS[document.kind].schema()))
        problems.extend(found)
        wrong = any(problem.severity == "error" for problem in found)
        if fit or not (wrong or has_unread(document.body)):
            shaped.append(document)
    return Portal(tuple(shaped), tuple(documents), project, texts or {}, tuple(samples)), problems
