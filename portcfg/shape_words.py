"""What a validator found wrong with a value, in plain words, and what to do about it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

# A jsonschema ValidationError; its typed attributes may each be "unset", which never happens for reported errors.
Error = Any

TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}
FLAGS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
LISTED = 24
_NUMBER = re.compile(r"[+-]?\d[\d_]*(\.\d*)?([eE][+-]?\d+)?")
_BOUNDS = {
    "maximum": "over {}",
    "minimum": "under {}",
    "exclusiveMaximum": "not under {}",
    "exclusiveMinimum": "not over {}",
}


def shown(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def near(name: str, known: Iterable[str]) -> str:
    """The known name that is most like `name`, whatever its case and its underscores; "" for none."""
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(fold(each), each)
    wanted = fold(name)
    # Typing errors seldom meet the first letter, so without it more must be alike: SECRET_KEY is no createdBy.
    same_start = [each for each in folded if each[:1] == wanted[:1]]
    found = difflib.get_close_matches(wanted, folded, 1, 0.75) or difflib.get_close_matches(wanted, same_start, 1, 0.65)
    return folded[found[0]] if found else ""


def fold(name: str) -> str:
    """A name without what camelCase, snake_case and Title Case differ in."""
    return re.sub(r"[\s_-]", "", name).lower()


def complaint(error: Error) -> str:
    """What is wrong with the value, and what stands there."""
    value, wanted = shown(error.instance), error.validator_value
    if error.validator in _BOUNDS:
        return f"{value} is {_BOUNDS[error.validator].format(wanted)}"
    match error.validator:
        case "type":
            words = [TYPE_WORDS[name] for name in ([wanted] if isinstance(wanted, str) else wanted)]
            return _due(words, error.instance)
        case "anyOf" | "oneOf":
            return _due(list(dict.fromkeys(_alternatives(error))), error.instance)
        case "enum":
            more = ", ..." if len(wanted) > LISTED else ""
            return f"{value} is none of {', '.join(map(_plain, wanted[:LISTED]))}{more}"
        case "const":
            return f"{wanted!r} is due, not {value}"
        case "pattern":
            return f"{value} has characters that aren't allowed here, or the wrong form"
    return _size(error)


def _size(error: Error) -> str:
    wanted, length = error.validator_value, len(error.instance) if hasattr(error.instance, "__len__") else 0
    match error.validator:
        case "maxLength":
            return f"{length} characters; at most {wanted} are allowed"
        case "maxItems" | "maxProperties":
            return f"{length} entries; at most {wanted} {'is' if wanted == 1 else 'are'} allowed"
        case "minLength" | "minItems" | "minProperties":
            return "must not be empty" if wanted == 1 else f"at least {wanted} are due, and there are {length}"
        case "uniqueItems":
            return f"{shown(error.instance)} has an entry twice"
    return f"{shown(error.instance)} isn't allowed here"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _due(words: Sequence[str], value: Any) -> str:
    there = "and nothing stands here" if value is None else f"not {shown(value)}"
    return f"{' or '.join(filter(None, (', '.join(words[:-1]), words[-1])))} is due, {there}"


def _alternatives(error: Error) -> Iterable[str]:
    for inner in error.context:
        wanted = inner.validator_value
        if inner.validator == "type":
            yield from (TYPE_WORDS[name] for name in ([wanted] if isinstance(wanted, str) else wanted))
        else:
            yield from map(_plain, wanted if inner.validator == "enum" else [wanted])


def hint(error: Error) -> str:
    """What to do about it; "" where the complaint says it all."""
    described = str(error.schema.get("description", ""))
    if not described and error.parent is not None:
        described = str(error.parent.schema.get("description", ""))
    match error.validator:
        case "type":
            return _type_hint(error, described)
        case "enum" | "const":
            return _choice_hint(error) or described
        case "pattern":
            return "; ".join(filter(None, (described, allowed_form(error.instance, error.validator_value))))
    return described


def allowed_form(text: str, pattern: str) -> str:
    """A name of the form that is due, made of one that isn't; "" where that would be a guess."""
    tried = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return f"for instance {tried}" if tried and tried != text and re.search(pattern, tried) else ""


def _choice_hint(error: Error) -> str:
    values = [_plain(value) for value in (error.validator_value if error.validator == "enum" else [])]
    if not isinstance(error.instance, str):
        return ""
    advice = error.schema.get("x-instead", {}).get(error.instance.lower())
    guess = near(error.instance, values)
    return str(advice) if advice else f"did you mean {guess!r}?" if guess else ""


def _type_hint(error: Error, described: str) -> str:
    value, wanted = error.instance, error.validator_value
    types = [wanted] if isinstance(wanted, str) else list(wanted)
    return (
        (_text_hint(value, types) if isinstance(value, str) else "")
        or ("put it in quotes" if "string" in types and isinstance(value, int | float) else "")
        or _structure_hint(value, types, error.schema, described)
        or (f"as in {json.dumps(error.schema['examples'][0])}" if error.schema.get("examples") else "")
    )


def _text_hint(value: str, types: Sequence[str]) -> str:
    if "boolean" in types and value.lower() in FLAGS:
        return f"write {FLAGS[value.lower()]}; {value} is text here, only true and false are flags"
    if "boolean" in types and value.lower() in ("true", "false"):
        return f"write {value.lower()}, without quotes"
    if {"number", "integer"} & set(types) and _NUMBER.fullmatch(value):
        return "a number such as 1.10 or 007 is kept as the text that it is; write it as 1.1 or 7, and without quotes"
    if "array" in types and re.fullmatch(r"[\w$.-]+", value):
        return f"as in [{value}]"
    return ""


def _structure_hint(value: Any, types: Sequence[str], schema: dict[str, Any], described: str) -> str:
    if value is None and {"object", "array"} & set(types):
        return "what belongs below it must be indented further than it is"
    if isinstance(value, dict | list) and "string" in types and "jq" in described:
        return "jq that begins with { or [ is YAML's own unless it stands in quotes, or below a |"
    if not (isinstance(value, list) and value and "object" in types and all(isinstance(each, dict) for each in value)):
        return ""
    named = next((key for key in ("name", "key", "identifier", "title") if key in value[0]), "")
    if named and isinstance(value[0][named], str) and not schema.get("properties"):
        return f"write the {named} as the key: `{value[0][named]}: ...`, without a dash"
    return "take the dashes away: `- key: value` makes a list of one mapping each"
