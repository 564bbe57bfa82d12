"""What the rules of lineage may be sure of."""

from __future__ import annotations

from pathlib import PurePath

from portcfg.kinds import KINDS
from portcfg.ledger import LEDGER_BLUEPRINT
from portcfg.rules.fields import Shape
from portcfg.rules.lineages import COMPUTED, MAPPED, Part
from portcfg.rules.portal import Portal


def all_is_seen(portal: Portal) -> bool:
    """Whether every spec could be read; what one that couldn't would say of others isn't known."""
    folders = {kind.folder for kind in KINDS.values()}
    files = {each.file for each in portal.everything} | {each.overlay for each in portal.everything}
    root = PurePath(portal.project.file).parent
    inside = ((PurePath(file), file) for file in portal.texts if PurePath(file).is_relative_to(root))
    specs = {file for path, file in inside if path.relative_to(root).parts[0] in folders}
    return len(portal.documents) == len(portal.everything) and specs <= files


def unfilled(portal: Portal) -> dict[str, Shape]:
    """The blueprints of which nothing makes entities, in specs that have mappings.

    Without any mapping, all is filled from elsewhere, as is Port's own.
    """
    if not portal.written or not all_is_seen(portal):
        return {}
    parts = portal.lineage
    shapes = {name: shape for name, shape in portal.shapes.items() if name != LEDGER_BLUEPRINT}
    return {name: shape for name, shape in shapes.items() if not any(map(_comes, parts[name].values()))}


def _comes(part: Part) -> bool:
    """Whether something comes from elsewhere: what Port computes of nothing is nothing, and so is a default."""
    return any(link.what not in (*COMPUTED, "default") for link in part.writers)


def fill_hint(portal: Portal) -> str:
    """What to do about a blueprint that nothing fills."""
    return f"write a mapping for it; or say who fills it, in {portal.project.file} under external.writers"


def mapped(portal: Portal) -> dict[str, Shape]:
    """The blueprints that a mapping fills; not those of which a relation makes bare entities."""
    if not all_is_seen(portal):
        return {}
    parts = portal.lineage
    return {
        name: shape
        for name, shape in portal.shapes.items()
        if any(link.what in MAPPED for link in parts[name][""].writers)
    }
