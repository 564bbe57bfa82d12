"""Several addresses of one person as one: a mapping's `aliases`, applied to every row before anything looks at it.

Only what is listed is merged. `ann+test@x` is not `ann@x` by itself: some services give such addresses to other people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.sync.findings import Finding, as_mapping

ONE_STEP = "name the address that counts for each of the others; an address that counts is no alias itself"


def aliases_of(body: Mapping[str, Any], variables: Mapping[str, Any]) -> Mapping[str, str]:
    """`aliases` of a mapping's body, address by address; `$name` there means the variable of that name."""
    given = body.get("aliases", {})
    return as_mapping(variables.get(given.removeprefix("$")) if isinstance(given, str) else given)


def alias_problems(body: Mapping[str, Any], variables: Mapping[str, Any]) -> Iterator[Finding]:
    """Addresses that are another one's alias and stand for somebody themselves: chains and cycles."""
    aliases = aliases_of(body, variables)
    given = body.get("aliases")
    if isinstance(given, str) and given.removeprefix("$") not in variables:
        yield ("aliases",), f"there is no variable `{given}`", "put it under `vars` of portcfg.yaml, {} for none"
    for old, new in aliases.items():
        if not all(isinstance(item, str) and "@" in item and item == tidy(item) for item in (old, new)):
            hint = "such as {old@example.com: new@example.com}"
            yield ("aliases",), f"`{old}: {new}` are not two addresses in lower case", hint
        elif old == new:
            yield ("aliases",), f"`{old}` is its own alias", "leave it out"
        elif new in aliases:
            yield ("aliases",), f"`{old}` becomes `{new}`, which becomes `{aliases[new]}`", ONE_STEP


def tidy(address: str) -> str:
    """An address as it is compared."""
    return address.strip().lower()


def renamed(value: Any, aliases: Mapping[str, str]) -> Any:
    """A JSON value with each text that is an alias replaced; keys, and addresses inside longer texts, stay."""
    if isinstance(value, str):
        return aliases.get(tidy(value), value) if "@" in value else value
    if isinstance(value, list):
        return [renamed(item, aliases) for item in value]
    if isinstance(value, dict):
        return {key: renamed(item, aliases) for key, item in value.items()}
    return value
