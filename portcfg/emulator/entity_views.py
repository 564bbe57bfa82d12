"""Entities as they are read: unset properties are null, and mirrors, calculations and aggregations are worked out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from portcfg.emulator.aggregation_values import aggregated
from portcfg.emulator.blueprint_rules import jq_program, used_properties
from portcfg.emulator.blueprints import find
from portcfg.emulator.calls import AUDIT
from portcfg.emulator.port_store import Store
from portcfg.emulator.query import Scope
from portcfg.emulator.relations import related
from portcfg.model import Body

# Mirrors of aggregations of mirrors end somewhere, but two blueprints may mirror each other.
MAX_DEPTH = 8
TOP_FIELDS = ("identifier", "title", "blueprint", "icon", "team")


@dataclass
class Catalog:
    """Reads entities of one store at one moment."""

    store: Store
    now: float
    depth: int = 0
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope(self.now, lambda *asked: related(self.store, *asked))

    def view(self, blueprint: str, identifier: str) -> View | None:
        """One entity, or None."""
        body = self.store.entity(blueprint, identifier)
        return None if body is None else View(self, find(self.store, blueprint), identifier, body)

    def deeper(self) -> Catalog | None:
        """A catalog for the values that a value depends on, or None when the chain is too long."""
        return Catalog(self.store, self.now, self.depth + 1) if self.depth < MAX_DEPTH else None


@dataclass
class View:
    """One stored entity, read through its blueprint. Computed values are worked out only when asked for."""

    catalog: Catalog
    blueprint: Body
    identifier: str
    body: Body

    @property
    def key(self) -> tuple[str, str]:
        """(blueprint, identifier)."""
        return self.blueprint["identifier"], self.identifier

    def schema(self) -> Mapping[str, Body]:
        """The blueprint's own properties."""
        properties: Mapping[str, Body] = self.blueprint["schema"]["properties"]
        return properties

    def value(self, name: str) -> Any:
        """A property (stored or computed), relation, `$meta` or dotted path; None if there is none."""
        if name.startswith("$"):
            return self.meta(name[1:])
        if name in self.blueprint["schema"]["properties"]:
            return self.body["properties"].get(name)
        if name in self.blueprint["relations"]:
            return self.relation(name)
        if name in self.blueprint["mirrorProperties"]:
            return self.mirror(self.blueprint["mirrorProperties"][name]["path"])
        if name in self.blueprint["calculationProperties"]:
            return self.calculation(name)
        if name in self.blueprint["aggregationProperties"]:
            return self.aggregation(name)
        return self.mirror(name) if "." in name else None

    def meta(self, name: str) -> Any:
        """identifier, blueprint, title, team, the audit fields and datasource."""
        if name == "identifier":
            return self.identifier
        if name == "blueprint":
            return self.blueprint["identifier"]
        return self.body.get(name)

    def relation(self, name: str) -> Any:
        """A target's identifier or None; a list for a `many` relation."""
        value = self.body["relations"].get(name)
        return value or [] if self.blueprint["relations"][name].get("many") else value

    def mirror(self, path: str) -> Any:
        """The value at the end of a path of relations; a list if any of them is `many`."""
        name, _, rest = path.partition(".")
        relation = self.blueprint["relations"].get(name)
        catalog = self.catalog.deeper()
        if not rest or relation is None or catalog is None:
            return self.value(name) if not rest else None
        targets = self.relation(name)
        if not relation.get("many"):
            view = catalog.view(relation["target"], targets) if targets else None
            return view.mirror(rest) if view else None
        views = (catalog.view(relation["target"], target) for target in targets)
        values = [view.mirror(rest) for view in views if view]
        return [item for value in values for item in (value if isinstance(value, list) else [value])]

    def calculation(self, name: str) -> Any:
        """A calculation's first result; a jq error is null. Of the computed properties jq sees those it names."""
        program = self.blueprint["calculationProperties"][name]["calculation"]
        catalog = self.catalog.deeper()
        if catalog is None:
            return None
        unused = set(self.computed_names()) - used_properties(program) | {name}
        source = View(catalog, self.blueprint, self.identifier, self.body).shown(leave_out=unused)
        try:
            return jq_program(program).input_value(source).first()
        except (ValueError, StopIteration):
            return None

    def aggregation(self, name: str) -> Any:
        """An aggregation over the related entities, as of now (Port refreshes them every 15 minutes)."""
        catalog = self.catalog.deeper()
        if catalog is None:
            return None
        return aggregated(catalog, self.blueprint, self.identifier, self.blueprint["aggregationProperties"][name])

    def shown(self, calculated: bool = True, leave_out: Collection[str] = ()) -> Body:
        """The entity as Port answers it. `leave_out` names computed properties that are not worked out."""
        properties = {name: self.body["properties"].get(name) for name in self.schema()}
        if calculated:
            for name in self.computed_names():
                if name not in leave_out:
                    properties[name] = self.value(name)
        return {
            "identifier": self.identifier,
            "title": self.body.get("title"),
            "blueprint": self.blueprint["identifier"],
            "icon": self.body.get("icon"),
            "team": self.body.get("team") or [],
            "properties": properties,
            "relations": {name: self.relation(name) for name in self.blueprint["relations"]},
            **{key: self.body[key] for key in AUDIT},
        }

    def computed_names(self) -> list[str]:
        """Mirror, aggregation and calculation properties, the last ones last because they may use the others."""
        sections = ("mirrorProperties", "aggregationProperties", "calculationProperties")
        return [name for section in sections for name in self.blueprint[section]]


@dataclass(frozen=True)
class Wanted:
    """Which fields of an entity a read asks for."""

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    calculated: bool = True
    titles: bool = False

    @classmethod
    def of(cls, include: Collection[str], exclude: Collection[str], calculated: bool, titles: bool) -> Wanted:
        """Names may be `$meta`, bare, or under `properties.` and `relations.`; clients write all three."""
        return cls(frozenset(map(_bare, include)), frozenset(map(_bare, exclude)), calculated, titles)

    def shown(self, view: View) -> Body:
        """The entity with only these fields; identifier and blueprint are always there."""
        left_out = [name for name in view.computed_names() if not self._wants(name, "properties")]
        body = view.shown(self.calculated, left_out)
        for section in ("properties", "relations"):
            body[section] = {name: value for name, value in body[section].items() if self._wants(name, section)}
        if self.titles:
            body["relations"] = {name: _titled(view, name) for name in body["relations"]}
        keep = {"identifier", "blueprint", "properties", "relations"}
        return {name: value for name, value in body.items() if name in keep or self._wants(name, name)}

    def _wants(self, name: str, section: str) -> bool:
        if name in self.exclude or section in self.exclude:
            return False
        return not self.include or name in self.include or section in self.include


def _bare(name: str) -> str:
    return name.removeprefix("$").removeprefix("properties.").removeprefix("relations.")


def _titled(view: View, name: str) -> Any:
    value = view.relation(name)
    target = view.blueprint["relations"][name]["target"]

    def titled(identifier: str) -> Body:
        body = view.catalog.store.entity(target, identifier) or {}
        return {"identifier": identifier, "title": body.get("title")}

    if isinstance(value, list):
        return [titled(identifier) for identifier in value]
    return titled(value) if value else None
