"""A Document against a JSON Schema -> Problems in plain words. The only importer of jsonschema in the pipeline."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from portcfg.errors import Problem
from portcfg.model import Document, Path, Position

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
# The value decides which of a schema's alternatives was meant; their own errors say more than "none of these fits".
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    # `$` is the end, as in the regular expressions of JSON Schema; Python's also matches before a last newline.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


_Validator: Any = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


# Forms of text whose rules Port publishes or anyone would expect; leniently, as Port's own checks aren't published.
_FORMATS = FormatChecker(("email", "idn-email", "ipv4", "ipv6"))
_DATE_TIME = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([Tt ]\d{2}:\d{2}.*)?", re.DOTALL)
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_CHECKED = (
    *("type", "format", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems"),
)


@_FORMATS.checks("date-time")
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or _DATE_TIME.fullmatch(value) is not None


@_FORMATS.checks("url")
def _is_url(value: object) -> bool:
    return not isinstance(value, str) or _URL.fullmatch(value) is not None


def value_mistake(value: Any, described: Mapping[str, Any]) -> str:
    """Why a value isn't what a property of a blueprint takes, in plain words; empty if it is, or nobody can tell.

    `described` is the property; of an array's items the type, the format and the enum count.
    """
    schema = {key: described[key] for key in _CHECKED if key in described and _sound(key, described[key])}
    items = described.get("items")
    if isinstance(items, dict):
        schema["items"] = {key: items[key] for key in ("type", "format", "enum") if key in items}
        schema["items"] = {key: part for key, part in schema["items"].items() if _sound(key, part)}
    for error in _Validator(schema, format_checker=_FORMATS).iter_errors(value):
        text = f"{_shown(error.instance)} is no {error.validator_value}"
        return text if error.validator == "format" else _complaint(error)
    return ""


def _sound(key: str, value: Any) -> bool:
    """Whether a validator can work with this; what is wrong with it is told elsewhere."""
    if key == "type":
        return value in TYPE_WORDS
    if key in ("format", "enum"):
        return isinstance(value, str if key == "format" else list)
    if key != "pattern":
        return True
    try:
        re.compile(value)
    except re.error:
        return False
    return True


def shape_problems(document: Document, schema: dict[str, Any]) -> Iterator[Problem]:
    """Every way in which the document's body isn't what the schema describes."""
    seen: set[Problem] = set()
    for error in _Validator(schema).iter_errors(document.body):
        for problem in _problems(document, error):
            if problem not in seen:
                seen.add(problem)
                yield problem


def not_a_mapping(place: Position, value: Any) -> Problem:
    """PC102 for a document that has no keys at all."""
    return _at(place, "PC102", f"the document: a mapping is due, not {_shown(value)}")


def _problems(document: Document, error: Error) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    if error.validator in _ALTERNATIVES and error.context:
        yield from _problems(document, _nearest(error))
    elif "propertyNames" in error.absolute_schema_path:
        message = f"{_name(path)}: {error.instance!r} can't be an identifier here"
        hint = str(error.schema.get("description", ""))
        yield _at(document.place((*path, str(error.instance))), "PC104", message, hint)
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_keys(document, error, path)
    elif error.validator == "required":
        yield _missing_key(document, error, path)
    else:
        yield _at(document.place(path), _id(error), f"{_name(path)}: {_complaint(error)}", _hint(error))


def _nearest(error: Error) -> Error:
    """The alternative's error that is most likely meant: deepest in the value, and not about its type."""
    return max(error.context or [error], key=lambda inner: (inner.validator != "type", len(inner.absolute_path)))


def _at(place: Position, id_: str, message: str, hint: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, id_, message, hint)


def _name(path: Path) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the document"


def _id(error: Error) -> str:
    return "PC102" if error.validator == "type" else "PC104"


def _unknown_keys(document: Document, error: Error, path: Path) -> Iterator[Problem]:
    known = sorted(error.schema.get("properties", {}))
    for key in error.instance:
        if key not in known and (not known or not _matches_pattern(key, error.schema)):
            guess = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {guess[0]!r}?" if guess else f"known here: {', '.join(known) or 'nothing'}"
            # Where a key may well be right elsewhere, the schema says what to do about it.
            hint = "; ".join(filter(None, (hint, error.schema.get("x-unknown"))))
            yield _at(document.place((*path, key)), "PC101", f"{_name(path)}: unknown key {key!r}", hint)


def _matches_pattern(key: str, schema: dict[str, Any]) -> bool:
    return any(re.search(pattern, key) for pattern in schema.get("patternProperties", {}))


def _missing_key(document: Document, error: Error, path: Path) -> Problem:
    missing = [key for key in error.validator_value if key not in error.instance]
    key = next((name for name in missing if f"'{name}'" in error.message), missing[0])
    described = error.schema.get("properties", {}).get(key, {}).get("description", "")
    return _at(document.place(path), "PC103", f"{_name(path)}: the key {key!r} is missing", described)


def _complaint(error: Error) -> str:
    value = _shown(error.instance)
    wanted = error.validator_value
    match error.validator:
        case "type":
            words = [TYPE_WORDS[name] for name in ([wanted] if isinstance(wanted, str) else wanted)]
            return f"{' or '.join(words)} is due, not {value}"
        case "enum":
            return f"{value} is none of {', '.join(map(str, wanted))}"
        case "const":
            return f"{wanted!r} is due, not {value}"
        case "pattern":
            return f"{value} has characters that aren't allowed here, or the wrong form"
        case "maxLength":
            return f"{len(error.instance)} characters; at most {wanted} are allowed"
        case "minLength" | "minItems" | "minProperties":
            return "must not be empty"
        case "maximum" | "minimum":
            return f"{value} is {'over' if error.validator == 'maximum' else 'under'} {wanted}"
    return str(error.message)


def _hint(error: Error) -> str:
    if error.validator == "enum" and isinstance(error.instance, str):
        guess = difflib.get_close_matches(error.instance, [str(value) for value in error.validator_value], n=1)
        if guess:
            return f"did you mean {guess[0]!r}?"
    if error.validator == "type" and isinstance(error.instance, str) and "number" in str(error.validator_value):
        return "a number such as 1.10 or 007 is kept as the text it is; write it as 1.1 or 7"
    if error.validator == "type" and error.schema.get("examples"):
        return f"as in {json.dumps(error.schema['examples'][0])}"
    return str(error.schema.get("description", "")) if error.validator != "type" else ""


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
