"""Bulk upserts: batches of 20 under 1 MiB, each item's own answer read, what needs a later entity tried again."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from portcfg.bulk import bulks
from portcfg.client import PortWriter, segment
from portcfg.errors import ApiError, TerminalApiError
from portcfg.sync.bulkanswer import Outcome, outcomes
from portcfg.sync.flight import side_by_side

# What one item or the size of all may be the cause of; any other refusal means the whole request.
DIVISIBLE = (400, 413, 422)
# How often an item goes out for which Port has no time just now, and the seconds before it goes out again.
ITEM_ATTEMPTS = 4
ITEM_SECONDS = 2.0

Body = dict[str, Any]
Reason = tuple[str, str]


@dataclass
class Written:
    """What happened to the bodies of one blueprint, by identifier. A reason is Port's status and error, and a text."""

    created: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    refused: dict[str, Reason] = field(default_factory=dict)
    deferred: dict[str, tuple[Body, Reason]] = field(default_factory=dict)


@dataclass
class _Posted:
    """A batch that went out: what became of its items, and the error after which no more of it was sent."""

    batch: list[Body]
    outcomes: list[tuple[Body, Outcome]] = field(default_factory=list)
    error: ApiError | None = None


def create_blueprint(port: PortWriter, body: Body) -> None:
    """Make a blueprint of the sync's own records, with a catalog page; raises ApiError."""
    try:
        port.send("POST", "/blueprints", body, {"create_catalog_page": "true"})
    except TerminalApiError as error:
        # Made by another run just now, or by this one, whose answer was lost.
        if error.status != 409:
            raise


class BulkWriter:
    """Writes the entities of one blueprint, `parallelism` batches at once; what is counted here is so in one thread.

    An item answered 404 (a relation's target isn't there yet) waits.

    `creating` are, by identifier, the relations whose missing targets Port shall make. Such an entity goes out without
    them first, so that its other targets are there when Port makes what is missing: it would make those, too.

    Port keeps `user_agent` as the entities' `$datasource`.

    The identifiers in `searched` are the texts of search queries, and go out as such. With `override` an entity in
    Port becomes what its body says and nothing else.
    """

    def __init__(
        self,
        port: PortWriter,
        blueprint: str,
        wrote: Callable[[int], None] = lambda _: None,
        creating: Mapping[str, Container[str]] | None = None,
        searched: Container[str] = frozenset(),
        override: bool = False,
        parallelism: int = 1,
        user_agent: str = "",
    ) -> None:
        self._parallelism = parallelism
        self._headers = {"User-Agent": user_agent} if user_agent else {}
        self._port = port
        self._path = f"/blueprints/{segment(blueprint)}/entities/bulk"
        self._creating = creating or {}
        self._searched = searched
        self._override = override
        self._wrote = wrote
        self._whole: dict[str, Body] = {}
        self.written = Written()

    def write(self, bodies: list[Body]) -> None:
        """Send all; raises ApiError when Port can't be reached or refuses more than single entities."""
        self._send_all(bodies, self._wrote)

    def write_deferred(self) -> None:
        """Try again what had to wait. Raises ApiError like `write`."""
        self._send_all([body for body, _ in self.written.deferred.values()], lambda _: None)

    def _send_all(self, bodies: list[Body], wrote: Callable[[int], None]) -> None:
        making = [body for body in bodies if body["identifier"] in self._creating]
        self._whole.update({body["identifier"]: body for body in making})
        first = [body for body in map(self._without_made, making) if body.get("relations")]
        whole = [body for body in bodies if body["identifier"] not in self._creating]
        self._send(bulks(whole), wrote)
        # Bodies without some of their relations don't replace an entity: the rest of it is still to come.
        self._send(bulks(first), lambda _: None, merged=True)
        failed = {*self.written.refused, *self.written.deferred}
        held_back = {body["identifier"] for body in first} & failed
        self._send(bulks(body for body in making if body["identifier"] not in held_back), wrote, create_missing=True)

    def _without_made(self, body: Body) -> Body:
        made = self._creating[body["identifier"]]
        return {**body, "relations": {name: value for name, value in body["relations"].items() if name not in made}}

    def write_bare(self) -> None:
        """Write what waits without its relations, for it to be there when the others of a circle relate to it."""
        for batch in bulks([body for body, _ in self.written.deferred.values()]):
            before = dict(self.written.deferred)
            bare = [{key: value for key, value in body.items() if key != "relations"} for body in batch]
            self._send([bare], lambda _: None, merged=True)
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

    def _send(
        self,
        batches: Iterable[list[Body]],
        wrote: Callable[[int], None],
        create_missing: bool = False,
        merged: bool = False,
    ) -> None:
        """All batches, until an error stands for the whole of them: it is raised once those under way have ended."""
        merge = "true" if merged or not self._override else "false"
        params = {"upsert": "true", "merge": merge, "create_missing_related_entities": str(create_missing).lower()}
        failed: list[ApiError] = []
        # Two batches that make one missing entity at once would be in each other's way.
        workers = 1 if create_missing else self._parallelism
        calls = (partial(self._posted, batch, params) for batch in batches if not failed)
        for posted in side_by_side(calls, workers):
            self._note(posted)
            if posted.error:
                failed.append(posted.error)
            else:
                wrote(len(posted.batch))
        if failed:
            raise failed[0]

    def _posted(self, batch: list[Body], params: Mapping[str, str]) -> _Posted:
        """Send a batch, in any thread."""
        posted = _Posted(batch)
        try:
            self._post(posted, batch, params)
        except ApiError as error:
            posted.error = error
        return posted

    def _post(self, posted: _Posted, batch: list[Body], params: Mapping[str, str], attempt: int = 1) -> None:
        try:
            body = {"entities": list(map(self._sent, batch))}
            answer = self._port.send("POST", self._path, body, dict(params), self._headers)
        except TerminalApiError as error:
            if error.status not in DIVISIBLE:
                raise
            if len(batch) == 1:
                posted.outcomes.append((batch[0], Outcome(False, error.status, error.error, error.message)))
                return
            # Too big, or one bad item spoils all: halves find out which.
            half = len(batch) // 2
            self._post(posted, batch[:half], params)
            self._post(posted, batch[half:], params)
            return
        found = list(zip(batch, outcomes(batch, answer.body), strict=True))
        again = [body for body, outcome in found if outcome.passes and attempt < ITEM_ATTEMPTS]
        posted.outcomes += [(body, outcome) for body, outcome in found if not outcome.passes or not again]
        if again:
            self._port.wait(ITEM_SECONDS * attempt)
            self._post(posted, again, params, attempt + 1)

    def _note(self, posted: _Posted) -> None:
        for body, outcome in posted.outcomes:
            if outcome.reason:
                self._refuse(body, outcome)
            else:
                self.written.deferred.pop(body["identifier"], None)
                (self.written.created if outcome.created else self.written.updated).add(body["identifier"])

    def _sent(self, body: Body) -> Body:
        name = body["identifier"]
        return {**body, "identifier": json.loads(name)} if name in self._searched else body

    def _refuse(self, body: Body, outcome: Outcome) -> None:
        name = body["identifier"]
        why = (f"{outcome.status} {outcome.error}".strip(), f"Port refused it ({outcome.status}): {outcome.reason}")
        if outcome.status == 404:
            self.written.deferred[name] = (self._whole.get(name, body), why)
        else:
            self.written.deferred.pop(name, None)
            self.written.refused[name] = why
