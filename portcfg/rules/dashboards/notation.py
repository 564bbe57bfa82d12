"""PC406: a property in the notation of another widget."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.dashboards.uses import LINES, NUMBER, PREFIXES, SLICES, TABLE, Read, reads
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

ROLES = ("value", "time", "column", "sort", "group", "filter")


def check(portal: Portal) -> Iterator[Found]:
    """Port takes any text, and shows nothing for what it doesn't understand (port-api.md §4.4)."""
    for read in reads(portal, *ROLES):
        wanted = _wanted(read)
        if read.field and wanted and read.use.written not in wanted:
            section = "" if read.field.section == "property" else f", since it is {_article(read.field.section)}"
            message = f"{read.use.written!r} isn't how {_widget(read)} names {read.use.name!r}"
            yield read.found(message, f"write {wanted[0]}{section}")


def _wanted(read: Read) -> tuple[str, ...]:
    """The ways to write this name here, best first; none where there is nothing to say."""
    name, field = read.use.name, read.field
    if not field or "." in read.use.written.removeprefix("properties.").removeprefix("relations."):
        return ()
    if read.use.role != "value":
        return () if read.use.role == "filter" and field.section == "relation" else (name,)
    if read.widget.type in SLICES:
        prefix = next((prefix for prefix, section in PREFIXES.items() if section == field.section), "")
        written = f"{prefix}#{name}" if prefix else name
        return (name, written) if read.widget.is_short and field.section == "property" else (written,)
    if read.widget.type in LINES and not read.widget.is_short:
        return (f"relations.{name}" if field.section == "relation" else f"properties.{name}",)
    return (name,) if read.widget.type in (NUMBER, TABLE, *LINES) else ()


def _widget(read: Read) -> str:
    if read.use.role != "value":
        return {"filter": "a filter", "time": "a time axis"}.get(read.use.role, "a table")
    words = {"entities-pie-chart": "a pie chart", "bar-chart": "a bar chart", "entities-number-chart": "a number chart"}
    return words.get(read.widget.type, "a line chart")


def _article(section: str) -> str:
    return f"an {section}" if section[0] in "aeiou" else f"a {section}"


RULE = Rule("PC406", check, "warning")
