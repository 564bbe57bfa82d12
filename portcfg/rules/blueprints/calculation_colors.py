"""PC214: a colour for what a calculation never gives."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.calculations import calculations
from portcfg.rules.blueprints.ways import CALCULATIONS
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Only where all the texts that it can give are known."""
    for each in calculations(portal):
        gives = each.gives(present=False)[0].without("null") if each.body.get("colors") else None
        if gives and gives.kinds == {"string"} and gives.texts:
            for value in each.body["colors"]:
                if value not in gives.texts:
                    path = (*CALCULATIONS, each.name, "colors", value)
                    message = f"the calculation {each.name!r} never gives {value!r}, which has a colour"
                    yield Found(each.document, path, message, meant(value, sorted(gives.texts), "values"))


RULE = Rule("PC214", check, "warning")
