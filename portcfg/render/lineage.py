"""Who writes and who reads what -> text, JSON, markdown with a diagram a blueprint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from portcfg.model import Body, Position
from portcfg.render.safe import code, plain, shortened
from portcfg.rules.lineages import COMPUTED, Link, Part
from portcfg.secret_forms import starred

FORMAT = "portcfg/lineage/1"
MAX_JQ = 100
# So many names stand in one box of a diagram; the rest is counted.
NAMED = 8
# Dots and dashes make lists of a label, where blanks follow.
SAFE = frozenset(" _/,")


def lineage_text(parts: Sequence[Part]) -> str:
    """A part a paragraph: where it stands, each writer, each reader."""
    return "\n\n".join("\n".join(_lines(part)) for part in parts) or "nothing of the kind"


def _lines(part: Part) -> Iterator[str]:
    sort = part.section or "blueprint"
    where = f"  {plain(_where(part.place))}" if part.place else "  (not in these specs)"
    yield f"{plain(str(part))} ({sort}){where}"
    yield from (f"  {line}" for line in link_lines(part))


def link_lines(part: Part) -> Iterator[str]:
    """Each writer and reader of a part, or that there is none."""
    yield from (f"written by {_said(link)}" for link in part.writers)
    if not part.writers and part.place:
        yield "written by nothing in these specs"
    yield from (f"read by {_said(link)}" for link in part.readers)
    if not part.readers:
        yield "read by nothing in these specs"


def _said(link: Link) -> str:
    text = f": {shortened(plain(starred(' '.join(link.text.split()))), MAX_JQ)}" if link.text else ""
    return f"{plain(str(link))} ({plain(_where(link.place))}){text}"


def _where(place: Position) -> str:
    return f"{place.file}:{place.line}:{place.column}"


def lineage_json(parts: Sequence[Part]) -> str:
    """The parts as docs/plan-json.md describes them."""
    return json.dumps({"format": FORMAT, "parts": [_part_body(part) for part in parts]}, indent=2, ensure_ascii=False)


def _part_body(part: Part) -> Body:
    return {
        "blueprint": part.blueprint,
        "name": part.name,
        "section": part.section,
        "place": _place_body(part.place) if part.place else None,
        "writers": [_link_body(link) for link in part.writers],
        "readers": [_link_body(link) for link in part.readers],
    }


def _link_body(link: Link) -> Body:
    return {"what": link.what, "who": link.who, "text": link.text, "place": _place_body(link.place)}


def _place_body(place: Position) -> Body:
    return {"file": place.file, "line": place.line, "column": place.column}


def lineage_mermaid(parts: Sequence[Part]) -> str:
    """Markdown with a diagram for each blueprint, as GitHub and GitLab show it."""
    blueprints: dict[str, list[Part]] = {}
    for part in parts:
        blueprints.setdefault(part.blueprint, []).append(part)
    return "\n\n".join(_diagram(name, own) for name, own in blueprints.items()) or "nothing of the kind"


def _diagram(blueprint: str, parts: Sequence[Part]) -> str:
    boxes = _boxes(parts)
    ids: dict[str, str] = {}
    of_part = {part.name: f"p{number}" for number, box in enumerate(boxes) for part in box}
    lines = [f'  p{number}["{_label(_names(box))}"]' for number, box in enumerate(boxes)]
    edges: dict[str, None] = {}
    for number, box in enumerate(boxes):
        for link in _outer(box[0].writers, box[0], parts):
            if link.what not in COMPUTED:
                edges[f"  {_node(ids, 'w', link)} --> p{number}"] = None
        for link in _outer(box[0].readers, box[0], parts):
            computed = of_part.get(link.who.removeprefix(f"{blueprint}.")) if link.what in COMPUTED else None
            edges[f"  p{number} --> {computed or _node(ids, 'r', link)}"] = None
    nodes = [f'  {id_}(["{_label(key[1:])}"])' for key, id_ in ids.items()]
    body = "\n".join(["flowchart LR", *nodes, *lines, *edges])
    return f"### {code(blueprint)}\n\n```mermaid\n{body}\n```"


def _boxes(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts with the same writers and readers share a box; what others of its blueprint compute from has its own."""
    boxes: dict[object, list[Part]] = {}
    for part in parts:
        sides = tuple(map(str, part.writers)), tuple(map(str, part.readers))
        key = (part.name,) if part.section in COMPUTED or not part.name else sides
        boxes.setdefault(key, []).append(part)
    return [box for box in boxes.values() if any(_drawn(part, parts) for part in box)]


def _drawn(part: Part, parts: Sequence[Part]) -> bool:
    links = (*_outer(part.writers, part, parts), *_outer(part.readers, part, parts))
    return bool(part.name or links or len(parts) == 1)


def _outer(links: Sequence[Link], part: Part, parts: Sequence[Part]) -> list[Link]:
    """Of a blueprint as a whole only what has to do with no single part of it."""
    if part.name:
        return list(links)
    single = {str(link) for other in parts if other.name for link in (*other.writers, *other.readers)}
    return [link for link in links if str(link) not in single]


def _node(ids: dict[str, str], side: str, link: Link) -> str:
    """The id of what writes or reads; the same thing on the other side is another node, so that arrows go one way."""
    return ids.setdefault(f"{side}{link}", f"{side}{len(ids)}")


def _names(box: Sequence[Part]) -> str:
    names = [part.name or "entities" for part in box]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def _label(text: str) -> str:
    """Text that is neither syntax of a diagram nor markdown, whatever it holds."""
    return "".join(
        each if each.isalnum() or each in SAFE else f"#{ord(each)};" for each in shortened(plain(text), 2 * MAX_JQ)
    )
