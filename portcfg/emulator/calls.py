"""One request as the handlers see it, and the answer they give."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from portcfg.emulator.chaos import Chaos
from portcfg.emulator.port_store import Store
from portcfg.emulator.wire_errors import WireError, invalid, not_found
from portcfg.model import Body

Answer = tuple[int, Body]
ALPHANUMERICS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Call:
    """A request whose token is already checked. `params` are the decoded path segments that the route names."""

    store: Store
    params: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: Any
    now: float
    actor: str
    chaos: Chaos

    def flag(self, name: str) -> bool:
        """A boolean query parameter; absent is false."""
        return (self.query.get(name) or ["false"])[-1].lower() == "true"

    def names(self, name: str) -> list[str]:
        """A list query parameter: the key repeated, or its values joined by commas (clients do either)."""
        return [part for value in self.query.get(name, []) for part in value.split(",") if part]

    @property
    def stamp(self) -> str:
        """Now, in the form of Port's audit dates."""
        return stamped(datetime.fromtimestamp(self.now, UTC))

    def json_object(self) -> Body:
        """The body, which must be a JSON object."""
        if not isinstance(self.body, dict):
            raise invalid("body must be object")
        return self.body

    def created(self) -> Body:
        """The audit fields of something new."""
        return {"createdAt": self.stamp, "createdBy": self.actor, "updatedAt": self.stamp, "updatedBy": self.actor}

    def updated(self) -> Body:
        """The audit fields of something changed."""
        return {"updatedAt": self.stamp, "updatedBy": self.actor}

    def note(self, action: str, resource: str, **context: str) -> None:
        """Put a write into the audit log: CREATE, UPDATE or DELETE of what `context` names."""
        entry: Body = {
            "identifier": f"event_{secrets.token_hex(8)}",
            "action": action,
            "resourceType": resource,
            "status": "SUCCESS",
            "trigger": {"by": {"userId": self.actor}, "origin": "API", "at": self.stamp},
            "context": context,
            "additionalData": {},
            "message": "",
        }
        self.store.add_audit(entry)

    def document(self, kind: str, identifier: str, title: str) -> Body:
        """A document, or 404 under the kind's `title`."""
        found = self.store.document(kind, identifier)
        if found is None:
            raise not_found(title, identifier)
        return found


Handler = Callable[[Call], Answer]
AUDIT = ("createdAt", "createdBy", "updatedAt", "updatedBy")


def random_id(prefix: str = "", length: int = 16) -> str:
    """A generated identifier: Port's look like `e_` and 16 letters or digits."""
    return prefix + "".join(secrets.choice(ALPHANUMERICS) for _ in range(length))


def stamped(moment: datetime) -> str:
    """A moment in the form of Port's audit dates."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def server_fault(message: str) -> WireError:
    """500 internal_error."""
    return WireError(500, "internal_error", message)
