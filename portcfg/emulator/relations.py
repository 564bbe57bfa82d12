"""Walks over the links between entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from portcfg.emulator.port_store import Store

Key = tuple[str, str]


def related(store: Store, direction: str, blueprint: str, identifiers: list[str], required: bool) -> set[Key]:
    """Everything related to the given entities, however far: what they relate to (upstream), what relates to them
    (downstream), or both. With `required`, only required relations count."""

    def upward(key: Key) -> Iterable[Key]:
        return [
            (target_blueprint, target)
            for relation, target_blueprint, target in store.targets(*key)
            if not required or _is_required(store, key[0], relation)
        ]

    def downward(key: Key) -> Iterable[Key]:
        return [
            (owner, name)
            for owner, name, relation in store.referrers(*key)
            if not required or _is_required(store, owner, relation)
        ]

    start = {(blueprint, identifier) for identifier in identifiers}
    steps = {"upstream": (upward,), "downstream": (downward,)}.get(direction, (upward, downward))
    return set().union(*(_closure(start, step) for step in steps)) - start


def _is_required(store: Store, blueprint: str, relation: str) -> bool:
    body = store.blueprint(blueprint) or {}
    return bool(body.get("relations", {}).get(relation, {}).get("required"))


def _closure(start: set[Key], step: Callable[[Key], Iterable[Key]]) -> set[Key]:
    seen, fresh = set(start), set(start)
    while fresh:
        fresh = {other for key in fresh for other in step(key)} - seen
        seen |= fresh
    return seen


def follow(store: Store, start: Key, way: str, path: tuple[str, ...]) -> list[Key]:
    """The entities at the other end of a path of relations: "out" along the relations, "in" against them."""
    found = {start}
    for name in path if way == "out" else reversed(path):
        if way == "out":
            found = {(b, target) for key in found for relation, b, target in store.targets(*key) if relation == name}
        else:
            found = {(b, owner) for key in found for b, owner, relation in store.referrers(*key) if relation == name}
    return sorted(found)
