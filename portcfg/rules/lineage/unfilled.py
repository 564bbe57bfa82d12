"""PC501: a blueprint that nothing fills, beside others that mappings fill."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.lineage.known import fill_hint, unfilled
from portcfg.rules.nearest import listed
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# So many readers a message names.
NAMED = 2


def check(portal: Portal) -> Iterator[Found]:
    """An info: people, webhooks and CI fill blueprints, too, and nothing here shows it."""
    for identifier, shape in unfilled(portal).items():
        readers = dict.fromkeys(str(link) for part in portal.lineage[identifier].values() for link in part.readers)
        others = [reader for reader in readers if f" {identifier}." not in reader]
        read = f", and {listed(others, NAMED)} would show nothing of it" if others else ""
        yield Found(shape.document, ("identifier",), f"no mapping fills {identifier!r}{read}", fill_hint(portal))


RULE = Rule("PC501", check, "info")
