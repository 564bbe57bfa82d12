"""PC604: cents that are shown as if they were money."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.uses import NUMBER, Read
from portcfg.rules.metrics.figures import figures, title_of
from portcfg.rules.metrics.words import CENTS, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A unit or a title that says cents is enough; a currency's sign before cents is a hundredfold."""
    for read, field in figures(portal, "sum", "average", "min", "max", "median", "last"):
        if words(field.name, field.body.get("title")) & CENTS and not _says_so(read):
            unit = read.series.body.get("unit", "none")
            shown = "without a unit" if unit == "none" or read.widget.type != NUMBER else f"as {unit}"
            hint = (
                "`unit: cents`; for dollars let the mapping write a property divided by 100, since widgets can't divide"
            )
            yield read.found(f"{field.name!r} is in cents, and is shown {shown}", hint)


def _says_so(read: Read) -> bool:
    body = read.widget.body
    texts = (
        title_of(read.widget, read.series),
        body.get("description"),
        body.get("yAxisTitle"),
        body.get("unitCustom"),
    )
    is_money = body.get("unit") in ("$", "€", "£")
    return bool(words(*texts) & CENTS) and not is_money


RULE = Rule("PC604", check, "info")
