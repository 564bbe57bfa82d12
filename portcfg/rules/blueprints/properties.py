"""What blueprints say of values: properties, and the items of lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.kinds.blueprint_renames import PROPERTIES
from portcfg.model import Body, Document, Path
from portcfg.rules.blueprints.ways import members
from portcfg.rules.portal import Portal

Described = tuple[Document, Path, str, Body]


def described(portal: Portal) -> Iterator[Described]:
    """(document, path, name for people, what is said) of each property, and of its items."""
    for document, name, body in members(portal, PROPERTIES):
        yield document, (*PROPERTIES, name), f"property {name!r}", body
        if isinstance(body.get("items"), dict):
            yield document, (*PROPERTIES, name, "items"), f"items of {name!r}", body["items"]


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same in JSON, where true is no 1."""
    return bool(one == other and isinstance(one, bool) == isinstance(other, bool))
