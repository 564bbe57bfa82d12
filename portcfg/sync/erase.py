"""Bulk deletes: a hundred at once, those that something stands in the way of found by halves, what is gone is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.client import PortWriter, segment
from portcfg.errors import TerminalApiError
from portcfg.sync.targets import identifier_chunks

# facts: port-api.md §3.5. Of the longest identifiers still less than the 1 MiB that a body may have.
ERASED_AT_ONCE = 100
# What one of the entities may be the cause of: the request fails as a whole for any that others depend on.
DIVISIBLE = (400, 404, 409, 413, 422)
GONE = 404


def erase_path(blueprint: str) -> str:
    """The route that deletes entities of a blueprint."""
    return f"/blueprints/{segment(blueprint)}/bulk/entities/delete"


def erase(port: PortWriter, blueprint: str, identifiers: Sequence[str]) -> dict[str, str]:
    """Delete at most ERASED_AT_ONCE entities, and none that depend on them; why some are still there, by identifier.

    An answer that was lost, and so a second request for the same, is fine. Raises ApiError when Port can't be reached
    or refuses more than single entities.
    """
    refused = dict(_erased(port, blueprint, list(identifiers)))
    left = [name for name, reason in refused.items() if not reason]
    # The answer lists what this request deleted. What an earlier one did, or somebody else, it doesn't.
    there = {entity["identifier"] for query in identifier_chunks(left) for entity in _named(port, blueprint, query)}
    return {
        name: reason or "Port's answer doesn't mention it"
        for name, reason in refused.items()
        if reason or name in there
    }


def _named(port: PortWriter, blueprint: str, query: dict[str, object]) -> Iterator[dict[str, str]]:
    yield from port.entities(blueprint, include=["$identifier"], query=query)


def _erased(port: PortWriter, blueprint: str, identifiers: list[str]) -> Iterator[tuple[str, str]]:
    """What wasn't deleted, with the reason or ''."""
    try:
        answer = port.send("POST", erase_path(blueprint), {"entities": identifiers}, {"delete_dependents": "false"})
    except TerminalApiError as error:
        if error.status not in DIVISIBLE:
            raise
        if len(identifiers) > 1:
            half = len(identifiers) // 2
            yield from _erased(port, blueprint, identifiers[:half])
            yield from _erased(port, blueprint, identifiers[half:])
        elif error.status != GONE:
            yield identifiers[0], error.message
        return
    done = answer.body.get("deletedEntities")
    gone = set(done) if isinstance(done, list) else set()
    yield from ((name, "") for name in identifiers if name not in gone)
