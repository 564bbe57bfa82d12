"""Values that move: into a property of another type, a relation to another blueprint, a blueprint of another name.

Port changes none of these in place (port-api.md §2.1: `type` is permanent, forbidden_format_change). What it has are
migrations (§2.2), which fill one part of entities from others by jq. A part moves by way of a temporary one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portcfg.kinds.base import Renaming, members_of, unmanaged
from portcfg.kinds.blueprint_aside import AGGREGATIONS, SECTIONS, less, standing, without_part
from portcfg.kinds.blueprint_loose import MARK, is_marked, loose, loose_property, marked
from portcfg.kinds.blueprint_renames import PROPERTIES, RELATIONS, asked, renamed, request, rules, was, with_members
from portcfg.model import Body, Change, Migration, Move, Path, Ref, Rename, Resource, State

MIGRATE = "migrate"
TEMPORARY = "_portcfg_"
# jq that sees nothing but one property: what comes after the pipe has that alone.
ONE_PROPERTY = re.compile(r"\s*\.properties\.([A-Za-z_]\w*)\??\s*(?:\|.*)?", re.DOTALL)
# What a property's values depend on, and Port never changes.
FIXED = ("type", "format")
ENTITY_KEYS = ("identifier", "title", "icon", "team")

Pairs = Mapping[str, str]
"""Blueprints that are renamed in the same plan: old identifier -> new."""


def asked_migrations(spec: Body) -> dict[str, str]:
    """The jq that a spec has beside its properties."""
    members = members_of(spec, PROPERTIES)
    return {name: member[MIGRATE] for name, member in members.items() if isinstance(member, dict) and MIGRATE in member}


def temporary(name: str) -> str:
    """What a part is called until the one that it replaces is gone. Port takes 100 characters."""
    return TEMPORARY + (name if len(name) <= 80 else hashlib.sha256(name.encode()).hexdigest()[:32])


def left_over(live: Body, desired: Body) -> tuple[Rename, ...]:
    """What an interrupted migration has left to rename: the temporary part has the values, and its name is free."""
    return tuple(
        Rename(section, temporary(name), name)
        for section in (PROPERTIES, RELATIONS)
        for name in members_of(desired, section)
        if temporary(name) in (held := members_of(live, section)) and name not in held
    )


def migrations(
    live: Body, desired: Body, jqs: Mapping[str, str], renames: Sequence[Rename], pairs: Pairs
) -> tuple[Migration, ...]:
    """The parts of `live` whose values have to move before `desired` can be written."""
    parts = _parts(live, desired, jqs, renames, pairs)
    return tuple(part for part, old, new in parts if _must_move(part, old, new))


def moving(
    old: Body, desired: Body, jqs: Mapping[str, str], renames: Sequence[Rename], pairs: Pairs
) -> tuple[Migration, ...]:
    """All parts of the blueprint `old` whose values have a place in the blueprint that takes its place."""
    return tuple(part for part, *_ in _parts(old, desired, jqs, renames, pairs) if part.jq)


def _parts(
    live: Body, desired: Body, jqs: Mapping[str, str], renames: Sequence[Rename], pairs: Pairs
) -> Iterator[tuple[Migration, Body, Body]]:
    """(part, what it is, what it is to be) of each property and relation that is on both sides."""
    sources = {(rename.section, rename.new): rename.old for rename in renames}
    for section in (PROPERTIES, RELATIONS):
        held = members_of(live, section)
        for name, new in members_of(desired, section).items():
            source = sources.get((section, name), name)
            if source in held:
                shape = _relation if section == RELATIONS else _property
                yield shape(source, name, held[source], new, jqs, pairs), held[source], new


def _property(source: str, name: str, old: Body, new: Body, jqs: Mapping[str, str], _: Pairs) -> Migration:
    if name in jqs and not _same_values(old, new):
        own = ONE_PROPERTY.fullmatch(jqs[name])
        careful = _careful(source, new, jqs[name])
        return Migration(PROPERTIES, source, name, careful, converts=True, reads=(own[1],) if own else ())
    jq = "" if _fixed(old) != _fixed(new) else f".properties[{json.dumps(source)}]"
    return Migration(PROPERTIES, source, name, jq, reads=(source,))


def _careful(source: str, shape: Body, jq: str) -> str:
    """A spec's jq so that it costs an entity this value at most: Port refuses all of one with an error in it."""
    allowed = f"and any({json.dumps(shape['enum'])}[]; . == $new) " if shape.get("enum") else ""
    # A comment at its end would swallow what follows on the line.
    tried = f"(try [limit(1; ({jq}\n))][0] catch null) as $new"
    fits = f"if ($new | type) == {json.dumps(shape.get('type'))} {allowed}then $new else null end"
    return f".properties[{json.dumps(source)}] as $old | if $old == null then null else {tried} | {fits} end"


def _relation(source: str, name: str, old: Body, new: Body, _: Mapping[str, str], pairs: Pairs) -> Migration:
    was, now = old.get("target"), new.get("target")
    late = now in pairs.values()
    jq = f".relations[{json.dumps(source)}]"
    if now not in (was, pairs.get(str(was))) or (old.get("many") and not new.get("many")):
        jq = ""
    elif new.get("many") and not old.get("many"):
        jq = f"[{jq} | select(. != null)]"
    return Migration(RELATIONS, source, name, jq, late=late, reads=(source,))


def _must_move(part: Migration, old: Body, new: Body) -> bool:
    if part.section == PROPERTIES:
        return not part.jq or part.converts
    # One that loses what it names is written as it is: Port takes that.
    return bool(part.jq) and (old.get("target"), bool(old.get("many"))) != (new.get("target"), bool(new.get("many")))


def _fixed(body: Body) -> list[Any]:
    return [body.get(key) or None for key in FIXED]


def _same_values(old: Body, new: Body) -> bool:
    """Whether a property keeps its type, its format and the type of its items."""
    items = [(body.get("items") or {}).get("type") for body in (old, new)]
    return _fixed(old) == _fixed(new) and (None in items or items[0] == items[1])


def without_temporaries(live: Body, parts: Sequence[Migration]) -> Body:
    """`live` less the mark and the copies: of what the migrations still to be made have begun, and of what is there."""
    for section in (PROPERTIES, RELATIONS):
        members = members_of(live, section)
        names = {*members, *(part.name for part in parts if part.section == section)}
        copies = {MARK, *map(temporary, names)} & members.keys()
        live = with_members(live, section, less(members, copies)) if copies else live
    return live


def is_stopped(live: Body) -> bool:
    """Whether an apply has been stopped while values moved: there is its mark, or a copy that it began."""
    sections = [members_of(live, section) for section in (PROPERTIES, RELATIONS)]
    return is_marked(live) or any(temporary(name) in members for members in sections for name in members)


def under_way(body: Body) -> Body:
    """The form of a body while values move."""
    return marked(loose(body))


def with_temporary(live: Body, desired: Body, part: Migration) -> Body:
    """The body to PUT that adds the temporary part: as the specs have it, but for what could refuse entities."""
    shape = members_of(desired, part.section)[part.name]
    shape = {**shape, "required": False} if part.section == RELATIONS else loose_property(shape)
    members = {**members_of(live, part.section), temporary(part.name): shape}
    return with_members(unmanaged(live, ()), part.section, members)


def losers(changes: Sequence[Change], state: State) -> Iterator[tuple[Ref, list[str]]]:
    """(blueprint, names) of what steps aside while values move and stands in no spec: nothing would bring it back.

    `changes` come in the order in which their values move, `state` is what Port holds before.
    """
    state = dict(state)
    for change in changes:
        if change.before is not None and (change.migrations or change.renames):
            rest = _prepared(change, state)
            state[change.ref] = Resource(change.ref, rest)
            if lost := _unrestored(change.before, rest, change.after or {}):
                yield change.ref, lost


def _prepared(change: Change, state: State) -> Body:
    """What Port will hold of a blueprint once its values have moved, still under their old names."""
    left = [rename for rename in change.renames if rename.old == temporary(rename.new)]
    body = renamed(change.before or {}, left)
    body = standing(body, state) if change.migrations else body
    for part in change.migrations:
        body = without_part(body, part.section, part.source, state)
        if part.jq:
            # What reads it finds it again, whatever it is called by then.
            again = {name: members_of(change.after, part.section)[part.name] for name in (part.source, part.name)}
            body = with_members(body, part.section, {**members_of(body, part.section), **again})
    return body


def _unrestored(before: Body, rest: Body, desired: Body) -> list[str]:
    lost: list[str] = []
    for section in ("aggregationProperties", "ownership"):
        gone = sorted(members_of(before, (section,)).keys() - members_of(rest, (section,)).keys())
        if gone and section not in desired:
            lost += [section] if section == "ownership" else [f"{section}.{name}" for name in gone]
    return lost


def name_holders(live: Body, rename: Rename) -> list[Path]:
    """The computed sections in which a name is taken that a rename gives away: Port keeps them with properties."""
    sections = (SECTIONS["mirror"], SECTIONS["calculation"])
    return [] if rename.section == RELATIONS else [each for each in sections if rename.new in members_of(live, each)]


def moved(body: Body, pairs: Pairs) -> Body:
    """A blueprint under its new name: what it has of itself, and of others that are renamed with it, follows."""
    body = {**body, "identifier": pairs.get(str(body.get("identifier")), body.get("identifier"))}
    for section in (RELATIONS, AGGREGATIONS):
        members = members_of(body, section)
        if members:
            followed = {
                name: {**part, "target": pairs.get(part["target"], part["target"])} for name, part in members.items()
            }
            body = with_members(body, section, followed)
    return body


def opening(move: Move, desired: Body) -> Body:
    """The first form of a renamed blueprint: whatever takes values, and nothing that could refuse an entity."""
    parts = {
        section: {part.name for part in move.parts if part.section == section} for section in (PROPERTIES, RELATIONS)
    }
    properties = members_of(desired, PROPERTIES)
    relations = members_of(desired, RELATIONS)
    form = {
        **{key: desired[key] for key in ("identifier", "title", "icon", "description") if desired.get(key)},
        "schema": {"properties": {name: properties[name] for name in properties if name in parts[PROPERTIES]}},
        "relations": {name: relations[name] for name in relations if name in parts[RELATIONS]},
    }
    return under_way(form)


def opened(live: Body, form: Body) -> Body:
    """The body to PUT over a blueprint that is there already, so that it takes what moves in."""
    body = unmanaged(live, ())
    for section in (PROPERTIES, RELATIONS):
        body = with_members(body, section, {**members_of(form, section), **members_of(live, section)})
    return under_way(body)


def own_mapping(part: Migration) -> Body:
    """The mapping of the migration that fills a temporary part, of the entities with a value (port-api.md §2.2)."""
    key = str(part.section[-1])
    return {
        "filter": f".{key}[{json.dumps(part.source)}] | . != null and . != []",
        "entity": {key: {temporary(part.name): part.jq}},
    }


def move_mapping(move: Move, desired: Body, *, late: bool) -> Body:
    """The mapping of the migration that moves entities, with or without the relations that must wait."""
    # Entities that inherit their teams take none (port-api.md §7.36).
    inherits = (desired.get("ownership") or {}).get("type") == "Inherited"
    entity: Body = {key: f".{key}" for key in ENTITY_KEYS if not (key == "team" and inherits)}
    for part in move.parts:
        if late or not part.late:
            entity.setdefault(str(part.section[-1]), {})[part.name] = part.jq
    return {"blueprint": move.new.identifier, "entity": entity}


RENAMING = Renaming(
    asked=asked,
    renamed=renamed,
    request=request,
    rules=rules,
    was=was,
    migrate=asked_migrations,
    migrations=migrations,
    moving=moving,
    left_over=left_over,
    without_temporaries=without_temporaries,
    moved=moved,
    losers=losers,
    stopped=is_stopped,
    loose=loose,
)
