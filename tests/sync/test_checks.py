"""What is found in a mapping without running it, and what its schema accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from portcfg.errors import InvalidSpecsError
from portcfg.kinds import KINDS
from portcfg.pipeline import read_specs
from portcfg.sync.checks import mapping_problems
from tests.sync.support import ROOT, mapping_of, shipped_bodies

SCHEMA = KINDS["mapping"].schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def resource(properties: dict[str, Any], **selector: Any) -> dict[str, Any]:
    mappings = {"identifier": ".id", "blueprint": '"b"', "properties": properties}
    return {"kind": "/x", "selector": {"query": "true", **selector}, "port": {"entity": {"mappings": mappings}}}


def found(body: Any) -> list[tuple[str, str]]:
    return [(".".join(map(str, path)), message) for path, message, _ in mapping_problems(body)]


def test_the_shipped_mappings_are_without_findings() -> None:
    for folder in ("specs", "specs/examples"):
        for body in shipped_bodies("mapping", folder).values():
            known = {**read_specs(ROOT / "specs").project.variables, "org": "acme"}
            assert found({**body["config"], "vars": known}) == []
            assert list(VALIDATOR.iter_errors(body["config"])) == []


CASES: dict[str, tuple[Any, str, str]] = {
    "jq": ([resource({"a": ".x |"})], "0.port.entity.mappings.properties.a", "jq can't compile `.x |`"),
    "environment": ([resource({"a": "env.KEY"})], "0.port.entity.mappings.properties.a", "`env` is not allowed"),
    "unknown variable": (
        [resource({"a": "$nope", "b": "$nope + 1"})],
        "0.port.entity.mappings.properties.a",
        "`vars.nope` isn't set in portcfg.yaml",
    ),
    "text for a condition": (
        {"vars": {"idle": "no"}, "variables": {"idle": {"type": "boolean"}}, "resources": []},
        "variables.idle",
        "`vars.idle`: 'no' is text, not true or false; write true or false",
    ),
    "a variable's key": (
        {"vars": {"teams": {"Ann": "x"}}, "variables": {"teams": {"propertyNames": {"pattern": "^[a-z]+$"}}}},
        "variables.teams",
        "`vars.teams`: 'Ann' does not match",
    ),
    "a variable's item": (
        {"vars": {"teams": {"ann": 5}}, "variables": {"teams": {"additionalProperties": {"type": "string"}}}},
        "variables.teams",
        "`vars.teams.ann`: 5 is not of type 'string'",
    ),
    "no JSON Schema": (
        {"vars": {"a": 1}, "variables": {"a": {"type": "text"}}},
        "variables.a",
        "is no JSON Schema",
    ),
    "unknown stream": (
        {"resources": [resource({}, stream="s")], "streams": {"t": {"path": "/t"}}},
        "resources.0.selector.stream",
        "there is no stream `s`",
    ),
    "unknown lookup": (
        {"resources": [resource({"a": "$lookup.teams[.x]"})]},
        "resources.0.port.entity.mappings.properties.a",
        "there is no lookup `teams`",
    ),
    "a lookup's stream": (
        {"lookups": {"l": {"stream": "s", "key": ".a", "value": ".b"}}, "resources": []},
        "lookups.l.stream",
        "there is no stream `s`",
    ),
    "the jq of a day": (
        {"streams": {"s": {"path": "/s", "window": {"day": ".date |"}}}, "resources": [resource({}, stream="s")]},
        "streams.s.window.day",
        "jq can't compile `.date |`",
    ),
    "a window without a day beside one with it": (
        {
            "streams": {"s": {"path": "/s", "window": {"day": ".date"}}, "t": {"path": "/t", "window": {}}},
            "resources": [resource({}, stream="s"), resource({}, stream="t")],
        },
        "streams.t.window",
        "says no `day`, while another window does",
    ),
    "groups of several days": (
        {
            "streams": {"s": {"path": "/s", "window": {"day": ".date"}}},
            "resources": [
                resource({}, stream="s", group_by={"who": ".email", "day": ".date"}),
                resource({}, stream="s", group_by={"who": ".email", "month": ".date[:7]"}),
            ],
        },
        "resources.1.selector.group_by",
        "doesn't group by the stream's day, `.date`",
    ),
    "groups of several days of one's own request": (
        [resource({}, window={"days": 30, "day": ".date"}, group_by={"who": ".email"})],
        "0.selector.group_by",
        "doesn't group by the stream's day, `.date`",
    ),
    "two writers": (
        {"fill": {}, "resources": [resource({"a": ".x"}), resource({"a": ".y"})]},
        "resources.1.port.entity.mappings.properties.a",
        "resources[0] writes `b.a` too",
    ),
    "the environment": (
        {"resources": [resource({}, exportEnvVariables=["HOME"])]},
        "resources.0.selector.exportEnvVariables",
        "jq doesn't see the environment here, where secrets are: HOME",
    ),
    "a parameter of the path without values": (
        {"streams": {"s": {"path": "/a/{id}"}}, "resources": []},
        "streams.s.path_parameters",
        "`/a/{id}` and `path_parameters` name different parameters",
    ),
    "values for no parameter of the path": (
        [resource({}, path_parameters={"id": {"endpoint": "/ids", "field": ".id"}})],
        "0.selector.path_parameters",
        "name different parameters",
    ),
    "jq of a parameter": (
        {
            "streams": {"s": {"path": "/a/{id}", "path_parameters": {"id": {"endpoint": "/ids", "field": ".id |"}}}},
            "resources": [],
        },
        "streams.s.path_parameters.id.field",
        "jq can't compile `.id |`",
    ),
    "aggregator": (
        {"resources": [resource({}, group_by={"a": ".a"}, aggregate={"n": {"total": ".n"}})]},
        "resources.0.selector.aggregate.n.total",
        "says no aggregator",
    ),
    "latest": (
        {"resources": [resource({}, group_by={"a": ".a"}, aggregate={"n": {"latest": ".n"}})]},
        "resources.0.selector.aggregate.n.latest",
        "`latest` takes {by, value}",
    ),
    "aggregate alone": (
        {"resources": [resource({}, aggregate={"n": {"sum": ".n"}})]},
        "resources.0.selector.aggregate",
        "`aggregate` needs `group_by`",
    ),
    "a taken name": ({"vars": {"window": 1}, "resources": []}, "vars.window", "`window` can't be a variable"),
    "a parameter": (
        {"resources": [resource({}, query_params={"a": "literal |", "b": "$window.nope |"})]},
        "resources.0.selector.query_params.b",
        "jq can't compile `$window.nope |`",
    ),
    "rows": ({"streams": {"s": {"path": "/", "rows": "select("}}, "resources": []}, "streams.s.rows", "is not closed"),
}


@pytest.mark.parametrize("name", CASES)
def test_findings(name: str) -> None:
    body, path, message = CASES[name]
    ((where, text),) = found(body)
    assert where == path
    assert message in text


def test_every_unset_variable_is_told_and_the_rest_of_the_expression_looked_at() -> None:
    messages = [message for _, message in found([resource({"a": "$one + $two | nope", "b": "$two"})])]
    assert messages[:2] == ["`vars.one` isn't set in portcfg.yaml", "`vars.two` isn't set in portcfg.yaml"]
    assert len(messages) == 3 and "nope" in messages[2]


@pytest.mark.parametrize("text", ["yes", "no", "on", "off", "true", "false"])
def test_the_shipped_mapping_takes_no_text_for_skip_idle(text: str) -> None:
    config = shipped_bodies("mapping")["cursor"]["config"]
    good = {**config["vars"], "skip_idle": False, "teams": {"ann@example.com": "A"}}
    assert found({**config, "vars": good}) == []
    ((path, message),) = found({**config, "vars": {**good, "skip_idle": text}})
    assert path == "variables.skip_idle" and message.endswith("write true or false")
    assert len(found({**config, "vars": {**good, "teams": {"Ann@example.com": "A", "bob@example.com": 1}}})) == 2


def test_what_is_fine() -> None:
    same = [resource({"a": ".x"}), resource({"a": ".x"})]
    assert found(same) == []
    ruled = {"resources": [resource({"a": ".x"}), resource({"a": ".y"})], "merge": {"b": {"a": "max"}}}
    assert found(ruled) == []
    ocean = [resource({"a": ".x"}, startDate="30d")]
    assert found({"runner": "ocean", "resources": [*ocean, resource({"a": ".y"})]}) == []


def test_bodies_of_any_shape_are_survived() -> None:
    for body in (None, [], "x", {"resources": [None, 5, {"port": []}]}, {"streams": [1], "resources": "x", "vars": 2}):
        list(mapping_problems(body))


def test_a_prefix_is_put_before_every_path() -> None:
    ((path, _, _),) = mapping_problems({"resources": [resource({"a": "env"})]}, ("config",))
    assert path[:3] == ("config", "resources", 0)


def test_ocean_s_own_integrations_are_accepted(reference_dir: Path) -> None:
    files = sorted((reference_dir / "corpus").glob("*/port-app-config.y*ml"))
    assert len(files) > 5
    for file in files:
        body = yaml.safe_load(file.read_text())
        for shape in (body, {**body, "runner": "ocean"}, body["resources"]):
            assert list(VALIDATOR.iter_errors(shape)) == [], file
        assert found({**body, "runner": "ocean"}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sorce": {}}, "'sorce' was unexpected"),
        ({"resources": [{**resource({}), "selector": {"query": "true", "strem": "s"}}]}, "'strem' was unexpected"),
        ({"source": {"base_url": "https://x.test", "auth": {"type": "basic", "password": "p"}}}, "'password'"),
        ({"source": {"base_url": "https://x.test", "auth": {"type": "bearer"}}}, "'token_env' is a required"),
        ({"streams": {"s": {"path": "/", "pagination": {"type": "pages"}}}}, "'pages' is not one of"),
        ({"merge": {"b": {"a": "last"}}}, "'last' is not one of"),
        ({"streams": {"s": {"path": "/", "shape": {"a": "text"}}}}, "does not match"),
        ({"missing_relations": "ignore"}, "not valid under any"),
    ],
)
def test_the_schema_refuses(change: dict[str, Any], message: str) -> None:
    body = {"source": {"base_url": "https://x.test"}, "resources": [], **change}
    assert any(message in error.message for error in VALIDATOR.iter_errors(body))


def test_every_key_of_the_schema_is_described() -> None:
    for part in (SCHEMA, *(SCHEMA["$defs"][name] for name in ("source", "stream", "pagination", "window", "dedupe"))):
        for key, value in part["properties"].items():
            text = value.get("description") or SCHEMA["$defs"].get(str(value.get("$ref", "")).split("/")[-1], {})
            assert text, key


def test_what_cannot_be_run_here_is_refused_with_the_reason() -> None:
    adding = resource({}, creates="false")
    with pytest.raises(InvalidSpecsError) as caught:
        mapping_of({"runner": "ocean", "source": {}, "enableMergeEntity": False, "resources": [adding]})
    messages = [problem.message for problem in caught.value.problems]
    assert any("`ocean` runs this mapping" in message for message in messages)
    assert any("no source.base_url" in message for message in messages)
    assert any("`creates` adds to entities" in message for message in messages)


def test_the_shipped_mapping_keeps_the_customers_expressions() -> None:
    """What the document gives in the same words stands unchanged, but that repositories go by a map."""
    shipped = {item["kind"]: item for item in shipped_bodies("mapping")["cursor"]["config"]["resources"]}
    examples = shipped_bodies("mapping", "specs/examples")
    for kind, example in (
        ("organization daily usage", "cursor-organization-usage"),
        ("/analytics/ai-code/commits", "cursor-commits"),
    ):
        (theirs,) = examples[example]["config"]["resources"]
        port, mapped = shipped[kind]["port"], theirs["port"]["entity"]["mappings"].get("relations", {})
        if "repository" in mapped:
            assert mapped["repository"] in port["entity"]["mappings"]["relations"]["repository"]
            port["entity"]["mappings"]["relations"]["repository"] = mapped["repository"]
        assert port == theirs["port"]
    (changes,) = examples["cursor-code-changes"]["config"]["resources"]
    ours = shipped["/analytics/ai-code/changes"]["port"]["entity"]["mappings"]["properties"]
    theirs_written = changes["port"]["entity"]["mappings"]["properties"]
    assert {key: value for key, value in theirs_written.items() if key != "unique_file_extensions"} == ours
