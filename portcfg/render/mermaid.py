"""The blueprints that a plan touches, and their relations -> a Mermaid diagram."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from portcfg.kinds.base import members_of
from portcfg.model import Action, Body, Change, Ref
from portcfg.render.budget import middle_cut
from portcfg.render.safe import plain

MAX_NODES = 30
MAX_EDGES = 60
MAX_LABEL = 48
# Class and colours of each action.
CLASSES = {
    Action.CREATE: ("added", "fill:#dafbe1,stroke:#1a7f37,color:#1f2328"),
    Action.UPDATE: ("changed", "fill:#fff8c5,stroke:#9a6700,color:#1f2328"),
    Action.DELETE: ("deleted", "fill:#ffebe9,stroke:#cf222e,color:#1f2328"),
}
NEW, GONE, KEPT = "==>", "-.->", "-->"


@dataclass(frozen=True, order=True)
class Edge:
    """A relation, by its name, and how it is drawn."""

    start: Ref
    end: Ref
    name: str
    arrow: str = KEPT


def _relations(body: Body | None) -> Iterator[tuple[str, str]]:
    for name, relation in members_of(body, ("relations",)).items():
        if isinstance(relation, dict) and isinstance(relation.get("target"), str):
            yield name, relation["target"]


# What of a kind is drawn as an arrow to another resource of it.
ARROWS: Mapping[str, Callable[[Body | None], Iterator[tuple[str, str]]]] = {"blueprint": _relations}


def diagram(changes: Iterable[Change]) -> str:
    """The text of a diagram; empty where nothing that changes has a relation, or where it is too much to look at."""
    drawn = [change for change in changes if change.ref.kind in ARROWS and not change.moved_away]
    actions = {change.ref: _shown_as(change) for change in drawn if change.action is not Action.NOOP}
    edges = sorted({edge for change in drawn for edge in _edges(change)})
    around = [edge for edge in edges if edge.start in actions or edge.end in actions]
    between = [edge for edge in edges if edge.start in actions and edge.end in actions]
    for chosen in (around, between):
        nodes = dict.fromkeys([*actions, *(ref for edge in chosen for ref in (edge.start, edge.end))])
        if chosen and len(nodes) <= MAX_NODES and len(chosen) <= MAX_EDGES:
            ids = {ref: f"b{number}" for number, ref in enumerate(nodes, 1)}
            return "\n".join(_lines(ids, chosen, actions))
    return ""


def _shown_as(change: Change) -> Action:
    return Action.UPDATE if change.move else change.action


def _edges(change: Change) -> Iterator[Edge]:
    arrows = ARROWS[change.ref.kind]
    before, after = set(arrows(change.before)), set(arrows(change.after))
    for name, target in before | after:
        arrow = KEPT if (name, target) in before & after else NEW if (name, target) in after else GONE
        yield Edge(change.ref, Ref(change.ref.kind, target), name, arrow)


def _lines(ids: Mapping[Ref, str], edges: Iterable[Edge], actions: Mapping[Ref, Action]) -> Iterator[str]:
    yield "flowchart LR"
    for ref, node in ids.items():
        yield f'  {node}["{_label(ref.identifier)}"]'
    for edge in edges:
        yield f'  {ids[edge.start]} {edge.arrow}|"{_label(edge.name)}"| {ids[edge.end]}'
    for action, (name, colours) in CLASSES.items():
        if own := [ids[ref] for ref in ids if actions.get(ref) is action]:
            yield f"  classDef {name} {colours}"
            yield f"  class {','.join(own)} {name}"


def _label(text: str) -> str:
    """A name as Mermaid's quoted texts take any: what could be its grammar, or HTML, is a character reference."""
    return "".join(map(_referred, middle_cut(plain(text), MAX_LABEL))) or " "


def _referred(character: str) -> str:
    return character if character.isalnum() or character in "_ " else f"#{ord(character)};"
