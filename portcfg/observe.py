"""Port -> live State, by one list request a kind."""

from __future__ import annotations

from portcfg.client import PortReader
from portcfg.errors import AnswerError
from portcfg.kinds import KINDS, Kind
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Ref, Resource


def observe(port: PortReader) -> dict[Ref, Resource]:
    """Everything of the known kinds that Port has, as Port answers it; the ledger's own blueprint is left out."""
    live: dict[Ref, Resource] = {}
    for kind in KINDS.values():
        for body in _listed(port, kind):
            ref = Ref(kind.name, str(body.get(kind.id_field)))
            if ref.identifier != LEDGER_BLUEPRINT:
                live[ref] = Resource(ref, body)
    return live


def _listed(port: PortReader, kind: Kind) -> list[dict[str, object]]:
    answer = port.get(kind.collection, kind.list_params)
    bodies = answer.get(kind.list_key)
    if not isinstance(bodies, list):
        raise AnswerError(f"GET {kind.collection} answered without the list {kind.list_key!r}")
    return [body for body in bodies if isinstance(body, dict) and kind.belongs(body)]
