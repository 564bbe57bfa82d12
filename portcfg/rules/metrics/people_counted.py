"""PC601: records of days counted under a title about people."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.metrics.figures import Count, counts, is_daily, spans, title_of
from portcfg.rules.metrics.words import PEOPLE, RECORDS, words
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

ONE_DAY = ("today", "yesterday", "lastDay")


def check(portal: Portal) -> Iterator[Found]:
    """One day's records of people are people; those of a month are people times days."""
    for count in counts(portal):
        title = words(title_of(count.widget, count.series))
        if is_daily(count.shape) and title & PEOPLE and not title & RECORDS and not _of_one_day(count):
            message = (
                f"this counts the records of {count.series.blueprint}, one a day, and is titled {count.widget.title!r}"
            )
            yield count.found(message, _hint(count))


def _of_one_day(count: Count) -> bool:
    body = count.widget.body
    by_day = body.get("timeInterval") in ("hour", "day") or count.series.body.get("averageOf") in ("hour", "day")
    one_day = any(span in ONE_DAY for span in spans(count.series, count.widget))
    return (by_day or one_day) and bool(_people(count))


def _people(count: Count) -> list[str]:
    """What tells whose record it is: with that, a day's records are people."""
    names = {**count.shape.fields, **count.shape.relations}
    return [
        name
        for name, each in names.items()
        if each.section != "meta" and words(name) & (PEOPLE | {"email"}) and each.type != "number"
    ]


def _hint(count: Count) -> str:
    numbers = [name for name, each in count.shape.fields.items() if each.type == "number" and words(name) & PEOPLE]
    if numbers:
        return f"average {numbers[0]}, which is of each day, or say records in the title"
    return "count the people's own blueprint, or say records in the title"


RULE = Rule("PC601", check, "info")
