"""PC701 the same identifier twice, PC702 a reference to a resource that isn't known, PC804 portcfg's own blueprint."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.kinds import KINDS
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Document, Project, Ref


def ref_of(document: Document) -> Ref:
    """The document's Ref."""
    return Ref(document.kind, str(document.body.get("identifier", "")))


def duplicate_identifiers(_: Sequence[Document], documents: Sequence[Document], __: Project) -> Iterator[Problem]:
    """PC701: two specs of one resource; only one could be applied."""
    first: dict[Ref, Document] = {}
    for document in documents:
        ref = ref_of(document)
        if not ref.identifier:
            continue
        if ref in first:
            place = document.place(("identifier",))
            message = f"{ref} is specified twice; the other stands in {first[ref].place(('identifier',)).file}"
            yield Problem(place.file, place.line, place.column, "PC701", message, "keep one, or rename one")
        first.setdefault(ref, document)


def missing_targets(shaped: Sequence[Document], documents: Sequence[Document], project: Project) -> Iterator[Problem]:
    """PC702: what is referred to must be in the specs, Port's own, or declared external."""
    known = {ref_of(document) for document in documents} | set(project.external)
    for document in shaped:
        for path, ref in KINDS[document.kind].references(document.body):
            if ref in known or KINDS[ref.kind].system(ref.identifier):
                continue
            place = document.place(path)
            folder = KINDS[ref.kind].folder
            names = [other.identifier for other in known if other.kind == ref.kind]
            guess = difflib.get_close_matches(ref.identifier, names, n=1)
            hint = f"did you mean {guess[0]!r}? " if guess else ""
            hint += f"if it lives only in Port, declare it in {project.file} under external.{folder}"
            message = f"there is no {ref.kind} {ref.identifier!r} in the specs"
            yield Problem(place.file, place.line, place.column, "PC702", message, hint)


def own_blueprint(_: Sequence[Document], documents: Sequence[Document], __: Project) -> Iterator[Problem]:
    """PC804: the blueprint of the ledger in the specs."""
    for document in documents:
        if document.kind == "blueprint" and document.body.get("identifier") == LEDGER_BLUEPRINT:
            place = document.place(("identifier",))
            message = f"{LEDGER_BLUEPRINT} is where portcfg keeps its own record; specs can't have it"
            yield Problem(
                place.file, place.line, place.column, "PC804", message, "take it out, or give it another name"
            )
