"""A body in its compared form -> the same said as its spec says it: what `drift --adopt` writes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portcfg.kinds.dashboard import SHORT_KEYS, decompile
from portcfg.kinds.mapping import OWN_KEYS, PASSED_KEYS
from portcfg.model import Body, Project


def respelled(kind: str, shaped: Body, spec: Body, project: Project) -> Body | None:
    """`shaped` (what `comparable` gives) in the form that `spec` is written in; None if that form can't say it."""
    return _SPELLINGS.get(kind, _as_it_is)(shaped, spec, project)


def _as_it_is(shaped: Body, _: Body, __: Project) -> Body:
    return shaped


def _mapping(shaped: Body, spec: Body, _: Project) -> Body:
    own = {key: shaped[port_key] for key, port_key in OWN_KEYS.items() if port_key in shaped}
    own |= {key: shaped[key] for key in PASSED_KEYS if key in shaped}
    return {**own, "config": shaped["config"]} if "config" in spec else {**own, **shaped["config"]}


def _dashboard(shaped: Body, spec: Body, project: Project) -> Body | None:
    page = {**shaped, "widgets": _listed(shaped.get("widgets") or {})}
    if not isinstance(spec.get("widgets"), dict):
        return page
    short = decompile(page, project)
    if not isinstance(short["widgets"], dict):
        return None
    return {**{key: value for key, value in shaped.items() if key not in SHORT_KEYS}, **_only_short(short)}


def _only_short(spec: Body) -> Body:
    return {key: spec[key] for key in SHORT_KEYS if key in spec}


def _listed(widgets: Mapping[str, Any]) -> list[Any]:
    """Widgets by id as the list that they were, in the order that is kept beside them."""
    order = widgets.get("(order)") or list(widgets)
    return [_whole(widgets[name]) for name in order if name in widgets]


def _whole(widget: Body) -> Body:
    shaped = dict(widget)
    if isinstance(shaped.get("widgets"), dict):
        shaped["widgets"] = _listed(shaped["widgets"])
    if isinstance(shaped.get("groups"), list):
        shaped["groups"] = [{**group, "widgets": _listed(group.get("widgets") or {})} for group in shaped["groups"]]
    return shaped


_SPELLINGS: Mapping[str, Callable[[Body, Body, Project], Body | None]] = {"mapping": _mapping, "dashboard": _dashboard}
