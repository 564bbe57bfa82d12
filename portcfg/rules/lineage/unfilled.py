"""PC501: a blueprint that nothing fills, beside others that mappings fill."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.lineage.known import unfilled
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# So many readers a message names.
NAMED = 2


def check(portal: Portal) -> Iterator[Found]:
    """An info: people, webhooks and CI fill blueprints, too, and nothing here shows it."""
    for identifier, shape in unfilled(portal).items():
        readers = dict.fromkeys(str(link) for part in portal.lineage[identifier].values() for link in part.readers)
        others = [reader for reader in readers if f" {identifier}." not in reader]
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        read = f", and {', '.join(others[:NAMED])}{more} would show nothing of it" if others else ""
        hint = f"write a mapping for it; or say who fills it, in {portal.project.file} under external.writers"
        yield Found(shape.document, ("identifier",), f"no mapping fills {identifier!r}{read}", hint)


RULE = Rule("PC501", check, "info")
