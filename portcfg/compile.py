"""Documents -> desired State: each kind's short form becomes Port's own JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from portcfg.errors import InvalidSpecsError, Problem
from portcfg.kinds import KINDS
from portcfg.kinds.base import STAMPS
from portcfg.model import Document, Project, Ref, Resource, State
from portcfg.skipping import dropped, followed


def compile_specs(documents: Sequence[Document], project: Project) -> State:
    """What the specs want, in order of kind and identifier. The documents must have passed `validate`."""
    resources = [_compiled(document, project) for document in documents]
    by_level = sorted(resources, key=lambda resource: (KINDS[resource.ref.kind].level, resource.ref))
    return {resource.ref: resource for resource in by_level}


def _compiled(document: Document, project: Project) -> Resource:
    kind = KINDS[document.kind]
    renaming, spec = kind.renaming, document.body
    body = kind.compile(document.body, project)
    # Port's stamps come along when JSON is copied from Port; `id` is a widget's or page's own only further down.
    body = {key: value for key, value in body.items() if key not in STAMPS}
    names = renaming.asked(spec), renaming.was(spec), renaming.migrate(spec)
    return Resource(Ref(kind.name, body[kind.id_field]), body, document.file, *names)


def resolve_external(desired: State, live: Iterable[Ref], project: Project) -> tuple[State, dict[Ref, tuple[str, ...]]]:
    """`desired` as far as Port has what it refers to, and notes on what was left out of which resource.

    A missing target is left out where the project says `missing: skip`, by the kinds that can do without it, and so is
    what other blueprints read of it by their paths; raises InvalidSpecsError for all others.
    """
    known_live = set(live)
    known = known_live | set(desired)
    problems: list[Problem] = []
    resolved: dict[Ref, Resource] = {}
    notes: dict[Ref, tuple[str, ...]] = {}
    for ref, resource in desired.items():
        if KINDS[ref.kind].system(ref.identifier) and ref not in known_live:
            problems.append(_not_ports_own(resource))
        missing = sorted({target for _, target in KINDS[ref.kind].references(resource.body) if target not in known})
        for target in missing:
            if project.external.get(target) == "skip":
                resource, note = _without(resource, target)
                notes[ref] = (*notes.get(ref, ()), note)
            else:
                problems.append(_missing(resource, target, project))
        resolved[ref] = resource
    if problems:
        raise InvalidSpecsError(sorted(problems))
    whole, more = followed(desired, resolved)
    return whole, {ref: (*notes.get(ref, ()), *more.get(ref, ())) for ref in (*notes, *more)}


def _without(resource: Resource, target: Ref) -> tuple[Resource, str]:
    """The resource less what needs `target`, and the note that says so."""
    without = KINDS[resource.ref.kind].without
    name = f"{target.kind} {target.identifier!r}"
    if without is None:
        note = f"refers to the {name}, which Port doesn't have: nothing shows of it until it does (missing: skip)"
        return resource, note
    body = without(resource.body, target)
    lost = ", ".join(dropped(resource.body, body))
    note = f"left out, since Port has no {name} (missing: skip): {lost}"
    return replace(resource, body=body), note


def _not_ports_own(resource: Resource) -> Problem:
    message = f"{resource.ref} is one of Port's own, and this Port doesn't have it"
    return Problem(resource.file, 0, 0, "PC802", message, "identifiers that begin with _ can only be extended")


def _missing(resource: Resource, target: Ref, project: Project) -> Problem:
    folder = KINDS[target.kind].folder
    hint = f"create it in Port first, or let {project.file} say external.{folder}.{target.identifier}.missing: skip"
    message = f"{resource.ref} refers to the {target.kind} {target.identifier!r}, which Port doesn't have"
    return Problem(resource.file, 0, 0, "PC801", message, hint)
