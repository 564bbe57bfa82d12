"""PC207: a `migrate` that isn't valid jq, or reads what Port doesn't have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from portcfg.kinds import KINDS
from portcfg.rules.inside import place_inside
from portcfg.rules.jqtext import jq_fault
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# `$ENV` and `env`, but not `.env` and "env".
ENVIRONMENT = re.compile(r"\$ENV\b|(?<![\w.$\"])env(?![\w\"])")


def check(portal: Portal) -> Iterator[Found]:
    """Port runs it on every entity that has a value to move."""
    for document in portal.documents:
        for name, text in KINDS[document.kind].renaming.migrate(document.body).items():
            path = ("schema", "properties", name, "migrate")
            mistake, at = jq_fault(text)
            if mistake:
                inside = place_inside(document, path, text, at, portal.texts)
                message = f"the migrate of {name!r} isn't valid jq: {mistake}"
                yield Found(document, path, message, "try it with `jq` on one entity", inside)
            elif ENVIRONMENT.search(text):
                message = f"the migrate of {name!r} reads the environment, which Port doesn't have"
                yield Found(document, path, message, "take the value from `.properties` or `.relations`")


RULE = Rule("PC207", check)
