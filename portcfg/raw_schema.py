"""The schema of a kind -> the one that an editor checks a file by, as it stands: with $include, <<, ${vars} and lists.

The kinds' own schemas describe a resource once includes are spliced in and variables have their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

VARIABLE = r"\$\{vars\."
SPLICED: Mapping[str, str] = {
    "$include": "A fragment's file, or a list of them: its keys stand here; those written here win.",
    "<<": "YAML's own merge: the keys of an anchor stand here; those written here win.",
}
# Where schemas stand inside a schema: one, several by name, several in a list.
_ONE = ("items", "additionalProperties", "then", "else")
_NAMED = ("properties", "patternProperties", "$defs")
_LISTED = ("allOf", "anyOf", "oneOf")
_TOLD = ("title", "description", "examples", "defaultSnippets")
# For portcfg's own messages.
_OURS = ("x-instead", "x-unknown", "x-beside", "x-unkept", "x-open")


def raw_schema(schema: Schema, name: str) -> Schema:
    """What a file of `name` (a kind, or project) may hold. JSON Schema 2020-12.

    What only the file's name tells isn't asked for: `_user.yaml` is a blueprint of Port's own, without an identifier.
    """
    loose = _loosened(_by_file_name(schema))
    head = {key: loose.pop(key) for key in ("$schema", "title", "description") if key in loose}
    one = {"$ref": "#/$defs/one"}
    named = loose.pop("$defs", {}) | {"one": loose}
    if name == "project":
        return {**head, "$defs": named, **one}
    # One resource, or a list of them; nothing, as after a last `---`.
    several: Schema = {"type": "array", "items": one}
    several = {"anyOf": [one, several]} if "array" in schema["type"] else several
    return {
        **head,
        "$defs": named,
        "if": {"type": "null"},
        "else": {"if": {"type": "array"}, "then": several, "else": one},
    }


def _by_file_name(schema: Schema) -> Schema:
    condition = schema.get("if", {})
    if condition.get("required") != ["identifier"]:
        return schema
    return {**schema, "if": {key: part for key, part in condition.items() if key != "required"}}


def _loosened(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    loose = {key: _parts(key, value) for key, value in schema.items() if key not in _OURS}
    if "oneOf" in loose:
        # A variable is of every alternative.
        loose["anyOf"] = loose.pop("oneOf")
    return _with_variables(_with_spliced(loose))


def _parts(key: str, value: Any) -> Any:
    if key in _ONE:
        return _loosened(value)
    if key in _NAMED:
        return {name: _loosened(part) for name, part in value.items()}
    return [_loosened(part) for part in value] if key in _LISTED else value


def _with_spliced(schema: Schema) -> Schema:
    """A mapping may have keys from elsewhere: none is required beside them, and they are keys themselves."""
    loose = dict(schema)
    conditions = [
        {"if": {"not": {"anyOf": [{"required": [key]} for key in SPLICED]}}, "then": {key: loose.pop(key)}}
        for key in ("required", "dependentRequired")
        if loose.get(key)
    ]
    if conditions:
        loose["allOf"] = [*loose.get("allOf", []), *conditions]
    if "additionalProperties" in loose:
        known = {key: {"description": text} for key, text in SPLICED.items()}
        loose["properties"] = {**loose.get("properties", {}), **known}
    if "propertyNames" in loose:
        loose["propertyNames"] = {"anyOf": [{"enum": list(SPLICED)}, loose["propertyNames"]]}
    return loose


def _with_variables(schema: Schema) -> Schema:
    """A `${vars.x}` may stand for any value, and inside any text."""
    loose = dict(schema)
    if "enum" in loose or "const" in loose:
        told = {key: loose.pop(key) for key in _TOLD if key in loose}
        return {**told, "anyOf": [loose, {"type": "string", "pattern": VARIABLE}]}
    types = [loose["type"]] if isinstance(loose.get("type"), str) else list(loose.get("type", []))
    if types and "string" not in types:
        loose |= {"type": [*types, "string"], "pattern": VARIABLE}
        loose["patternErrorMessage"] = f"{' or '.join(types)} is due, or a variable: ${{vars.name}}"
    elif "pattern" in loose:
        loose["pattern"] = f"(?:{loose['pattern']})|{VARIABLE}"
    return loose
