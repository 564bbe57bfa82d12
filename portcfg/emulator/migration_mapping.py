"""What a migration's mapping does to each entity of its source: jq makes another entity of it, which is upserted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.emulator.blueprint_rules import jq_program
from portcfg.emulator.blueprints import find
from portcfg.emulator.calls import Call
from portcfg.emulator.entity_rules import check_shape
from portcfg.emulator.entity_views import Catalog
from portcfg.emulator.entity_writes import Options, write
from portcfg.emulator.port_store import Store
from portcfg.emulator.wire_errors import WireError, invalid
from portcfg.model import Body

KEPT = ("title", "icon", "team")


def check_mapping(store: Store, mapping: Body) -> None:
    """Raise 422 for a mapping whose jq doesn't compile, 404 for one whose target isn't there."""
    for place, text in _programs(store, mapping):
        try:
            jq_program(text)
        except ValueError as error:
            raise invalid(f"The mapping's {place} is not a valid jq expression: {error}") from None
    if "blueprint" in mapping and store.blueprint(mapping["blueprint"]) is None:
        try:
            target = jq_program(mapping["blueprint"]).input_value(None).first()
        except (ValueError, StopIteration):
            return
        # Null: it depends on the entity.
        if target is not None:
            find(store, str(target))


def _programs(store: Store, mapping: Body) -> Iterator[tuple[str, str]]:
    # The target is published as an identifier, and written as jq by what else knows mappings: either will do.
    if "blueprint" in mapping and store.blueprint(mapping["blueprint"]) is None:
        yield "blueprint", mapping["blueprint"]
    for name in ("filter", "itemsToParse"):
        if name in mapping:
            yield name, mapping[name]
    for name, text in mapping["entity"].items():
        if isinstance(text, str):
            yield f"entity.{name}", text
    for section in ("properties", "relations"):
        for name, text in mapping["entity"].get(section, {}).items():
            yield f"entity.{section}.{name}", text


def migrate(call: Call, source: str, mapping: Body) -> tuple[int, int]:
    """Upsert what the mapping makes of every entity of `source`; returns how many were written, and how many failed."""
    done = failed = 0
    # The writes may be to the blueprint that is read.
    for identifier in [identifier for identifier, _ in call.store.entities(source)]:
        view = Catalog(call.store, call.now).view(source, identifier)
        if view is None:
            continue
        shown = view.shown()
        try:
            items = list(_items(mapping, shown))
        except WireError:
            failed += 1
            continue
        for item in items:
            try:
                _write(call, source, mapping, item)
                done += 1
            except WireError:
                failed += 1
    return done, failed


def _items(mapping: Body, shown: Body) -> Iterator[Body]:
    """What the entity's jq sees: the source entity, or for each item to parse one, with the item as `.item`."""
    if "filter" in mapping and _value(mapping["filter"], shown) is not True:
        return
    if "itemsToParse" not in mapping:
        yield shown
        return
    items = _value(mapping["itemsToParse"], shown)
    if not isinstance(items, list):
        raise invalid("itemsToParse is no array")
    yield from ({**shown, "item": item} for item in items)


def _write(call: Call, source: str, mapping: Body, item: Body) -> None:
    store, entity = call.store, mapping["entity"]
    target: Any = mapping.get("blueprint", source)
    if store.blueprint(target) is None:
        target = _value(target, item)
    blueprint = find(store, str(target))
    # An entity that inherits its teams can't be given any.
    inherits = blueprint.get("ownership", {}).get("type") == "Inherited"
    kept = [name for name in KEPT if item[name] and not (name == "team" and inherits)]
    body = {name: item[name] for name in kept if blueprint["identifier"] != source}
    body |= {name: _value(entity[name], item) for name in KEPT if name in entity}
    if body.get("team", "") is None:
        del body["team"]
    body["identifier"] = _value(entity["identifier"], item) if "identifier" in entity else item["identifier"]
    for section in ("properties", "relations"):
        body[section] = {name: _value(text, item) for name, text in entity.get(section, {}).items()}
    # An entity without an identifier would get a generated one; here it is one that can't be migrated.
    if not isinstance(body["identifier"], str):
        raise invalid("the identifier is no string")
    write(call, blueprint, check_shape(body), Options(upsert=True, merge=True, whole=True))


def _value(text: str, item: Body) -> Any:
    try:
        return jq_program(text).input_value(item).first()
    except ValueError as error:
        raise invalid(f"jq: {error}") from None
    except StopIteration:
        return None
