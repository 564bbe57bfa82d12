"""What a change of a blueprint costs its entities (facts: port-api.md §2.1, §7.12-13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg.diff import same
from portcfg.kinds.blueprint import comparable
from portcfg.kinds.blueprint_renames import PROPERTIES, RELATIONS, renamed
from portcfg.kinds.risk_base import ENTITIES, Count, Impact, ReadBy, Risk, has_no_value, has_value
from portcfg.model import Body, Cause, Change, State

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
REMADE = "which Port refuses while it is there; to drop it and add it again loses the values of"


@dataclass(frozen=True)
class _Compared:
    """A change of a blueprint, both sides as they are compared."""

    change: Change
    before: Body
    after: Body
    read_by: ReadBy

    @property
    def name(self) -> str:
        return self.change.ref.identifier

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


def impacts(change: Change, _: State, read_by: ReadBy) -> Iterator[Impact]:
    """What the change costs entities, and what else it breaks."""
    if change.before is None:
        return
    if change.after is None:
        count = Count(change.ref.identifier)
        yield Impact(Risk.DESTRUCTIVE, f"deletes {ENTITIES}", count, read_by(change.ref, ""))
        return
    before = renamed(change.before, change.renames)
    compared = _Compared(change, comparable(before), comparable(change.after), read_by)
    yield from _rename_impacts(compared)
    yield from _property_impacts(compared)
    yield from _required_impacts(compared)
    yield from _relation_impacts(compared)
    yield from _computed_impacts(compared)
    if any(difference.path[0] in ("ownership", "teamInheritance") for difference in change.fields):
        yield Impact(Risk.BREAKING, f"changes who owns {ENTITIES}", compared.count())


def _rename_impacts(compared: _Compared) -> Iterator[Impact]:
    """Values survive a rename; what still reads the old name breaks."""
    for rename in compared.change.renames:
        reason = f"renames `{rename.old}` to `{rename.new}`"
        impact = compared.impact(Risk.BREAKING, reason, None, rename.old)
        if impact.readers:
            yield impact


def _property_impacts(compared: _Compared) -> Iterator[Impact]:
    for name, old, new in compared.members(*PROPERTIES):
        if old is not None and new is None:
            reason, read = f"drops `{name}` from {ENTITIES}", name if compared.gone(name) else None
            yield compared.impact(Risk.DESTRUCTIVE, reason, compared.count(has_value(name)), read)
        elif old is not None and new is not None:
            yield from _changed_property(compared, name, old, new)


def _changed_property(compared: _Compared, name: str, old: Body, new: Body) -> Iterator[Impact]:
    for key in ("type", "format"):
        if old.get(key) != new.get(key):
            was, now = old.get(key) or "none", new.get(key) or "none"
            reason = f"changes the {key} of `{name}` from {was} to {now}, {REMADE} {ENTITIES}"
            yield compared.impact(Risk.DESTRUCTIVE, reason, compared.count(has_value(name)), name)
            return
    for reason, rules in (*_narrowed(name, old, new), *_tightened(name, old, new)):
        yield compared.impact(Risk.BREAKING, reason, compared.count(*rules))


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
        linked = compared.count({"relation": name, "operator": "isNotEmpty"})
        if new is None:
            yield compared.impact(Risk.DESTRUCTIVE, f"drops the relation `{name}` from {ENTITIES}", linked, name)
            continue
        if old is not None:
            reason = _redirected(name, old, new)
            if reason:
                yield compared.impact(Risk.DESTRUCTIVE, f"{reason}, which drops it from {ENTITIES}", linked, name)
        if new.get("required") and not (old or {}).get("required"):
            rules = ({"relation": name, "operator": "isEmpty"},) if old is not None else ()
            reason = f"requires the relation `{name}`: {ENTITIES} without it"
            yield compared.impact(Risk.BREAKING, reason, compared.count(*rules))


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
