"""PC321: required properties and relations that no mapping writes, of a blueprint that one fills."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.fields import Shape
from portcfg.rules.mappings.configs import configs, gently
from portcfg.rules.mappings.unknown_names import known
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.written import Written


def check(portal: Portal) -> Iterator[Found]:
    """Told at the blueprint's name in the first resource that makes such entities."""
    if any(not written.blueprint for written in portal.written):
        # That one may write whatever is missing.
        return
    filled = {
        (blueprint, name)
        for config in configs(portal)
        for blueprint, names in (config.body.get("fill") or {}).items()
        for name in names
    }
    given = {(each.blueprint, each.section, each.name) for each in portal.written}
    given |= {(blueprint, "properties", name) for blueprint, name in filled}
    for blueprint, makers in _makers(portal).items():
        shape = known(portal, blueprint)
        if shape:
            missing = [name for section, name in _required(shape) if (blueprint, section, name) not in given]
            if missing:
                yield _found(blueprint, makers[0], missing)


def _makers(portal: Portal) -> dict[str, list[Written]]:
    """The identifiers by which entities are made, by blueprint; a search finds only what is there."""
    found: dict[str, list[Written]] = {}
    added = {
        (id(config.document), path)
        for config in configs(portal)
        for path, resource in config.resources()
        if str((resource.get("selector") or {}).get("creates", "true")).strip().lower() == "false"
    }
    for each in portal.written:
        made = each.section == "identifier" and isinstance(each.jq, str)
        if made and (id(each.document), each.resource) not in added:
            found.setdefault(each.blueprint, []).append(each)
    return found


def _required(shape: Shape) -> Iterator[tuple[str, str]]:
    schema = shape.document.body.get("schema") or {}
    for name in schema.get("required") or []:
        if name in shape.fields and "default" not in shape.fields[name].body:
            yield "properties", name
    for name, relation in shape.relations.items():
        if relation.body.get("required"):
            yield "relations", name


def _found(blueprint: str, maker: Written, missing: list[str]) -> Found:
    names = ", ".join(map(repr, missing))
    message = f"{blueprint} requires {names}, which no resource writes: Port refuses the entity"
    hint = "write it here, or don't require it in the blueprint"
    return Found(maker.document, (*maker.path[:-1], "blueprint"), message, hint)


RULE = Rule("PC321", gently(check))
