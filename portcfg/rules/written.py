"""What mappings write: each expression with the blueprint and the part of an entity that it makes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portcfg.kinds.mapping import RUN_HERE
from portcfg.model import Body, Document, Path
from portcfg.rules.found import Found
from portcfg.rules.shaped import shaped


@dataclass(frozen=True)
class Written:
    """One expression of one resource.

    `section` is `identifier`, `title`, `team`, `icon`, `properties` or `relations`, and `name` the key below those two.
    `blueprint` is "" where the resource's rows name it. `jq` is what the spec says: text, or an object for a search.
    `resource` is the path of the resource; `runs_here` tells whether portcfg runs the mapping.
    """

    document: Document
    path: Path
    blueprint: str
    section: str
    name: str
    jq: Any
    resource: Path
    runs_here: bool

    def found(self, message: str, hint: str) -> Found:
        """A finding at the expression."""
        return Found(self.document, self.path, message, hint)


def literal(text: Any) -> str:
    """The text of a jq expression that is one string (`'"service"'`), else ""."""
    stripped = text.strip() if isinstance(text, str) else ""
    inner = stripped[1:-1]
    quoted = len(stripped) > 2 and stripped[0] == stripped[-1] and stripped[0] in "'\""
    return inner.strip('"') if quoted and not set('"\\') & set(inner.strip('"')) else ""


def config_of(document: Document) -> tuple[Path, Body]:
    """(path, config) of a mapping: it stands below `config` in Port's own form."""
    if "config" in document.body:
        return ("config",), shaped(document.body["config"])
    return (), document.body


def runs_here(document: Document) -> bool:
    """Whether portcfg runs a mapping. Port's own form says so only by what nobody else knows."""
    prefix, config = config_of(document)
    unsaid = "ocean" if prefix and not RUN_HERE & config.keys() else "portcfg"
    return bool(config.get("runner", unsaid) == "portcfg")


def written_by(document: Document) -> Iterator[Written]:
    """Every expression of a mapping of the right shape that makes a part of an entity."""
    prefix, config = config_of(document)
    here = runs_here(document)
    for index, resource in enumerate(config.get("resources") or []):
        path: Path = (*prefix, "resources", index)
        for below, entity in _entities(resource):
            blueprint = literal(entity.get("blueprint"))
            for section, name, part, text in _parts(entity):
                yield Written(document, (*path, *below, *part), blueprint, section, name, text, path, here)


def _entities(resource: Any) -> Iterator[tuple[Path, Body]]:
    """(path in the resource, entity mapping): Ocean takes one, or a list of them."""
    base: Path = ("port", "entity", "mappings")
    value: Any = resource
    for key in base:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list):
        yield from (((*base, index), each) for index, each in enumerate(value) if isinstance(each, dict))
    elif isinstance(value, dict):
        yield base, value


def _parts(entity: Body) -> Iterator[tuple[str, str, Path, Any]]:
    for section in ("identifier", "title", "team", "icon"):
        if section in entity:
            yield section, "", (section,), entity[section]
    for section in ("properties", "relations"):
        for name, text in (entity.get(section) or {}).items():
            yield section, str(name), (section, name), text
