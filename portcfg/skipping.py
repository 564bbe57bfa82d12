"""What goes along with what was left out for want of a target: members of other blueprints that need it, too. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from portcfg.kinds.risk_base import Part, Reader
from portcfg.model import Body, Ref, Resource, State
from portcfg.risk import READS

# What a reader is called -> the section that holds it.
SECTIONS: Mapping[str, str] = {
    "mirror": "mirrorProperties",
    "calculation": "calculationProperties",
    "aggregation": "aggregationProperties",
}
OWNERSHIP = "ownership"


def dropped(before: Body, after: Body) -> Iterator[str]:
    """The keys of `before`, and the members of its mappings, that `after` lacks."""
    for key, value in before.items():
        if key not in after:
            yield key
        elif isinstance(value, dict):
            yield from (f"{key}.{name}" for name in value if name not in after[key])


def followed(desired: State, resolved: State) -> tuple[State, dict[Ref, tuple[str, ...]]]:
    """`resolved` less all that reads, over however many blueprints, what it lacks of `desired`; and notes on that."""
    state, notes = dict(resolved), dict[Ref, tuple[str, ...]]()
    gone = {part for ref in resolved for part in _gone(desired[ref], resolved[ref])}
    while found := {(ref, reader): part for ref, part, reader in _readers(state, gone)}:
        for (ref, reader), part in found.items():
            path = _path(ref, reader)
            state[ref] = _less(state[ref], path)
            gone.add((ref, path[-1]))
            why = f"left out, since `{part[1]}` of {part[0]} is (missing: skip): {'.'.join(path)}"
            notes[ref] = (*notes.get(ref, ()), why)
    return state, notes


def _gone(before: Resource, after: Resource) -> Iterator[Part]:
    for path in dropped(before.body, after.body) if after is not before else ():
        yield before.ref, path.partition(".")[2] or path


def _readers(state: State, gone: set[Part]) -> Iterator[tuple[Ref, Part, Reader]]:
    """What of `state` reads something that is gone, as far as a blueprint can do without it."""
    for ref, resource in state.items() if gone else ():
        for part, reader in READS[ref.kind](resource, state):
            if part in gone and (reader.what in SECTIONS or reader.what == OWNERSHIP):
                yield ref, part, reader


def _path(ref: Ref, reader: Reader) -> tuple[str, ...]:
    name = reader.where.removeprefix(f"{ref.identifier}.")
    return (SECTIONS[reader.what], name) if reader.what in SECTIONS else (OWNERSHIP,)


def _less(resource: Resource, path: tuple[str, ...]) -> Resource:
    section = resource.body[path[0]]
    body = {key: value for key, value in resource.body.items() if key != path[0]}
    if len(path) > 1:
        body[path[0]] = {name: part for name, part in section.items() if name != path[1]}
    return replace(resource, body=body)
