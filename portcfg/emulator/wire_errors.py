"""Port's error answers, as exceptions: `{ok: false, error, message, details?}`.

The names and statuses are the ones Port's own clients look for; where nothing published names an error, the closest
documented one is used.
"""

from __future__ import annotations

from portcfg.model import Body


class WireError(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, error: str, message: str, details: Body | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.message = message
        self.details = details

    def body(self) -> Body:
        """The JSON body of the answer."""
        body: Body = {"ok": False, "error": self.error, "message": self.message}
        return {**body, "details": self.details} if self.details else body


def invalid(message: str, details: Body | None = None) -> WireError:
    """422 invalid_request: the body breaks the route's schema, or names something that can't be."""
    return WireError(422, "invalid_request", message, details)


def mismatch(message: str) -> WireError:
    """422 blueprint_schema_mismatch: an entity breaks its blueprint's schema."""
    return WireError(422, "blueprint_schema_mismatch", message)


def protected(message: str) -> WireError:
    """422 protected_blueprint_violation: a system blueprint's own members can't be changed."""
    return WireError(422, "protected_blueprint_violation", message)


def not_found(kind: str, identifier: str) -> WireError:
    """404 not_found, in the wording that Port's clients match on."""
    return WireError(404, "not_found", f'{kind} with identifier "{identifier}" was not found')


def entity_missing(blueprint: str, identifier: str) -> WireError:
    """404 for an entity, both for a read and for a relation's missing target."""
    return WireError(404, "not_found", f'Entity "{identifier}" does not exist in blueprint "{blueprint}"')


def taken(kind: str, identifier: str) -> WireError:
    """409 for a POST of something that exists."""
    return WireError(409, "identifier_taken", f'{kind} with identifier "{identifier}" already exists')


def has_dependents(message: str) -> WireError:
    """422 for a delete that others stand in the way of."""
    return WireError(422, "has_dependents", message)
