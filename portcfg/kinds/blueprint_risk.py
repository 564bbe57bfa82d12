"""What a change of a blueprint costs its entities (facts: port-api.md §2.1, §7.12-13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portcfg.diff import field_changes, same
from portcfg.kinds.blueprint import SECTIONS, comparable
from portcfg.kinds.blueprint_moves import temporary
from portcfg.kinds.blueprint_renames import PROPERTIES, RELATIONS, renamed
from portcfg.kinds.risk_base import ENTITIES, AtLeast, Count, Impact, ReadBy, Reader, Risk, has_no_value, has_value
from portcfg.model import Body, Cause, Change, Migration, Move, Ref, State

# Section -> what a member is called, and the keys that decide its value.
COMPUTED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "mirrorProperties": ("mirror", ("path",)),
    "calculationProperties": ("calculation", ("calculation", "type", "format")),
    "aggregationProperties": ("aggregation", ("target", "calculationSpec", "query", "pathFilter")),
}
# Limit -> the operator that finds the values beyond it.
BOUNDS = {"minimum": "<", "exclusiveMinimum": "<=", "maximum": ">", "exclusiveMaximum": ">="}
LOWER_BOUNDS = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})
# Limits that no query of Port's can check, so all entities with a value may be concerned.
SIZES = ("minLength", "maxLength", "minItems", "maxItems")
SHAPES = ("pattern", "uniqueItems", "properties", "patternProperties", "additionalProperties", "required")
# What follows a rename in Port, in other blueprints, too (port-api.md §2.1).
FOLLOWING = frozenset({"mirror", "aggregation", "ownership"})
REMADE = "which Port refuses in place: it is dropped and added again, and loses the values of"
CONVERT = "a `migrate` beside it would keep them"


@dataclass(frozen=True)
class _Compared:
    """A change of a blueprint, both sides as they are compared."""

    change: Change
    before: Body
    after: Body
    read_by: ReadBy

    @property
    def name(self) -> str:
        """Where the entities are."""
        return (self.change.move.old if self.change.move else self.change.ref).identifier

    def members(self, *section: str) -> Iterator[tuple[str, Body | None, Body | None]]:
        """(name, before, after) of each member of a section in which a field differs."""
        old, new = _within(self.before, section), _within(self.after, section)
        for name in sorted(_touched(self.change, section, {*old, *new})):
            yield name, old.get(name), new.get(name)

    def count(self, *rules: Body) -> Count:
        return Count(self.name, tuple(map(self._before_renames, rules)))

    def _before_renames(self, rule: Body) -> Body:
        """A rule with the name that Port still has for what is to be renamed."""
        names = {(rename.section, rename.new): rename.old for rename in self.change.renames}
        for key, section in (("property", PROPERTIES), ("relation", RELATIONS)):
            if old := names.get((section, rule.get(key, ""))):
                return {**rule, key: old}
        return rule

    def migration(self, section: tuple[str, ...], name: str) -> Migration | None:
        """How the values of a part get where they are to be, if they can't stay."""
        parts = self.change.migrations
        return next((part for part in parts if (part.section, part.name) == (section, name)), None)

    def copied(self, section: tuple[str, ...], name: str) -> list[str]:
        """What a migration that was stopped had begun to copy into `name`: there, nothing is lost by dropping it."""
        return [each for each in _within(self.before, section) if temporary(each) == name]

    def gone(self, name: str) -> bool:
        """Whether nothing of that name is left, also not in another section."""
        sections = (PROPERTIES, ("relations",), *((section,) for section in COMPUTED))
        return not any(name in _within(self.after, section) for section in sections)

    def impact(self, risk: Risk, reason: str, count: Count | None = None, read: str | None = None) -> Impact:
        """An Impact, with the readers of the member `read`."""
        return Impact(risk, reason, count, () if read is None else self.read_by(self.change.ref, read))


def _within(body: Body, path: tuple[str, ...]) -> Body:
    for key in path:
        body = body.get(key) or {}
    return body


def _touched(change: Change, section: tuple[str, ...], all_names: set[str]) -> set[str]:
    """The members of a section that differ; where the whole section is one field, all of them."""
    depth, names = len(section), set()
    for difference in change.fields:
        path = difference.path
        if difference.cause is Cause.SERVER:
            continue
        if len(path) > depth and path[:depth] == section:
            names.add(str(path[depth]))
        elif path == section[: len(path)]:
            names |= all_names
    return names


def impacts(change: Change, state: State, read_by: ReadBy) -> Iterator[Impact]:
    """What the change costs entities, and what else it breaks."""
    if change.moved_away:
        return
    if change.after is None:
        count = Count(change.ref.identifier)
        yield Impact(Risk.DESTRUCTIVE, f"deletes {ENTITIES}", count, read_by(change.ref, ""))
        return
    if change.before is not None:
        here = replace(change, move=None)
        yield from _rename_impacts(here, state, read_by)
        yield from _changed(here, renamed(change.before, change.renames), change.after, read_by)
    if change.move is not None:
        yield from _moved(change, change.move, change.after, read_by)


def _changed(change: Change, before: Body, after: Body, read_by: ReadBy) -> Iterator[Impact]:
    compared = _Compared(change, comparable(before), comparable(after), read_by)
    yield from _property_impacts(compared)
    yield from _required_impacts(compared)
    yield from _relation_impacts(compared)
    yield from _computed_impacts(compared)
    if any(difference.path[0] in ("ownership", "teamInheritance") for difference in change.fields):
        yield Impact(Risk.BREAKING, f"changes who owns {ENTITIES}", compared.count())


def _moved(change: Change, move: Move, after: Body, read_by: ReadBy) -> Iterator[Impact]:
    """All entities move; what has no place in the new blueprint is lost with the old one."""
    yield Impact(Risk.SAFE, f"moves {ENTITIES} from {move.old}", Count(move.old.identifier))
    if readers := read_by(move.old, ""):
        yield Impact(Risk.BREAKING, f"leaves nothing at {move.old}", None, readers)
    if move.foreign:
        yield Impact(Risk.DESTRUCTIVE, f"{move.foreign}; one of the two is lost")
    before = {key: value for key, value in renamed(move.body, move.renames).items() if key in SECTIONS | after.keys()}
    fields = field_changes(comparable(before), comparable(after))
    moving = replace(change, fields=fields, renames=move.renames, migrations=move.parts)
    yield from _rename_impacts(moving, {}, read_by)
    yield from _changed(moving, before, after, read_by)


def _rename_impacts(change: Change, state: State, read_by: ReadBy) -> Iterator[Impact]:
    """Values survive a rename; what still reads the old name breaks, unless Port has it follow."""
    for rename in change.renames:
        readers = tuple(reader for reader in read_by(change.ref, rename.old) if not _follows(reader, state))
        if readers:
            yield Impact(Risk.BREAKING, f"renames `{rename.old}` to `{rename.new}`", None, readers)


def _follows(reader: Reader, state: State) -> bool:
    """Whether Port changes what reads a part that is renamed; where a spec has it, that would change it back."""
    if reader.what not in FOLLOWING:
        return False
    where = (
        reader.where.removeprefix("of blueprint/") if reader.what == "ownership" else reader.where.rpartition(".")[0]
    )
    owner = state.get(Ref("blueprint", where))
    return owner is not None and not owner.file


def _property_impacts(compared: _Compared) -> Iterator[Impact]:
    for name, old, new in compared.members(*PROPERTIES):
        if old is not None and new is None:
            reason, read = f"drops `{name}` from {ENTITIES}", name if compared.gone(name) else None
            rules = (has_value(name), *map(has_no_value, compared.copied(PROPERTIES, name)))
            yield compared.impact(Risk.DESTRUCTIVE, reason, compared.count(*rules), read)
        elif old is not None and new is not None:
            yield from _changed_property(compared, name, old, new)


def _changed_property(compared: _Compared, name: str, old: Body, new: Body) -> Iterator[Impact]:
    part = compared.migration(PROPERTIES, name)
    if part and part.converts:
        yield _converted(compared, part, old, new)
        return
    for key in ("type", "format"):
        if old.get(key) != new.get(key):
            was, now = old.get(key) or "none", new.get(key) or "none"
            reason = f"changes the {key} of `{name}` from {was} to {now}, {REMADE} {ENTITIES}: {CONVERT}"
            yield compared.impact(Risk.DESTRUCTIVE, reason, compared.count(has_value(name)), name)
            return
    for reason, rules in (*_narrowed(name, old, new), *_tightened(name, old, new)):
        yield compared.impact(Risk.BREAKING, reason, compared.count(*rules))


def _converted(compared: _Compared, part: Migration, old: Body, new: Body) -> Impact:
    """How values get another type, and how many of them don't."""
    was, now = _type(old), _type(new)
    reason = f"converts `{part.source}` of {ENTITIES} from {was} to {now}"
    count, readers = compared.count(has_value(part.name)), compared.read_by(compared.change.ref, part.name)
    if part.lost == 0:
        return Impact(Risk.BREAKING if readers else Risk.SAFE, reason, count, readers)
    if part.lost is None:
        return Impact(Risk.DESTRUCTIVE, f"{reason}; how many would lose theirs isn't known", count, readers)
    least = "at least " if isinstance(part.lost, AtLeast) else ""
    lost = f"{least}{part.lost:,} would lose theirs (e.g. {part.example})"
    return Impact(Risk.DESTRUCTIVE, f"{reason}; {lost}", count, readers)


def _type(body: Body) -> str:
    of = f" of {items}" if (items := (body.get("items") or {}).get("type")) else ""
    return " ".join(filter(None, (body.get("format"), body.get("type")))) + of


def _narrowed(name: str, old: Body, new: Body) -> Iterator[tuple[str, tuple[Body, ...]]]:
    """The enum of a property, or of its items, that has lost values or is new."""
    if _lost(old, new):
        rule = {"property": name, "operator": "notIn", "value": new["enum"]}
        yield f"narrows the enum of `{name}`: {ENTITIES} outside of it", (has_value(name), rule)
    old_items, new_items = old.get("items") or {}, new.get("items") or {}
    if lost := _lost(old_items, new_items):
        # No rule finds lists with one value outside; those that hold a value of the old enum can be found.
        rule = {"property": name, "operator": "containsAny", "value": lost} if "enum" in old_items else has_value(name)
        yield f"narrows the enum of the items of `{name}`: {ENTITIES} concerned", (rule,)
    keys = ("type", "format", "pattern")
    if any(new_items.get(key) not in (None, old_items.get(key)) for key in keys):
        yield f"changes what items `{name}` takes: {ENTITIES} with a value may be refused", (has_value(name),)


def _lost(old: Body, new: Body) -> list[Any]:
    """The values of an enum that are no longer in it; of a new enum all values, as any other may be in use."""
    if not new.get("enum"):
        return []
    kept: list[Any] = new["enum"]
    return [value for value in old["enum"] if value not in kept] if old.get("enum") else kept


def _tightened(name: str, old: Body, new: Body) -> Iterator[tuple[str, tuple[Body, ...]]]:
    for key in (*BOUNDS, *SIZES):
        if _tighter(key, old.get(key), new.get(key)):
            was = f"from {old[key]} to" if key in old else "to"
            if key in BOUNDS:
                rule = {"property": name, "operator": BOUNDS[key], "value": new[key]}
                yield f"tightens {key} of `{name}` {was} {new[key]}: {ENTITIES} beyond it", (rule,)
            else:
                reason = f"tightens {key} of `{name}` {was} {new[key]}: {ENTITIES} with a value may be refused"
                yield reason, (has_value(name),)
    for key in SHAPES:
        if new.get(key) not in (None, False) and not same(old.get(key), new.get(key)):
            yield f"changes {key} of `{name}`: {ENTITIES} with a value may be refused", (has_value(name),)
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"closes `{name}` to other keys: {ENTITIES} with a value may be refused", (has_value(name),)


def _tighter(key: str, old: Any, new: Any) -> bool:
    if new is None or old == new:
        return False
    return old is None or bool(new > old if key in LOWER_BOUNDS else new < old)


def _required_impacts(compared: _Compared) -> Iterator[Impact]:
    old, new = compared.before["schema"], compared.after["schema"]
    for name in sorted({*new.get("required", ())} - {*old.get("required", ())}):
        # Port can't search by a property that it doesn't have yet; no entity has a value in it.
        rules = (has_no_value(name),) if name in old["properties"] else ()
        yield compared.impact(Risk.BREAKING, f"requires `{name}`: {ENTITIES} without it", compared.count(*rules))


def _relation_impacts(compared: _Compared) -> Iterator[Impact]:
    for name, old, new in compared.members("relations"):
        # Only the search in one blueprint knows rules of this kind.
        linked = compared.count(
            {"relation": name, "operator": "isNotEmpty"}, *_unlinked(compared.copied(RELATIONS, name))
        )
        if new is None:
            yield compared.impact(Risk.DESTRUCTIVE, f"drops the relation `{name}` from {ENTITIES}", linked, name)
            continue
        if old is not None:
            reason, part = _redirected(name, old, new), compared.migration(RELATIONS, name)
            if reason and part and part.jq:
                readers = compared.read_by(compared.change.ref, name)
                risk = Risk.BREAKING if readers and old.get("target") == new.get("target") else Risk.SAFE
                yield Impact(risk, f"{reason}, with all that {ENTITIES} have in it", linked, readers)
            elif reason:
                yield compared.impact(Risk.DESTRUCTIVE, f"{reason}, which drops it from {ENTITIES}", linked, name)
        if new.get("required") and not (old or {}).get("required"):
            rules = ({"relation": name, "operator": "isEmpty"},) if old is not None else ()
            reason = f"requires the relation `{name}`: {ENTITIES} without it"
            yield compared.impact(Risk.BREAKING, reason, compared.count(*rules))


def _unlinked(names: list[str]) -> list[Body]:
    return [{"relation": name, "operator": "isEmpty"} for name in names]


def _redirected(name: str, old: Body, new: Body) -> str:
    if old.get("target") != new.get("target"):
        return f"turns the relation `{name}` from {old.get('target')} to {new.get('target')}"
    if bool(old.get("many")) is not bool(new.get("many")):
        was, now = ("many", "one") if old.get("many") else ("one", "many")
        return f"turns the relation `{name}` from {was} to {now}"
    return ""


def _computed_impacts(compared: _Compared) -> Iterator[Impact]:
    """Computed values hold no data of their own; they matter to those who read them."""
    for section, (what, keys) in COMPUTED.items():
        for name, old, new in compared.members(section):
            changed = old is not None and new is not None and any(not same(old.get(key), new.get(key)) for key in keys)
            removed = old is not None and new is None and compared.gone(name)
            if not changed and not removed:
                continue
            verb = "removes" if removed else "changes"
            impact = compared.impact(Risk.BREAKING, f"{verb} the {what} `{name}`", None, name)
            if impact.readers:
                yield impact
