"""PC415: two widgets of a page with one id."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document, Path
from portcfg.rules.dashboards.nested import every_widget
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port refuses the page. A key of the short form is an id, and `layout_id` is one too."""
    for document in portal.of_kind("dashboard"):
        seen: set[str] = set()
        for path, name in _ids(document):
            if name in seen:
                hint = "ids are unique on a page, those inside other widgets included: give it another"
                yield Found(document, path, f"another widget of this page has the id {name!r}", hint)
            seen.add(name)


def _ids(document: Document) -> Iterator[tuple[Path, str]]:
    widgets = document.body.get("widgets")
    if isinstance(widgets, dict):
        yield ("layout_id",), str(document.body.get("layout_id", f"{document.ref.identifier}-layout"))
    for path, widget in every_widget(widgets):
        if isinstance(widgets, dict) and len(path) == 2:
            yield path, str(path[1])
        elif widget.get("id"):
            yield (*path, "id"), str(widget["id"])


RULE = Rule("PC415", check)
