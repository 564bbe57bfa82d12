"""A mapping's config as rules can read it: in Port's own form nobody else checks its shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portcfg.model import Body

# What a value must be: an object (by key, `*` for all others), a list of something, or what a function makes of it.
Form = Mapping[str, Any] | list[Any] | Callable[[Any], Any] | None


def shaped(config: Any) -> Body:
    """The config with {} and [] in place of what should be an object or a list, so that all places stay."""
    return dict(_fit(config, _CONFIG))


def _fit(value: Any, form: Form) -> Any:
    if callable(form):
        return form(value)
    if isinstance(form, list):
        return [_fit(item, form[0]) for item in value] if isinstance(value, list) else []
    if isinstance(form, Mapping):
        members = value.items() if isinstance(value, Mapping) else ()
        return {str(key): _fit(item, form.get(str(key), form.get("*"))) for key, item in members}
    return value


def _one_or_several(value: Any) -> Any:
    return _fit(value, [_ENTITY] if isinstance(value, list) else _ENTITY)


def _by_relation(value: Any) -> Any:
    return value if isinstance(value, str) else _fit(value, {"*": str})


def _whole(value: Any) -> Any:
    return value if type(value) is int else 0


def _flag_or_text(value: Any) -> Any:
    return value if isinstance(value, str | bool) else str(value)


_REQUEST: Mapping[str, Form] = {
    "window": {"days": _whole},
    "pagination": {},
    "dedupe": {},
    "path_parameters": {"*": {}},
    "shape": {"*": str},
}
_ENTITY: Mapping[str, Form] = {"properties": {}, "relations": {}}
_RESOURCE: Mapping[str, Form] = {
    "kind": str,
    "selector": {**_REQUEST, "stream": str, "query": _flag_or_text, "group_by": {}, "aggregate": {}},
    "port": {"itemsToParseName": str, "entity": {"mappings": _one_or_several}},
}
_CONFIG: Mapping[str, Form] = {
    **{key: {} for key in ("vars", "variables", "source", "privacy")},
    **{key: {"*": {}} for key in ("merge", "fill", "lookups")},
    "missing_relations": _by_relation,
    "report": {"*": [str]},
    "resources": [_RESOURCE],
    "retention": {"*": {}},
    "streams": {"*": {**_REQUEST, "path": str}},
}
