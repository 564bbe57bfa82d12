"""PC330: arithmetic with what may be null."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.jq_types import Type
from portcfg.rules.mappings.reads import unguarded
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule
from portcfg.sync.jq_checks import parsed


def check(portal: Portal) -> Iterator[Found]:
    """`-`, `*` and `/` fail on null, where `+` takes it; with Ocean the value is null then, and no row is lost."""
    for each in portal.inferred:
        tree = parsed(each.text) if each.text and each.written.runs_here else None
        for operator, path in unguarded(tree) if tree else ():
            if "null" in _at(each.row, path).kinds:
                name = "." + ".".join(path)
                message = f"`{operator}` fails where `{name}` is null or missing, and the row is rejected"
                hint = f"say what it is in the stream's `shape`, or what then counts: `({name} // 0)`"
                yield each.written.found(message, hint)
                break


def _at(row: Type, path: tuple[str, ...]) -> Type:
    for name in path:
        row = row.get(name) | row.only("null")
    return row


RULE = Rule("PC330", check, "info")
