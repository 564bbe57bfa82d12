"""PC403: a short-form chart whose keys contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.widgets import FUNCTIONS
from portcfg.model import Document, Path
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.unchecked import mapping_at


def check(portal: Portal) -> Iterator[Found]:
    """Two functions, `per` without an average, a breakdown of what isn't counted, a label for what isn't drawn."""
    for widget in portal.widgets:
        if widget.spec.get("type") in ("number", "line"):
            yield from _contradictions(widget.document, widget.path, widget.spec)


def _contradictions(document: Document, path: Path, spec: dict[str, object]) -> Iterator[Found]:
    named = [name for name in (*FUNCTIONS, "count") if name in spec]
    if len(named) > 1:
        message = f"a widget has one function, and this has {', '.join(named)}"
        yield Found(document, (*path, named[1]), message, "make it two")
    elif "per" in spec and named not in (["average"], ["count"]):
        yield Found(document, (*path, "per"), "`per` goes with average or count", "remove it, or take the average")
    elif "breakdown" in spec and named not in ([], ["count"]):
        message = "Port breaks down counts of entities only"
        yield Found(document, (*path, "breakdown"), message, "use `count: entities`")
    drawn = spec.get(named[0], []) if named else []
    for label in mapping_at(spec, "labels"):
        known = drawn if isinstance(drawn, list) else [drawn]
        if label not in known and (label, named) != ("count", ["count"]):
            yield Found(document, (*path, "labels", label), f"a label for {label!r}, which isn't drawn", "remove it")


RULE = Rule("PC403", check)
