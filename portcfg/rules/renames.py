"""What can't be renamed or migrated, whatever Port holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.kinds import KINDS
from portcfg.model import Document, Project, Ref
from portcfg.rules.jqtext import jq_mistake
from portcfg.rules.names import ref_of

# `$ENV` and `env`, but not `.env` and "env".
ENVIRONMENT = re.compile(r"\$ENV\b|(?<![\w.$\"])env(?![\w\"])")


def rename_problems(shaped: Sequence[Document], documents: Sequence[Document], _: Project) -> Iterator[Problem]:
    """PC205 a whole resource renamed from what the specs still have, or twice; PC207 a `migrate` that doesn't compile."""
    known = {ref_of(document) for document in documents}
    first: dict[Ref, Ref] = {}
    for document in shaped:
        for name, text in KINDS[document.kind].renaming.migrate(document.body).items():
            mistake = jq_mistake(text)
            if mistake or ENVIRONMENT.search(text):
                place = document.place(("schema", "properties", name, "migrate"))
                why = f"isn't valid jq: {mistake}" if mistake else "reads the environment, which Port doesn't have"
                yield Problem(place.file, place.line, place.column, "PC207", f"the migrate of {name!r} {why}", "")
        if finding := _finding(document, known, first):
            place = document.place(("renamed_from",))
            yield Problem(place.file, place.line, place.column, "PC205", *finding)


def _finding(document: Document, known: set[Ref], first: dict[Ref, Ref]) -> tuple[str, str] | None:
    kind, ref = KINDS[document.kind], ref_of(document)
    if not (was := kind.renaming.was(document.body)):
        return None
    old = Ref(kind.name, was)
    if kind.system(ref.identifier) or kind.system(was):
        return f"{ref} is renamed from {was!r}, and Port's own can't be renamed", "remove renamed_from"
    if old in known:
        return f"{ref} is renamed from {was!r}, which the specs still have", "remove one of the two"
    if (other := first.setdefault(old, ref)) != ref:
        return f"{other} and {ref} are both renamed from {was!r}", "only one can get its entities"
    return None
