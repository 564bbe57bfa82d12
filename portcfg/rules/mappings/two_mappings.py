"""PC322: two mappings that write one property of the same entities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.rules.mappings.configs import Config, configs_by_document
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.rules.written import Written

# (blueprint, the jq of the identifier, where the rows are from)
Origin = tuple[str, str, str]


def check(portal: Portal) -> Iterator[Found]:
    """The same entities are those with the same identifier, made of rows of the same source."""
    origins = _origins(portal)
    first: dict[tuple[Origin, str, str], Written] = {}
    for each in portal.written:
        origin = origins.get((id(each.document), each.path[: -1 if not each.name else -2]))
        if origin is None or not each.name:
            continue
        other = first.setdefault((origin, each.section, each.name), each)
        if other.document is not each.document and other.jq != each.jq:
            message = f"the mapping {other.document.ref.identifier!r} writes {each.name!r} of the same entities, too"
            hint = "let one of them write it: the value is that of whichever ran last"
            yield each.found(message, hint)


def _origins(portal: Portal) -> dict[tuple[int, Any], Origin]:
    """By the `id` of the document and the path of an entity."""
    known = configs_by_document(portal)
    return {
        (id(each.document), each.path[:-1]): (
            each.blueprint,
            each.jq.strip(),
            _source(portal, known[id(each.document)], each),
        )
        for each in portal.written
        if each.section == "identifier" and isinstance(each.jq, str) and each.blueprint
    }


def _source(portal: Portal, config: Config, written: Written) -> str:
    source = config.body.get("source") or portal.project.mapping_source or {}
    resource = config.body["resources"][int(written.resource[-1])]
    return str(source.get("base_url", "")) if written.runs_here else f"kind {resource.get('kind')}"


RULE = Rule("PC322", check, "warning")
