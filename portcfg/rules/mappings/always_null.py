"""PC331: properties that are null in every row."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.inferred import Inferred
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_text import plain_path


def check(portal: Portal) -> Iterator[Found]:
    """Paths that lead nowhere: mostly a field of `group_by` and `aggregate` by another name. `null` itself is meant."""
    written = {
        (each.written.blueprint, each.written.section, each.written.name)
        for each in portal.inferred
        if each.type.kinds - {"null"}
    }
    for each in portal.inferred:
        key = each.written.blueprint, each.written.section, each.written.name
        # What another resource gives stays: a null says nothing.
        if plain_path(each.text) and each.type.kinds == {"null"} and key not in written:
            path, hint = _lost(each)
            message = f"`{path}` is in no row, so this is always null"
            yield each.written.found(message, hint)


def _lost(each: Inferred) -> tuple[str, str]:
    """(the path as far as nothing is there, what is there)"""
    row, path = each.row, ""
    for name in each.text.split(".")[1:]:
        path += f".{name}"
        if name not in row.fields:
            return path, meant(name, row.fields, "fields")
        row = row.fields[name]
    return path, "it is null wherever it is made"


RULE = Rule("PC331", check, "warning")
