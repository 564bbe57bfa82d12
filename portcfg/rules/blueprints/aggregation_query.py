"""PC220: the query of an aggregation that Port refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portcfg.model import Path
from portcfg.rules.blueprints.ways import members
from portcfg.rules.nearest import meant
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

SECTION = ("aggregationProperties",)
# port-api.md §3.6.
WITHOUT_VALUE = ("isEmpty", "isNotEmpty", "isExpired", "isNotExpired")
OPERATORS = (
    *("=", "!=", ">", ">=", "<", "<=", "between", "notBetween", "in", "notIn", "contains", "containsAny"),
    *("doesNotContains", "beginsWith", "doesNotBeginsWith", "endsWith", "doesNotEndsWith", "matchAny", "relatedTo"),
    *WITHOUT_VALUE,
)
SUBJECTS = ("property", "relation", "scorecard", "propertySchema")


def check(portal: Portal) -> Iterator[Found]:
    """A query is `{combinator, rules}`, and each rule another one, or what, an operator and a value."""
    for document, name, aggregation in members(portal, SECTION):
        if "query" in aggregation:
            for path, message, hint in _query((*SECTION, name, "query"), aggregation["query"]):
                yield Found(document, path, message, hint)


def _query(path: Path, query: Any) -> Iterator[tuple[Path, str, str]]:
    if not query:
        yield path, "the query is empty", "leave it out"
        return
    if query.get("combinator") not in ("and", "or"):
        place = (*path, "combinator") if "combinator" in query else path
        yield place, "a query combines its rules by `and` or `or`", "write `combinator: and`"
    rules = query.get("rules")
    if not isinstance(rules, list):
        yield (*path, "rules") if "rules" in query else path, "a query has a list of rules", "write `rules: [...]`"
        return
    for index, rule in enumerate(rules):
        place = (*path, "rules", index)
        if not isinstance(rule, dict):
            yield place, "a rule is a mapping", "as in `{property: status, operator: '=', value: open}`"
        elif {"combinator", "rules"} & rule.keys():
            yield from _query(place, rule)
        else:
            yield from _rule(place, rule)


def _rule(path: Path, rule: dict[str, Any]) -> Iterator[tuple[Path, str, str]]:
    operator = rule.get("operator")
    if operator is None:
        yield path, "the rule has no operator", "as in `operator: '='`"
    elif operator not in OPERATORS:
        yield (
            (*path, "operator"),
            f"{operator!r} is no operator of Port's",
            meant(str(operator), OPERATORS, "operators"),
        )
    elif operator != "relatedTo":
        if not any(key in rule for key in SUBJECTS):
            yield path, "the rule doesn't say what it looks at", "name a property of the target: `property: status`"
        elif operator not in WITHOUT_VALUE and "value" not in rule and "propertySchema" not in rule:
            yield path, f"the rule has no value for {operator!r}", "add `value`"


RULE = Rule("PC220", check)
