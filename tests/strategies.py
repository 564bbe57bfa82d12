"""Hypothesis strategies for specs: blueprints that refer to each other in every way, and dashboards over them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from portcfg.model import Body

NAMES = ("alpha", "beta", "gamma", "delta")
# A property's type and format can't change once Port has it, so each name has one.
PROPERTIES: dict[str, Body] = {
    "size": {"type": "number"},
    "day": {"type": "string", "format": "date-time"},
    "level": {"type": "string", "enum": ["low", "high"]},
    "createdAt": {"type": "string"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "__flag": {"type": "boolean", "default": False},
}
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@st.composite
def blueprints(draw: st.DrawFn) -> list[Body]:
    """One to four blueprints that Port takes, in whatever order they must be written."""
    names = NAMES[: draw(st.integers(1, 4))]
    bodies = [_bare(draw, name, names) for name in names]
    for body in bodies:
        _computed(draw, body, {body["identifier"]: body for body in bodies})
    return bodies


def _bare(draw: st.DrawFn, name: str, names: tuple[str, ...]) -> Body:
    chosen = draw(st.lists(st.sampled_from(sorted(PROPERTIES)), unique=True))
    properties = {key: {**PROPERTIES[key], "title": draw(TEXT)} for key in chosen}
    relations = {}
    for target in draw(st.lists(st.sampled_from(names), unique=True, max_size=3)):
        many = draw(st.booleans())
        relations[f"to_{target}"] = {"target": target, "many": many, "required": not many and draw(st.booleans())}
    schema: Body = {"properties": properties}
    if chosen and draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from(chosen), unique=True))
    body: Body = {"identifier": name, "title": draw(TEXT), "schema": schema, "relations": relations}
    body |= draw(st.fixed_dictionaries({}, optional={"icon": st.just("Git"), "description": TEXT}))
    if "size" in properties and draw(st.booleans()):
        body["calculationProperties"] = {"twice": {"type": "number", "calculation": ".properties.size * 2"}}
    return body


def _computed(draw: st.DrawFn, body: Body, known: dict[str, Body]) -> None:
    """Aggregations over whatever is linked, and mirrors along relations, also of computed properties elsewhere."""
    name = body["identifier"]
    linked = {relation["target"] for relation in body["relations"].values()}
    linked |= {other for other, at in known.items() if any(r["target"] == name for r in at["relations"].values())}
    if linked and draw(st.booleans()):
        target = draw(st.sampled_from(sorted(linked)))
        spec = {"func": "count", "calculationBy": "entities"}
        if "size" in known[target]["schema"]["properties"] and draw(st.booleans()):
            spec = {"func": "sum", "calculationBy": "property", "property": "size"}
        body["aggregationProperties"] = {"total": {"title": "Total", "target": target, "calculationSpec": spec}}
    mirrors: dict[str, Any] = {}
    for relation, link in body["relations"].items():
        other = known[link["target"]]
        ends = [*other["schema"]["properties"], *other.get("calculationProperties", {}), "$identifier"]
        ends += other.get("aggregationProperties", {})
        # A mirror of a mirror, towards earlier names only, so that there is an end.
        ends += other.get("mirrorProperties", {}) if link["target"] < name else {}
        for end in draw(st.lists(st.sampled_from(ends), unique=True, max_size=2)):
            mirrors[f"{relation}_{end.strip('$')}"] = {"title": end, "path": f"{relation}.{end}"}
    if mirrors:
        body["mirrorProperties"] = mirrors


def _number(names: tuple[str, ...]) -> st.SearchStrategy[Body]:
    function = st.sampled_from([{"count": "entities"}, {"sum": "size"}, {"average": "size", "decimals": 1}])
    base = st.fixed_dictionaries(
        {"type": st.just("number"), "blueprint": st.sampled_from(names)}, optional={"title": TEXT}
    )
    return st.builds(lambda one, two: {**one, **two}, base, function)


@st.composite
def dashboards(draw: st.DrawFn, names: tuple[str, ...]) -> Body:
    """A dashboard in the short form, or in Port's own."""
    text = st.fixed_dictionaries({"type": st.just("text"), "title": TEXT, "markdown": st.text(max_size=20)})
    table = st.fixed_dictionaries(
        {
            "type": st.just("table"),
            "blueprint": st.sampled_from(names),
            "columns": st.permutations(["$title", "size", "day"]),
            "sort": st.just(["-day"]),
        }
    )
    line = st.fixed_dictionaries(
        {
            "type": st.just("line"),
            "blueprint": st.sampled_from(names),
            "sum": st.just(["size"]),
            "by": st.just("day"),
            "every": st.sampled_from(["day", "week"]),
        }
    )
    widgets = draw(st.lists(st.one_of(_number(names), text, table, line), min_size=1, max_size=5))
    page: Body = {"identifier": "page", "title": draw(TEXT)}
    if draw(st.booleans()):
        keyed = {f"w{number}": widget for number, widget in enumerate(widgets)}
        return {**page, "rows": [[key] for key in draw(st.permutations(list(keyed)))], "widgets": keyed}
    own = [{"type": "markdown", "title": draw(TEXT), "markdown": draw(st.text(max_size=20))} for _ in widgets]
    return {**page, "type": "dashboard", "widgets": own}


@st.composite
def specs(draw: st.DrawFn) -> list[tuple[str, Body]]:
    """(folder, body) of each resource of a specs folder."""
    found = draw(blueprints())
    names = tuple(body["identifier"] for body in found)
    pages = draw(st.lists(dashboards(names), max_size=1))
    return [*(("blueprints", body) for body in found), *(("dashboards", page) for page in pages)]
