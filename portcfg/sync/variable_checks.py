"""Variables of a mapping against what it says of them itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema

from portcfg.sync.findings import Finding
from portcfg.sync.findings import as_mapping as _mapping
from portcfg.sync.jq_checks import short


def unfit_variables(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Values that the mapping's own `variables` don't allow. Those that are not set are found where they are read."""
    values = _mapping(body.get("vars"))
    for name, schema in _mapping(body.get("variables")).items():
        if name not in values or not isinstance(schema, Mapping):
            continue
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as wrong:
            yield ("variables", name), f"is no JSON Schema: {short(wrong.message)}", ""
            continue
        for error in jsonschema.Draft202012Validator(schema).iter_errors(values[name]):
            where = ".".join(map(str, ("vars", name, *error.absolute_path)))
            yield ("variables", name), f"`{where}`: {_unfit(error)}", str(schema.get("description", ""))


def _unfit(error: jsonschema.ValidationError) -> str:
    if error.validator == "type" and error.validator_value == "boolean" and isinstance(error.instance, str):
        return f"{short(error.instance)!r} is text, not true or false; write true or false"
    return short(error.message)
