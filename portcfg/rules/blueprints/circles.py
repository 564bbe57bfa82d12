"""PC209: mirrors or calculations that lead back to themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from portcfg.cycles import grouped
from portcfg.model import Ref
from portcfg.rules.blueprints.calculations import calculations
from portcfg.rules.blueprints.ways import members
from portcfg.rules.fields import SECTIONS, follow
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# A field as a Ref: the section in place of the kind, `blueprint.name` in place of the identifier.
Needs = Mapping[Ref, set[Ref]]


def check(portal: Portal) -> Iterator[Found]:
    """Nothing ever puts a value in. One over aggregations, or over both, ends where an entity has no more relatives."""
    for needs in (_mirrors(portal), _calculations(portal)):
        for group in grouped({ref: needed for ref, needed in needs.items() if needed & needs.keys()}):
            first, *others = group
            if others or first in needs[first]:
                yield _found(portal, first, [*others, first])


def _found(portal: Portal, first: Ref, others: list[Ref]) -> Found:
    blueprint, name = _split(first)
    what = first.kind
    path = (*SECTIONS[what], name)
    if len(others) == 1:
        message = f"the {what} {name!r} leads to itself"
    else:
        way = ", ".join(each.identifier for each in others[:-1])
        message = f"the {what} {name!r} leads back to itself, by way of {way}"
    return Found(portal.blueprints[blueprint], path, message, "one of them has to read a property")


def _ref(what: str, blueprint: str, name: str) -> Ref:
    return Ref(what, f"{blueprint}.{name}")


def _split(ref: Ref) -> tuple[str, str]:
    """Names of parts have no dots."""
    blueprint, _, name = ref.identifier.rpartition(".")
    return blueprint, name


def _mirrors(portal: Portal) -> Needs:
    found: dict[Ref, set[Ref]] = {}
    for document, name, mirror in members(portal, SECTIONS["mirror"]):
        *relations, last = mirror["path"].split(".")
        end = follow(document.ref.identifier, relations, portal.shapes).end
        found[_ref("mirror", document.ref.identifier, name)] = {_ref("mirror", end, last)}
    return found


def _calculations(portal: Portal) -> Needs:
    found: dict[Ref, set[Ref]] = {}
    for each in calculations(portal):
        own = each.document.ref.identifier
        used = {name for section, name in each.reads if section == "properties"}
        found[_ref("calculation", own, each.name)] = {_ref("calculation", own, name) for name in used}
    return found


RULE = Rule("PC209", check)
