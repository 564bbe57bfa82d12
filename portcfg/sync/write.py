"""Bulk upserts: batches of 20 under 1 MiB, each item's own answer read, what needs a later entity tried again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from portcfg.client import PortWriter, segment
from portcfg.errors import TerminalApiError

# facts: Port takes 1..20 entities and 1 MiB a bulk request; a margin is left for the wrapping.
BULK_ENTITIES = 20
BULK_BYTES = 1_000_000

Body = dict[str, Any]


@dataclass
class Written:
    """What happened to the bodies of one blueprint, by identifier."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    deferred: list[Body] = field(default_factory=list)


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
        """Send all; raises ApiError when Port can't be reached or refuses the credentials."""
        for batch in batches(bodies):
            self._send(batch, last_try=False)
            self._wrote(len(batch))

    def write_deferred(self) -> None:
        """Try once more what had to wait; what is refused now stays refused."""
        waiting, self.written.deferred = self.written.deferred, []
        for batch in batches(waiting):
            self._send(batch, last_try=True)

    def _send(self, batch: list[Body], last_try: bool) -> None:
        try:
            answer = self._port.send("POST", self._path, {"entities": batch}, self._params)
        except TerminalApiError as error:
            self._refused_whole(batch, error, last_try)
            return
        self._read(batch, answer.body, last_try)

    def _refused_whole(self, batch: list[Body], error: TerminalApiError, last_try: bool) -> None:
        if error.status in (401, 403):
            raise error
        if len(batch) == 1:
            self._refuse(batch[0], error.status, error.message, last_try)
            return
        # Too big, or one bad item spoils all: halves find out which.
        half = len(batch) // 2
        self._send(batch[:half], last_try)
        self._send(batch[half:], last_try)

    def _read(self, batch: list[Body], body: Body, last_try: bool) -> None:
        waiting = dict(enumerate(batch))
        for item in body.get("entities") or []:
            if sent := waiting.pop(item.get("index"), None):
                (self.written.created if item.get("created") else self.written.updated).append(sent["identifier"])
        for item in body.get("errors") or []:
            if sent := waiting.pop(item.get("index"), None):
                reason = f"{item.get('error') or 'error'}: {item.get('message') or 'no reason given'}"
                self._refuse(sent, item.get("statusCode") or 0, reason, last_try)
        for sent in waiting.values():
            self._refuse(sent, 0, "Port's answer doesn't mention it", last_try)

    def _refuse(self, body: Body, status: int, reason: str, last_try: bool) -> None:
        if status == 404 and not last_try:
            self.written.deferred.append(body)
        else:
            self.written.refused[body["identifier"]] = f"Port refused it ({status}): {reason}"


def batches(bodies: list[Body]) -> Iterator[list[Body]]:
    """Batches within both limits; a body that is too big alone goes alone, and Port says so."""
    batch: list[Body] = []
    size = 0
    for body in bodies:
        length = len(json.dumps(body))
        if batch and (len(batch) == BULK_ENTITIES or size + length > BULK_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch
