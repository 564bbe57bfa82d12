"""What the values of a widget's keys are made of, as data, and a check of it (port-api.md §4.3 to 4.5).

A form is the name of a kind of value, `[form]` for a list of them, `{key: form}` for a mapping with those keys alone;
a key that ends in `!` must be there, and `*` stands for any other key. A tuple
has the values themselves, a range the numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Path
from portcfg.rules.nearest import meant

KINDS: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "true or false": (bool,),
    "a mapping": (dict,),
    "text or nothing": (str, type(None)),
}
_SETTINGS: Mapping[str, Any] = {
    "filterSettings": "a mapping",
    "groupSettings": {"groupBy": ["text"]},
    "sortSettings": {"sortBy": [{"property!": "text", "order!": ("asc", "desc")}]},
    "propertiesSettings": {"hidden": ["text"], "shown": ["text"], "order": ["text"]},
    "tabIndex": "number",
    "hidden": "true or false",
    "title": "text",
    "description": "text",
}
_TEXTS = (
    *(
        "title",
        "icon",
        "description",
        "emptyStateText",
        "blueprint",
        "property",
        "entity",
        "measureTimeBy",
        "unitCustom",
    ),
    *("breakdownProperty", "xAxisTitle", "yAxisTitle", "entitiesQueryMode", "markdown", "blueprintIdentifier", "url"),
    *("entityIdentifier", "propertyIdentifier", "tokenUrl", "authorizationUrl", "clientId", "action", "runId"),
    *("agentIdentifier", "user_email", "team_name", "pluginId", "activeGroupUrlParam"),
)
FORMS: Mapping[str, Any] = {
    **dict.fromkeys(_TEXTS, "text"),
    "excludedFields": ["text"],
    "hiddenBlueprints": ["text"],
    "hiddenQuery": ["text"],
    "order": ["text"],
    "scopes": ["text"],
    "groupsOrder": ["text"],
    "dontAggregateOther": "true or false",
    "showEmptyValues": "true or false",
    "useMCP": "true or false",
    "entitiesQueryMaxResults": "number",
    "tableConfig": "a mapping",
    "query": "a mapping",
    "lines": ["a mapping"],
    "links": [{"title!": "text", "url!": "text", "description": "text", "icon": "text"}],
    "actions": [{"action!": "text", "*": None}],
    "baselines": [{"name": "text", "value!": "number", "color": "text"}],
    "layout": [{"height!": "number", "columns!": [{"size!": "number", "id!": "text"}]}],
    "groups": [{"title!": "text", "icon": "text", "widgets!": ["a mapping"]}],
    "widgets": ["a mapping"],
}
TABLE: Mapping[str, Any] = {"blueprintConfig": {"*": _SETTINGS}}
RUNS: Mapping[str, Any] = {
    "query": {
        **dict.fromkeys(("entity", "blueprint", "user_email", "user_id", "external_run_id", "action"), "text"),
        "active": "true or false",
        "limit": range(1, 1001),
        "version": ("v1", "v2"),
        "source": [("UI", "API", "AUTOMATION")],
    }
}
# Forms of some types alone.
OF_TYPE: Mapping[str, Mapping[str, Any]] = {
    "table-entities-explorer": TABLE,
    "table-entities-explorer-by-direction": {"blueprintConfig": "a mapping"},
    "runs-table": RUNS,
    "users-table": {"query": {"team": "text", "*": None}},
    "teams-table": {"query": {"user": "text", "*": None}},
}
# Lists that Port wants something in.
NOT_EMPTY = ("actions",)


def form_mistakes(value: Any, form: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    """(path, message, hint) of every part of `value` that isn't of the form."""
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    if isinstance(form, str):
        if not isinstance(value, KINDS[form]) or (isinstance(value, bool) and form == "number"):
            yield path, f"`{name}` is {form}, and not {value!r}", "text stands in quotes" if form == "text" else ""
    elif isinstance(form, tuple):
        if value not in form:
            yield path, f"{value!r} is no value of `{name}`", meant(str(value), form, "values")
    elif isinstance(form, range):
        if isinstance(value, bool) or not isinstance(value, int | float) or not form[0] <= value <= form[-1]:
            yield path, f"`{name}` is from {form[0]} to {form[-1]}, and not {value!r}", ""
    elif isinstance(form, list):
        if not isinstance(value, list) or (not value and name in NOT_EMPTY):
            yield path, f"`{name}` is a list{', and not empty' if name in NOT_EMPTY else ''}", "write `[...]`"
        else:
            for index, item in enumerate(value):
                yield from form_mistakes(item, form[0], (*path, index))
    elif form is not None:
        yield from _mapping(value, form, path, name)


def _mapping(value: Any, form: Mapping[str, Any], path: Path, name: str) -> Iterator[tuple[Path, str, str]]:
    if not isinstance(value, dict):
        yield path, f"`{name}` is a mapping, and not {value!r}", f"with the keys {', '.join(_names(form))}"
        return
    for key in form:
        if key.endswith("!") and key[:-1] not in value:
            yield path, f"`{name}` lacks the key `{key[:-1]}`", f"its keys are {', '.join(_names(form))}"
    for key, part in value.items():
        if key not in _names(form) and "*" not in form:
            yield (*path, key), f"`{name}` has no key `{key}`", meant(str(key), _names(form), "keys")
        else:
            yield from form_mistakes(part, form.get(key, form.get(f"{key}!", form.get("*"))), (*path, key))


def _names(form: Mapping[str, Any]) -> list[str]:
    return [key.removesuffix("!") for key in form if key != "*"]
