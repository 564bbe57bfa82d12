"""The rows of one resource, folded into groups."""

from __future__ import annotations

import json
import re
from typing import Any

from portcfg.sync.aggregate import Groups, compile_aggregate
from portcfg.sync.jq_programs import RowProgram, Scope
from portcfg.sync.spec import SyncResource


class Grouping:
    """The program that gives a row's keys and values, and the groups they are folded into."""

    def __init__(self, resource: SyncResource, scope: Scope) -> None:
        aggregation = compile_aggregate(resource.aggregate)
        key_slots = {f"group_by.{name}": text for name, text in resource.group_by.items()}
        value_slots = {f"aggregate.{name}": text for name, text in aggregation.expressions.items()}
        self.keys = RowProgram(key_slots, scope)
        self.program = RowProgram({**key_slots, **value_slots}, scope, resource.query)
        self.groups = Groups(tuple(resource.group_by), aggregation)
        self._width = len(key_slots)
        self._resource = resource

    def add(self, values: list[Any]) -> str:
        """Why the row can't be added to its group, or ''."""
        return self.groups.add(values[: self._width], values[self._width :])

    def key_row(self, group: str) -> dict[str, Any] | None:
        """The keys of a group alone, where its entity's identifier is made of nothing else."""
        entity = self._resource.entity
        named = set(re.findall(r"\w+", entity.identifier + entity.blueprint))
        if named & set(self._resource.aggregate) or "." in (entity.identifier, entity.blueprint):
            return None
        return dict(zip(self.groups.names, json.loads(group), strict=True))
