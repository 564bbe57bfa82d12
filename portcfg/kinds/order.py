"""The order of keys in a spec that portcfg writes: as the kind's JSON Schema lists them, which is as Port's docs do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Body

Schema = Mapping[str, Any]


def in_order(body: Body, schema: Schema) -> Body:
    """`body` with the keys that the schema lists first, in its order; names that people chose stay as they stand."""
    ordered: Body = _ordered(body, schema, schema)
    return ordered


def _ordered(value: Any, node: Any, root: Schema) -> Any:
    schema = _resolved(value, node, root)
    if isinstance(value, list):
        return [_ordered(item, schema.get("items"), root) for item in value]
    if not isinstance(value, dict):
        return value
    listed = schema.get("properties") or {}
    keys = [*(key for key in listed if key in value), *(key for key in value if key not in listed)]
    return {key: _ordered(value[key], listed.get(key, schema.get("additionalProperties")), root) for key in keys}


def _resolved(value: Any, node: Any, root: Schema) -> Schema:
    """The schema that knows the keys of `value`: references followed, and of alternatives the one that fits."""
    if not isinstance(node, Mapping):
        return {}
    if "$ref" in node:
        return _resolved(value, root["$defs"][node["$ref"].rpartition("/")[2]], root)
    fitting: Iterator[Schema] = (_resolved(value, part, root) for part in node.get("oneOf") or ())
    kind = "array" if isinstance(value, list) else "object"
    return next((part for part in fitting if part.get("type") == kind), node)
