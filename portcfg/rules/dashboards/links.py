"""PC418: a link to a page that is nearly, but not quite, one of the specs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from portcfg.model import Path
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.shown import Widget
from portcfg.rules.unchecked import list_at

# A path within Port: no host of another, one step deep.
PAGE = re.compile(r"(?:https://app(?:\.us)?\.(?:port\.io|getport\.io))?/([A-Za-z0-9_.-]+)/?(?:[?#].*)?")
IN_TEXT = re.compile(r"\]\(([^()\s]+)\)")
# Other pages of Port's are many, so that only what is very like one of ours is told.
LIKE = 0.85


def check(portal: Portal) -> Iterator[Found]:
    """Links of links-widgets, and those in texts."""
    pages = sorted({ref.identifier for ref in portal.known if ref.kind == "dashboard"})
    for widget in portal.widgets:
        for path, url in _urls(widget):
            found = PAGE.fullmatch(url)
            near = difflib.get_close_matches(found[1], pages, n=1, cutoff=LIKE) if found else []
            if found and near and found[1] not in pages:
                message = f"there is no page {found[1]!r} in the specs, and there is {near[0]!r}"
                yield Found(widget.document, path, message, f"write /{near[0]}")


def _urls(widget: Widget) -> Iterator[tuple[Path, str]]:
    for index, link in enumerate(list_at(widget.body, "links")):
        if isinstance(link, dict) and isinstance(link.get("url"), str):
            yield (*widget.path, "links", index, "url"), link["url"]
    if isinstance(widget.body.get("markdown"), str):
        yield from (((*widget.path, "markdown"), url) for url in IN_TEXT.findall(widget.body["markdown"]))


RULE = Rule("PC418", check, "info")
