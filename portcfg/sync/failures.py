"""What of a resource's rows fails: each is kept for a replay, and the entity that lacks it is known, or nobody's."""

from __future__ import annotations

from typing import Any

from portcfg.errors import IncompleteError
from portcfg.sync.fragments import Key, Origin
from portcfg.sync.jq_programs import Batch, RowError, RowProgram, RowValues
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import Reject
from portcfg.sync.spec import SKIP_NAMELESS, SyncResource


class Failures:
    """Puts rows to the quarantine. `key` is the program of a row's blueprint and identifier.

    `broken` are the entities of which a row failed, with whether the rows that failed are enough to make them again.
    `partial`: a row failed of which nobody can tell the entity, so that it may be any.
    """

    def __init__(self, resource: SyncResource, quarantine: Quarantine, key: RowProgram) -> None:
        self.broken: dict[Key, bool] = {}
        self.partial = False
        self._resource = resource
        self._quarantine = quarantine
        self._key = key

    def nameless(self, window: Any, row: Any, lacking: str) -> None:
        """Reject a row without a value for `lacking`: it may be a part of any entity."""
        self.partial = True
        reason = f"it has no value; rows that are meant to be left out: `selector.query`, or `{SKIP_NAMELESS}: true`"
        self.reject("item", window, row, RowError(lacking, reason))

    def failed(self, window: Any, row: Any, error: RowError) -> None:
        """Reject a row of which an expression failed, and mark its entity."""
        self.reject("item", window, row, error, self._break(window, row, again=True))

    def group(self, window: Any, group: str, row: Any, message: str) -> None:
        """Count a group that isn't written, and mark its entity, which `row` (the group's keys) tells."""
        self._quarantine.count(self._because("groups", message, ("", group)))
        self._break(window, row, again=False)

    def _break(self, window: Any, row: Any, again: bool) -> Key:
        """Mark the entity of a row that failed; ('', '') when nobody knows which it is."""
        (key,) = self._key.run(Batch(window, [row])) if row is not None else (None,)
        if isinstance(key, RowValues) and all(isinstance(value, str) and value for value in key.values):
            blueprint, identifier = key.values
            self.broken[blueprint, identifier] = again and self.broken.get((blueprint, identifier), True)
            return blueprint, identifier
        self.partial = True
        return "", ""

    def unordered(self, error: RowError, window: Any, row: Any) -> None:
        """Reject a row that `dedupe` can't compare: which of several counts can't be told, nor can it be later."""
        self.reject("evidence", window, row, error)
        self.lost(error)

    def lost(self, error: RowError) -> None:
        """A row is missing, whose entity can't be told; of a resource that groups, raises IncompleteError."""
        self.partial = True
        if self._resource.group_by:
            raise self.no_group(error)

    def no_group(self, error: RowError) -> IncompleteError:
        """Whichever group the row belongs to would come out too small."""
        return IncompleteError(f"{self._resource.label}: a row's group can't be told: {error.text}")

    def keep(self, window: Any, row: Any, error: RowError) -> None:
        """Keep a row that a group lacks; the group is what is rejected."""
        self._quarantine.keep_row(self._because(error.expression, error.text), self.origin("evidence", window, row))

    def reject(self, entry: str, window: Any, row: Any, error: RowError, key: Key = ("", "")) -> None:
        """Reject a row; `entry` says what it is (`Origin`), `key` of which entity, where that is known."""
        reject = self._because(error.expression, error.text, key)
        self._quarantine.reject_row(reject, self.origin(entry, window, row))

    def origin(self, entry: str, window: Any, row: Any) -> Origin:
        """Where a row comes from."""
        return Origin(entry, self._resource.stream, self._resource.label, window, row)

    def _because(self, about: str, reason: str, key: Key = ("", "")) -> Reject:
        return Reject(self._resource.label, key[0] or self._resource.blueprint, key[1], reason, about)
