"""Bulk upserts: batches of 20 under 1 MiB, each item's own answer read, what needs a later entity tried again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from portcfg.client import PortWriter, bulks, segment
from portcfg.errors import TerminalApiError

# facts: Port takes 1..20 entities and 1 MiB a bulk request; a margin is left for the wrapping.
# What one item or the size of all may be the cause of; any other refusal means the whole request.
DIVISIBLE = (400, 413, 422)

Body = dict[str, Any]


@dataclass
class Written:
    """What happened to the bodies of one blueprint, by identifier."""

    created: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)
    deferred: dict[str, tuple[Body, str]] = field(default_factory=dict)


class BulkWriter:
    """Writes the entities of one blueprint. An item answered 404 (a relation's target isn't there yet) waits."""

    def __init__(self, port: PortWriter, blueprint: str, create_missing: bool, wrote: Callable[[int], None]) -> None:
        self._port = port
        self._path = f"/blueprints/{segment(blueprint)}/entities/bulk"
        self._params = {
            "upsert": "true",
            "merge": "true",
            "create_missing_related_entities": "true" if create_missing else "false",
        }
        self._wrote = wrote
        self.written = Written()

    def write(self, bodies: list[Body]) -> None:
        """Send all; raises ApiError when Port can't be reached or refuses more than single entities."""
        for batch in bulks(bodies):
            self._send(batch)
            self._wrote(len(batch))

    def write_deferred(self) -> None:
        """Try again what had to wait. Raises ApiError like `write`."""
        for batch in bulks([body for body, _ in self.written.deferred.values()]):
            self._send(batch)

    def write_bare(self) -> None:
        """Write what waits without its relations, for it to be there when the others of a circle relate to it."""
        for batch in bulks([body for body, _ in self.written.deferred.values()]):
            before = dict(self.written.deferred)
            self._send([{key: value for key, value in body.items() if key != "relations"} for body in batch])
            # Those that Port took are not done: their relations are still to come.
            self.written.deferred.update(
                {name: waiting for name, waiting in before.items() if name not in self.written.refused}
            )

    def refuse(self, hopeless: Callable[[Body], bool]) -> list[str]:
        """Give up those of the waiting that are hopeless; their identifiers."""
        gone = [name for name, (body, _) in self.written.deferred.items() if hopeless(body)]
        for name in gone:
            self.written.refused[name] = self.written.deferred.pop(name)[1]
        return gone

    def _send(self, batch: list[Body]) -> None:
        try:
            answer = self._port.send("POST", self._path, {"entities": batch}, self._params)
        except TerminalApiError as error:
            self._refused_whole(batch, error)
            return
        self._read(batch, answer.body)

    def _refused_whole(self, batch: list[Body], error: TerminalApiError) -> None:
        if error.status not in DIVISIBLE:
            raise error
        if len(batch) == 1:
            self._refuse(batch[0], error.status, error.message)
            return
        # Too big, or one bad item spoils all: halves find out which.
        half = len(batch) // 2
        self._send(batch[:half])
        self._send(batch[half:])

    def _read(self, batch: list[Body], body: Body) -> None:
        waiting = dict(enumerate(batch))
        for item in body.get("entities") or []:
            if sent := waiting.pop(item.get("index"), None):
                self.written.deferred.pop(sent["identifier"], None)
                (self.written.created if item.get("created") else self.written.updated).add(sent["identifier"])
        for item in body.get("errors") or []:
            if sent := waiting.pop(item.get("index"), None):
                reason = f"{item.get('error') or 'error'}: {item.get('message') or 'no reason given'}"
                self._refuse(sent, item.get("statusCode") or 0, reason)
        for sent in waiting.values():
            self._refuse(sent, 0, "Port's answer doesn't mention it")

    def _refuse(self, body: Body, status: int, reason: str) -> None:
        text, name = f"Port refused it ({status}): {reason}", body["identifier"]
        if status == 404:
            self.written.deferred[name] = (body, text)
        else:
            self.written.deferred.pop(name, None)
            self.written.refused[name] = text
