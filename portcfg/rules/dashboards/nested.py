"""Every widget of a page, those that hold others included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Body, Path


def every_widget(widgets: Any) -> Iterator[tuple[Path, Body]]:
    """(path, widget) of every widget in Port's own form, at whatever depth; the short form's by key."""
    yield from _below(widgets, ("widgets",))


def _below(widgets: Any, path: Path) -> Iterator[tuple[Path, Body]]:
    pairs = widgets.items() if isinstance(widgets, dict) else enumerate(_list(widgets))
    for key, widget in pairs:
        if isinstance(widget, dict):
            yield (*path, key), widget
            yield from _below(widget.get("widgets"), (*path, key, "widgets"))
            for number, group in enumerate(_list(widget.get("groups"))):
                if isinstance(group, dict):
                    yield from _below(group.get("widgets"), (*path, key, "groups", number, "widgets"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
