"""PC704-PC708: parents and siblings in the sidebar are there, and make a tree that Port takes."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence

from portcfg.errors import Problem
from portcfg.kinds import KINDS
from portcfg.model import Body, Document, Project, Ref

Finding = tuple[str, str, str, str]
# Port's own limit (port-api.md §2.8).
MAX_LEVELS = 3
IN_SIDEBAR = tuple(kind.name for kind in KINDS.values() if kind.parents)
FOLDERS = tuple(kind.name for kind in KINDS.values() if kind.parents == (kind.name,))


def place_problems(shaped: Sequence[Document], documents: Sequence[Document], project: Project) -> Iterator[Problem]:
    """PC704 a parent or sibling that isn't known, PC705 a sibling below another parent, PC706 what comes after, or stands
    below, itself, PC707 folders too deep, PC708 a folder and a page of one identifier."""
    known = {_ref(document) for document in documents} | set(project.external)
    bodies = {_ref(document): document.body for document in shaped if KINDS[document.kind].parents}
    for document in shaped:
        if document.kind in IN_SIDEBAR:
            for key, id_, message, hint in _findings(_ref(document), known, bodies, project):
                place = document.place((key,))
                yield Problem(place.file, place.line, place.column, id_, message, hint)


def _ref(document: Document) -> Ref:
    return Ref(document.kind, str(document.body.get("identifier", "")))


def _findings(ref: Ref, known: Collection[Ref], bodies: Mapping[Ref, Body], project: Project) -> Iterator[Finding]:
    body = bodies[ref]
    for key, kinds in (("parent", KINDS[ref.kind].parents), ("after", IN_SIDEBAR)):
        name = body.get(key)
        if name and not any(Ref(kind, name) in known for kind in kinds):
            yield _unknown(key, name, kinds, known, project)
        elif name and _leads_back(ref, key, bodies):
            yield key, "PC706", f"{ref} can't be placed by `{key}: {name}`, which leads back to it", "break the circle"
    sibling = _named(body.get("after"), IN_SIDEBAR, bodies)
    if sibling and "parent" in body and "parent" in bodies[sibling] and bodies[sibling]["parent"] != body["parent"]:
        message = f"{ref} is to come after {sibling.identifier!r}, which has another parent"
        yield "after", "PC705", message, "give both the same `parent`"
    if ref.kind in FOLDERS and len(levels := _levels(ref, bodies)) > MAX_LEVELS:
        message = f"{' > '.join(reversed(levels))} are {len(levels)} levels of folders"
        yield "parent", "PC707", message, f"Port takes {MAX_LEVELS}"
    twin = next((Ref(kind, ref.identifier) for kind in FOLDERS if kind != ref.kind), None)
    if twin in bodies:
        yield "identifier", "PC708", f"{twin} has the same identifier", "Port's sidebar has one item of each"


def _unknown(key: str, name: str, kinds: Sequence[str], known: Collection[Ref], project: Project) -> Finding:
    names = [ref.identifier for ref in known if ref.kind in kinds]
    guess = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {guess[0]!r}? " if guess else ""
    folders = " or ".join(f"external.{KINDS[kind].folder}" for kind in kinds)
    what = " or ".join(kinds)
    hint += f"if it lives only in Port, declare it in {project.file} under {folders}"
    return key, "PC704", f"there is no {what} {name!r} in the specs", hint


def _named(name: object, kinds: Sequence[str], bodies: Mapping[Ref, Body]) -> Ref | None:
    return (
        next((Ref(kind, name) for kind in kinds if Ref(kind, name) in bodies), None) if isinstance(name, str) else None
    )


def _leads_back(ref: Ref, key: str, bodies: Mapping[Ref, Body]) -> bool:
    seen: set[Ref] = set()
    now = _named(bodies[ref].get(key), IN_SIDEBAR, bodies)
    while now and now not in seen:
        seen.add(now)
        now = _named(bodies[now].get(key), IN_SIDEBAR, bodies)
    return ref in seen


def _levels(ref: Ref, bodies: Mapping[Ref, Body]) -> list[str]:
    """The folder and those above it, as far as they are known."""
    levels, now = [ref.identifier], bodies[ref].get("parent")
    while now and now not in levels:
        levels.append(now)
        now = bodies.get(Ref(ref.kind, now), {}).get("parent")
    return levels
