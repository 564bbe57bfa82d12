"""The entries of findings: what each one means, why it matters, what to do, with examples. They are package data."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

from portcfg import yamlread
from portcfg.yamlread import MappingNode, Node, SequenceNode

TOPICS: Mapping[str, str] = {
    "PC0": "Files that can't be read",
    "PC1": "Shape",
    "PC2": "Blueprints",
    "PC3": "Mappings",
    "PC4": "Dashboards",
    "PC5": "Lineage",
    "PC6": "What numbers mean",
    "PC7": "The project",
    "PC8": "What only shows once Port is asked",
}


@dataclass(frozen=True)
class Example:
    """Specs, path -> text; of wrong ones, `problems` are `file:line:column` and the beginning of each message."""

    files: Mapping[str, str]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """One id. `severity` is that of its findings; some findings of an id may be worse than others."""

    id: str
    title: str
    severity: str
    finds: str
    why: str
    fix: str
    bad: tuple[Example, ...] = ()
    good: tuple[Example, ...] = ()

    @property
    def topic(self) -> str:
        """The heading that it stands under."""
        return TOPICS[self.id[:3]]


@functools.cache
def known_ids() -> tuple[str, ...]:
    """Every id there is, sorted."""
    files = resources.files("portcfg.rules").joinpath("entries").iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def meant_id(id_: str) -> str:
    """`did you mean PC202?` for an id that there isn't; "" where none is like it."""
    guess = difflib.get_close_matches(id_.upper(), known_ids(), n=1)
    return f"did you mean {guess[0]}?" if guess else ""


@functools.cache
def entry(id_: str) -> Entry:
    """The entry of a known id."""
    file = resources.files("portcfg.rules").joinpath("entries", f"{id_}.yaml")
    (node,) = yamlread.parse(file.read_bytes(), is_json=False)
    values = _value(node)
    texts = {each.name: str(values[each.name]).strip() for each in fields(Entry) if each.name not in ("bad", "good")}
    return Entry(**texts, bad=_examples(values["bad"]), good=_examples(values["good"]))


def entries() -> tuple[Entry, ...]:
    """All entries, sorted by id."""
    return tuple(map(entry, known_ids()))


def _examples(values: list[Any]) -> tuple[Example, ...]:
    return tuple(Example(each["files"], tuple(map(str, each.get("problems", ())))) for each in values)


def _value(node: Node) -> Any:
    if isinstance(node, MappingNode):
        return {str(key.value): _value(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [_value(item) for item in node.value]
    return yamlread.scalar(node)
