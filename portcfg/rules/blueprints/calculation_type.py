"""PC212: a calculation that gives another type than it says."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.blueprints.calculations import Calculation, calculations
from portcfg.rules.jq_types import Type
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.shape import value_mistake


def check(portal: Portal) -> Iterator[Found]:
    """Port takes the declared type at its word: widgets and searches then handle the value as what it isn't."""
    for each in calculations(portal):
        gives = each.gives(present=False)[0].without("null")
        if gives.kinds and each.body["type"] not in gives.kinds:
            message = f"the calculation {each.name!r} gives {gives.named}, and says it is of type {each.body['type']}"
            yield Found(each.document, each.path, message, _hint(gives))
        elif mistake := _misformed(each, gives):
            message = f"the calculation {each.name!r} doesn't keep to its format: {mistake}"
            yield Found(each.document, each.path, message, "correct the text, or the format")


def _hint(gives: Type) -> str:
    kinds = sorted(gives.kinds)
    return f"write `type: {kinds[0]}`, or convert the value" if len(kinds) == 1 else "convert the value"


def _misformed(each: Calculation, gives: Type) -> str:
    """What is wrong with all texts that it can give, where they are known and their form is said."""
    if not each.body.get("format") or gives.kinds != {"string"} or not gives.texts:
        return ""
    schema = {"type": "string", "format": each.body["format"]}
    mistakes = [value_mistake(value, schema) for value in sorted(gives.texts)]
    return mistakes[0] if all(mistakes) else ""


RULE = Rule("PC212", check, "warning")
