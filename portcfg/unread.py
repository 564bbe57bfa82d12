"""What stands in a body in the place of something that couldn't be read: the reason is told, and the rest follows."""

from __future__ import annotations

from typing import Any

from portcfg.model import Body, Path


class Unread(str):
    """Empty text, where a value couldn't be read."""

    __slots__ = ()


class Incomplete(dict[str, Any]):
    """The keys of a mapping that could be read, where others were to come from elsewhere."""


UNREAD = Unread()


def excused(body: Body, path: Path, *, missing: bool) -> bool:
    """Whether what is wrong at `path`, or `missing` there, is so since something couldn't be read."""
    node: Any = body
    for step in path:
        if isinstance(node, Unread):
            break
        node = node[step]
    return isinstance(node, Unread) or (missing and isinstance(node, Incomplete))


def has_unread(value: Any) -> bool:
    """Whether something in it couldn't be read."""
    if isinstance(value, dict):
        return isinstance(value, Incomplete) or any(map(has_unread, value.values()))
    return any(map(has_unread, value)) if isinstance(value, list) else isinstance(value, Unread)
