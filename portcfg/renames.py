"""Renaming parts of a resource in Port, so that entities keep their values; read back and counted afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from portcfg.client import PortWriter, segment
from portcfg.counting import counted
from portcfg.errors import AnswerError, ApiError, TerminalApiError
from portcfg.kinds import KINDS
from portcfg.kinds.base import due, members_of
from portcfg.kinds.risk_base import Count
from portcfg.model import Body, Path, Ref, Rename

# Port's search may lag behind a write; after about half a minute something else is wrong.
WAITS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)


def rename_parts(port: PortWriter, path: str, ref: Ref, renames: Iterable[Rename]) -> None:
    """Make each rename at the resource's `path`, and make sure that nothing was lost. Raises ApiError."""
    for rename in renames:
        before = _values(port, ref, rename.section, rename.old)
        _send(port, path, ref, rename)
        _check(port, ref, rename, before or 0)


def _send(port: PortWriter, path: str, ref: Ref, rename: Rename) -> None:
    segments, body = KINDS[ref.kind].renaming.request(rename)
    refused: TerminalApiError | None = None
    try:
        port.send("PATCH", "/".join([path, *map(segment, segments)]), body)
    except TerminalApiError as error:
        # A rename whose answer was lost and that was sent again finds nothing left to rename.
        refused = error
    live = held(port, path)
    if due([rename], live) or rename.new not in members_of(live, rename.section):
        raise refused or AnswerError(f"Port took the rename of {rename.old} to {rename.new}, but didn't make it")


def _check(port: PortWriter, ref: Ref, rename: Rename, before: int) -> None:
    after: int | None = None
    for wait in WAITS if before else ():
        port.wait(wait)
        after = _values(port, ref, rename.section, rename.new)
        if after is None or after >= before:
            return
    if before:
        raise AnswerError(
            f"{before} entities had a value in {rename.old}, and {after} have one in {rename.new}",
            hint="look at the entities in Port; applying again goes on with the rest",
        )


def _values(port: PortWriter, ref: Ref, section: Path, name: str) -> int | None:
    """The entities with a value in a part; None where it can't be known, which is no reason not to go on."""
    rules = KINDS[ref.kind].renaming.rules(section, name)
    try:
        return counted(port, Count(ref.identifier, rules)) if rules else None
    except ApiError:
        return None


def held(port: PortWriter, path: str) -> Body:
    """The body that Port holds at `path`, out of its envelope. Raises ApiError."""
    return next((value for value in port.get(path).values() if isinstance(value, dict)), {})
