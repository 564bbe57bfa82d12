"""PC504: properties that mappings write and nothing in the specs reads."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.lineage.known import mapped
from portcfg.rules.lineages import MAPPED, Part
from portcfg.rules.nearest import listed
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# So many names a message lists.
LISTED = 3


def check(portal: Portal) -> Iterator[Found]:
    """Specs without any widget are read elsewhere. What is required tells entities apart, whoever reads it."""
    for identifier, shape in mapped(portal).items() if portal.widgets else ():
        parts = portal.lineage[identifier]
        required = (shape.document.body.get("schema") or {}).get("required") or []
        fields = [
            each.name for each in shape.fields.values() if each.section == "property" and each.name not in required
        ]
        names = [name for name in fields if _mapped(parts[name]) and not parts[name].readers]
        if names:
            message = f"nothing here reads what is written into {identifier!r}: {listed(names, LISTED)}"
            hint = f"`portcfg lineage {identifier}` tells who reads what; leave out what nobody needs"
            yield Found(shape.document, ("identifier",), message, hint)


def _mapped(part: Part) -> bool:
    return any(link.what in MAPPED for link in part.writers)


RULE = Rule("PC504", check, "info")
