"""Port -> live State, by one list request a kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from portcfg.client import PortReader
from portcfg.errors import AnswerError, InvalidSpecsError, Problem, TerminalApiError
from portcfg.kinds import KINDS, Kind
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.model import Body, Ref, Resource, State
from portcfg.sidebar import Tree, tree_of

# How a Port refuses routes that it doesn't have, has no more, or doesn't let this client use.
REFUSED = (403, 404, 410)
Beta = Literal["needed", "welcome", "unasked"]


@dataclass(frozen=True)
class Seen:
    """What Port has, as Port answers it. `tree` is the sidebar, `refused` why there is none though it was asked for.
    `others` would be named so if they were of a known kind: pages that Port makes by itself, say.
    """

    state: dict[Ref, Resource]
    tree: Tree = field(default_factory=dict)
    refused: str = ""
    others: frozenset[Ref] = frozenset()


def observe(port: PortReader) -> dict[Ref, Resource]:
    """Everything of the known kinds that Port has; the ledger's own blueprint is left out."""
    return see(port).state


def see(port: PortReader, beta: Beta = "welcome") -> Seen:
    """The same with the sidebar. Its route is beta: it is asked for unless `unasked`, and must answer if `needed`."""
    live: dict[Ref, Resource] = {}
    others: set[Ref] = set()
    tree: Tree = {}
    refused = ""
    for kind in KINDS.values():
        if kind.beta and beta == "unasked":
            continue
        try:
            bodies = listed(port, kind)
        except TerminalApiError as error:
            if not kind.beta or error.status not in REFUSED:
                raise
            if beta == "needed":
                raise _needed(error) from error
            refused = error.message
            continue
        tree = tree_of(bodies) if kind.beta else tree
        for body in bodies:
            ref = Ref(kind.name, str(body.get(kind.id_field)))
            if not kind.belongs(body):
                others.add(ref)
            elif ref.identifier != LEDGER_BLUEPRINT:
                live[ref] = Resource(ref, body)
    return Seen(live, tree, refused, frozenset(others))


def refuse_taken(desired: State, seen: Seen) -> None:
    """Raise InvalidSpecsError where Port has something else by an identifier: it would be refused, or written over."""
    hint = "give it another identifier, or delete the other one in Port"
    problems = [
        Problem(desired[ref].file, 0, 0, "PC806", f"{ref}: what Port has by this identifier is no {ref.kind}", hint)
        for ref in sorted(desired.keys() & seen.others)
    ]
    if problems:
        raise InvalidSpecsError(problems)


def _needed(error: TerminalApiError) -> TerminalApiError:
    message = f"this Port refuses its sidebar, where folders and places are: {error.message}"
    hint = "ask Port's support for the sidebar's routes, or take folders, `parent` and `after` out of the specs"
    return TerminalApiError(message, status=error.status, error=error.error, hint=hint)


def listed(port: PortReader, kind: Kind) -> list[Body]:
    """All that the list of a kind answers."""
    route = kind.list_route or kind.collection
    answer: Any = port.get(route, kind.list_params)
    inside = answer.get(kind.list_in) if kind.list_in else answer
    bodies = inside.get(kind.list_key) if isinstance(inside, dict) else None
    if not isinstance(bodies, list):
        raise AnswerError(f"GET {route} answered without the list {kind.list_key!r}")
    return [body for body in bodies if isinstance(body, dict)]
