"""PC419: a widget with nothing in it."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Path
from portcfg.rules.dashboards.nested import every_widget
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.shown import Widget

ABSOLUTE = ("http://", "https://", "{{")


def check(portal: Portal) -> Iterator[Found]:
    """Texts without text, frames without a page, lists of nothing."""
    for widget in portal.widgets:
        for path, message, hint in _empty(widget):
            yield Found(widget.document, path, message, hint)
    for document in portal.of_kind("dashboard"):
        for place, body in every_widget(document.body.get("widgets")):
            if body.get("type") == "grouper" and body.get("groups") == []:
                yield Found(document, (*place, "groups"), "the grouper has no groups", "add one, or remove it")


def _empty(widget: Widget) -> Iterator[tuple[Path, str, str]]:
    body, path = widget.body, widget.path
    if widget.type == "markdown" and isinstance(body.get("markdown"), str) and not body["markdown"].strip():
        yield (*path, "markdown"), "the text is empty", "write one, or remove the widget"
    url = body.get("url")
    if widget.type == "iframe-widget" and isinstance(url, str) and not url.startswith(ABSOLUTE):
        yield (*path, "url"), f"{url!r} is no address that a frame can show", "write it whole, with https://"
    if widget.type == "links-widget" and body.get("links") == []:
        yield (*path, "links"), "there are no links", "add one, or remove the widget"
    if widget.type == "multi-line-chart" and body.get("lines") == []:
        yield (*path, "lines"), "there are no lines", "add one, or remove the widget"


RULE = Rule("PC419", check, "warning")
