"""What hangs on a folder: what stands in it (facts: port-api.md §2.8)."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.kinds.risk_base import Impact, Part, ReadBy, Reader, Risk
from portcfg.model import Body, Change, Ref, Resource, State


def impacts(change: Change, _: State, read_by: ReadBy) -> Iterator[Impact]:
    """A folder holds no data; nobody knows what Port does with what stands in one that goes."""
    if change.before is not None and change.after is None and (inside := read_by(change.ref, "")):
        yield Impact(Risk.BREAKING, "deletes a folder that isn't empty", readers=inside)


def reads(resource: Resource, _: State) -> Iterator[tuple[Part, Reader]]:
    """The folder that another one stands in."""
    yield from place_of(resource.body, resource.ref)


def place_of(body: Body, ref: Ref) -> Iterator[tuple[Part, Reader]]:
    """The folder that a page or a folder stands in."""
    if body.get("parent"):
        yield (Ref("folder", str(body["parent"])), ""), Reader("place", f"of {ref}")
