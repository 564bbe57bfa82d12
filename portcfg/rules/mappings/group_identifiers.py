"""PC333: identifiers that don't tell a resource's groups apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.rules.inferred import Inferred
from portcfg.rules.mappings.configs import Config, configs_by_document
from portcfg.rules.mappings.reads import WHOLE, read_fields
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_checks import parsed
from portcfg.sync.jq_text import normalise


def check(portal: Portal) -> Iterator[Found]:
    """Keys of `group_by` that the identifier doesn't have, and that don't follow from those that it has."""
    known = configs_by_document(portal)
    for each in portal.inferred:
        if each.written.section == "identifier" and each.written.runs_here:
            yield from _found(each, known[id(each.written.document)])


def _found(each: Inferred, config: Config) -> Iterator[Found]:
    resource = config.body["resources"][int(each.written.resource[-1])]
    groups: Mapping[str, Any] = (resource.get("selector") or {}).get("group_by") or {}
    tree = parsed(each.text)
    if not groups or tree is None:
        return
    used = read_fields(tree)
    # What reads no row at all is told by another rule.
    if not used or WHOLE in used or not used <= groups.keys():
        return
    reads = {name: _reads(text) for name, text in groups.items()}
    has = {field for name in used for field in reads[name]}
    missing = [name for name in groups if name not in used and WHOLE not in reads[name] and reads[name] - has]
    if missing:
        names = ", ".join(f"`.{name}`" for name in missing)
        message = f"groups that differ only by {names} have the same identifier, so that they overwrite each other"
        yield each.written.found(message, f"add {names} to the identifier")


def _reads(text: Any) -> frozenset[str]:
    tree = parsed(normalise(text)) if isinstance(text, str) else None
    return read_fields(tree) if tree else frozenset({WHOLE})


RULE = Rule("PC333", check, "warning")
