"""What a plan reads from a Port, kept apart from it, and a reader that answers from that. It sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portcfg.client import Answer, Credentials, PortReader
from portcfg.counting import answer_of, count_of, searched_of
from portcfg.errors import ApiError, TerminalApiError
from portcfg.kinds import KINDS, Kind
from portcfg.kinds.risk_base import Count
from portcfg.ledger import ENTITIES
from portcfg.model import Body

AUDIT_LOG = "/audit-log"
LEDGER_SEARCH = f"{ENTITIES}/search"


@dataclass(frozen=True)
class Holdings:
    """What a Port held: the bodies of each list by kind, the ledger's entities (None where there is no ledger), the
    audit log of what was written since it was applied, and the numbers of entities that were counted.

    `refused` are the lists that Port didn't give, by kind: status and message.
    """

    lists: Mapping[str, Sequence[Body]]
    ledger: Sequence[Body] | None = None
    audits: Sequence[Mapping[str, Any]] = ()
    counts: Mapping[Count, int] = field(default_factory=dict)
    refused: Mapping[str, tuple[int, str]] = field(default_factory=dict)


class RecordedPort(PortReader):
    """A Port of which only the holdings are known. What they don't say raises ApiError, as if Port refused it."""

    def __init__(self, holdings: Holdings) -> None:
        super().__init__("https://recorded.invalid", Credentials("", ""))
        self._holdings = holdings
        # Should anything get past `_request`, the client below refuses to send it.
        self.halt("this plan is made without a network")

    def _request(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        if path == LEDGER_SEARCH and self._holdings.ledger is not None:
            return Answer(200, {"entities": list(self._holdings.ledger)})
        if path == LEDGER_SEARCH:
            raise TerminalApiError("there is no ledger", status=404)
        if path == AUDIT_LOG:
            return Answer(200, {"audits": list(self._holdings.audits)})
        kind = next((each for each in KINDS.values() if path == route(each)), None)
        return Answer(200, self._listed(kind) if kind else self._counted(path, body))

    def _listed(self, kind: Kind) -> Body:
        if kind.name in self._holdings.refused:
            status, message = self._holdings.refused[kind.name]
            raise TerminalApiError(message, status=status)
        bodies = {kind.list_key: list(self._holdings.lists[kind.name])}
        return {kind.list_in: bodies} if kind.list_in else bodies

    def _counted(self, path: str, body: Body | None) -> Body:
        searched, count = searched_of(path, body) if body else None, count_of(path, body)
        if searched and self._has_none(searched):
            return {"entities": []}
        number = self._holdings.counts.get(count, 0 if self._has_none(count) else None) if count else None
        if count is None or number is None:
            raise ApiError(f"{path} isn't known without a network")
        return answer_of(count, number)

    def _has_none(self, count: Count) -> bool:
        """Whether no entity matches, since none has what one of the rules asks for, or there is none at all."""
        wider = (Count(count.blueprint, (rule,)) for rule in count.rules)
        return any(self._holdings.counts.get(each) == 0 for each in (Count(count.blueprint), count, *wider))


def route(kind: Kind) -> str:
    """Where Port lists a kind."""
    return kind.list_route or kind.collection
