"""PC201: a calculation that isn't valid jq."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.jqtext import jq_mistake
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """Port stores it as it is; every entity's value is then missing."""
    for document in portal.of_kind("blueprint"):
        for name, part in (document.body.get("calculationProperties") or {}).items():
            if mistake := jq_mistake(part["calculation"]):
                path = ("calculationProperties", name, "calculation")
                yield Found(document, path, f"the calculation {name!r} isn't valid jq: {mistake}")


RULE = Rule("PC201", check)
