"""Hypothesis strategies for specs: blueprints that refer to each other in every way, and what is built on them."""

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


def _rules(name: str) -> Body:
    return {"combinator": "and", "rules": [{"property": "$blueprint", "operator": "=", "value": name}]}


def widget_kinds(name: str) -> list[Body]:
    """One widget of each kind that Port has, over a blueprint."""
    data: Body = {"blueprint": name, "dataset": _rules(name)}
    number: Body = {"chartType": "countEntities", "calculationBy": "entities", "func": "count", "unit": "none"}
    times: Body = {"timeInterval": "quarter", "timeRange": {"preset": "last2Years"}}
    line: Body = {"chartType": "countEntities", "func": "count", "measureTimeBy": "$createdAt", **data}
    table: Body = {"propertiesSettings": {"order": ["$title"], "hidden": ["day"]}, "title": "All", "tabIndex": 0}
    inner: Body = {"id": "inner", "type": "markdown", "title": "Inner", "markdown": "# ${x}"}
    column: Body = {"height": 433, "columns": [{"size": 12, "id": "inner"}]}
    return [
        {"type": "entities-number-chart", "title": "Number", **number, **data},
        {"type": "entities-number-chart", **number, **data, "dataset": _rules(name)["rules"]},
        {"type": "entities-pie-chart", "property": "property#level", "icon": "Pie", **data},
        {"type": "bar-chart", "property": "scorecard#x", "dontAggregateOther": True, **data},
        {"type": "line-chart", **line, **times},
        {"type": "multi-line-chart", "title": "Lines", **times, "lines": [{"title": "One", **line}]},
        {"type": "table-entities-explorer", "displayMode": "widget", "blueprintConfig": {name: table}, **data},
        {"type": "table-entities-explorer-by-direction", "title": "By direction"},
        {"type": "markdown", "title": "Text", "markdown": "line\n\n  indented\n"},
        {"type": "iframe-widget", "title": "Frame", "url": "https://example.com", "urlType": "public"},
        {"type": "action-card-widget", "actions": [{"action": "do"}]},
        {"type": "links-widget", "title": "Links", "links": [{"title": "a", "url": "https://example.com"}]},
        {"type": "action-runs-table-widget", "action": "do", "displayMode": "widget"},
        {"type": "ai-agent", "agentIdentifier": "helper", "title": "Agent", "useMCP": False},
        {"type": "entity-info", "entity": "e", "blueprint": name, "showEmptyValues": False},
        {"type": "graph-entities-explorer", "title": "Graph", "dataset": _rules(name), "hiddenBlueprints": []},
        {"type": "runs-table", "query": {"active": True, "limit": 10}},
        {"type": "table-audit-log", "query": {}, "title": "Log"},
        {"type": "users-table", "query": {"team": "t"}},
        {"type": "run-info", "runId": "r", "title": "Run"},
        {"type": "my-entities", "title": "Mine"},
        {"type": "custom-widget", "pluginId": "p", "title": "Plugin", "paramValues": {"a": [1, None]}},
        {"type": "grouper", "displayMode": "tabs", "groups": [{"title": "G", "widgets": [inner]}]},
        {"type": "dashboard-widget", "layout": [column], "widgets": [inner]},
    ]


@st.composite
def own_pages(draw: st.DrawFn, identifier: str, names: tuple[str, ...]) -> Body:
    """A page in Port's own form: any widgets, some with an id, some titled anew."""
    kinds = widget_kinds(draw(st.sampled_from(names)))
    numbers = draw(st.lists(st.integers(0, len(kinds) - 1), unique=True, min_size=1, max_size=5))
    # Ids are unique in a page, and two of the kinds have the same inner widget.
    numbers = [number for number in numbers if number != len(kinds) - 1 or len(kinds) - 2 not in numbers]
    widgets = [{**({"id": f"w{number}"} if draw(st.booleans()) else {}), **kinds[number]} for number in numbers]
    page: Body = {"identifier": identifier, "title": draw(TEXT), "type": "dashboard", "widgets": widgets}
    return page | draw(st.fixed_dictionaries({}, optional={"icon": st.just("Git"), "showInSidebar": st.just(False)}))


@st.composite
def mappings(draw: st.DrawFn, identifier: str, blueprints: list[Body]) -> Body:
    """An Ocean's mapping, in portcfg's form or Port's own, that writes all that the blueprints have."""
    jq = st.sampled_from(["{0}", ".a // empty", "if {0} then {0} else null end", ".a\n| .b"])
    found: list[Body] = []
    for body in draw(st.lists(st.sampled_from(blueprints), max_size=3)):
        part: Body = {"identifier": ".id", "blueprint": f'"{body["identifier"]}"'}
        properties, relations = body["schema"]["properties"], body["relations"]
        for section, names in (("properties", properties), ("relations", relations)):
            part[section] = {name: draw(jq).format(f'.["{name}"]') for name in names}
        port: Body = {"entity": {"mappings": [part] if draw(st.booleans()) else part}}
        if draw(st.booleans()):
            port["itemsToParse"] = ".rows"
        found.append({"kind": "row", "selector": {"query": draw(st.sampled_from(["true", '.a == "x"']))}, "port": port})
    flags = {"deleteDependentEntities": st.booleans(), "createMissingRelatedEntities": st.booleans()}
    config: Body = {"resources": found, **draw(st.fixed_dictionaries({}, optional=flags))}
    spec: Body = {"identifier": identifier, "type": "custom"}
    return {**spec, "runner": "ocean", **config} if draw(st.booleans()) else {**spec, "config": config}


def _owned(draw: st.DrawFn, bodies: list[Body]) -> None:
    """Some have owners of their own, and some of what relates to these inherits them."""
    direct = [body for body in bodies if draw(st.booleans())]
    for body in direct:
        body["ownership"] = {"type": "Direct"} | draw(st.sampled_from([{}, {"title": "Owners"}]))
    owners = {body["identifier"] for body in direct}
    for body in bodies:
        paths = [name for name, relation in body["relations"].items() if relation["target"] in owners]
        if body not in direct and paths and draw(st.booleans()):
            body["ownership"] = {"type": "Inherited", "path": draw(st.sampled_from(paths))}


@st.composite
def specs(draw: st.DrawFn) -> list[tuple[str, Body]]:
    """(folder, body) of each resource of a specs folder."""
    found = draw(blueprints())
    _owned(draw, found)
    names = tuple(body["identifier"] for body in found)
    pages = draw(st.lists(dashboards(names), max_size=1))
    pages += [draw(own_pages(f"own{number}", names)) for number in range(draw(st.integers(0, 2)))]
    feeds = [draw(mappings(f"feed{number}", found)) for number in range(draw(st.integers(0, 2)))]
    return [
        *(("blueprints", body) for body in found),
        *(("dashboards", page) for page in pages),
        *(("mappings", feed) for feed in feeds),
    ]
