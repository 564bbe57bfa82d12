"""Names in widgets that a blueprint doesn't have, and what was probably meant."""

from __future__ import annotations

from portcfg.rules.dashboards.uses import Read
from portcfg.rules.fields import META, Field, Shape
from portcfg.rules.nearest import meant, nearest

# Fields of Port's own that widgets may name besides META: a table's fixed columns, and what only searches know.
PORTS_OWN = ("$datasource", "$resyncId", "FROZEN_RIGHT_COLUMN")
OWN_NAMES = f"Port's own are {', '.join(META)}"


def mistake(read: Read, *, guessed: bool = False) -> tuple[str, str] | None:
    """(message, hint) for a name that isn't there, None where it is or nobody can tell.

    `guessed`: only where the blueprint has something that was probably meant.
    """
    name, shape, blueprint = read.use.name, read.shape, read.series.blueprint
    if read.field or name in PORTS_OWN or "{{" in name or not shape.is_whole:
        return None
    if name.startswith("$"):
        return _of_ports_own(name, shape, blueprint)
    known = [each for each in (*shape.fields, *shape.relations) if each not in META]
    if title := _titled(name, shape):
        hint = f"that is the title of {title!r}, and widgets name properties by their identifier: write {title}"
        return f"{blueprint} has no property {name!r}", hint
    if guessed and not nearest(name, known):
        return None
    if read.use.written.startswith("relation"):
        return f"{blueprint} has no relation {name!r}", meant(name, shape.relations, "relations")
    return f"{blueprint} has no property {name!r}", meant(name, known, "properties")


def is_strange(read: Read) -> bool:
    """Whether a `$` name is none of Port's own, and like nothing that there is."""
    found = mistake(read) if read.use.name.startswith("$") else None
    return bool(found and found[1] == OWN_NAMES)


def _of_ports_own(name: str, shape: Shape, blueprint: str) -> tuple[str, str]:
    plain = name[1:]
    if plain in shape.fields or plain in shape.relations:
        message = f"{name!r} is no field of Port's own, and {plain} is a property of {blueprint}"
        return message, f"write {plain}: `$` marks what Port itself keeps of every entity"
    guess = nearest(plain, [each for each in (*shape.fields, *shape.relations) if not each.startswith("$")])
    guess = guess or nearest(name, META)
    return f"{name!r} is no field of Port's own", f"did you mean {guess!r}?" if guess else OWN_NAMES


def _titled(name: str, shape: Shape) -> str:
    """The identifier of what has this title, in whatever case."""
    members: list[Field] = [*shape.fields.values(), *shape.relations.values()]
    wanted = name.casefold().split()
    return next((each.name for each in members if str(each.body.get("title", "")).casefold().split() == wanted), "")
