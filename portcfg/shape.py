"""A Document against a JSON Schema -> Problems in plain words. The only importer of jsonschema in the pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from portcfg.errors import Problem
from portcfg.model import Document, Path, Position
from portcfg.shape_keys import Advice, advice, levels, misplaced, path_name, resolved
from portcfg.shape_words import TYPE_WORDS, Error, allowed_form, complaint, hint, shown
from portcfg.unread import excused

# The value decides which of a schema's alternatives was meant; their own errors say more than "none of these fits".
_ALTERNATIVES = frozenset({"anyOf", "oneOf"})
_CHOICES = frozenset({"type", "enum", "const"})


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
        text = f"{shown(error.instance)} is no {error.validator_value}"
        return text if error.validator == "format" else complaint(error)
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


@dataclass(frozen=True)
class _Told:
    """A problem; the path of what is missing or empty; and such paths that it explains."""

    problem: Problem
    about: Path | None = None
    covers: frozenset[Path] = frozenset()


def shape_problems(document: Document, schema: dict[str, Any]) -> Iterator[Problem]:
    """Every way in which the document's body isn't what the schema describes; one problem for one mistake.

    What follows from something that load couldn't read is none.
    """
    if stray := misplaced(document):
        key, message, what_to_do = stray
        yield _at(document.place((key,)), "PC105", f"the document: {message}", what_to_do)
        return
    errors = map(_meant, _Validator(schema).iter_errors(document.body))
    found = [told for error in errors if not _follows(document, error) for told in _told(document, schema, error)]
    covered = {path for each in found for path in each.covers}
    # What is due by two parts of the schema is told in the words of the first.
    first = {(each.problem.where, each.problem.message): each for each in reversed(found)}
    yield from (each.problem for each in first.values() if each.about is None or each.about not in covered)


def not_a_mapping(place: Position, value: Any) -> Problem:
    """PC102 for a document that has no keys at all."""
    return _at(place, "PC102", f"the document: a mapping is due, not {shown(value)}")


def _meant(error: Error) -> Error:
    """Of alternatives, the error of the one that is most likely meant, and all as one where none is."""
    while error.validator in _ALTERNATIVES and error.context:
        here = [inner for inner in error.context if inner.absolute_path == error.absolute_path]
        if len(here) == len(error.context) and all(inner.validator in _CHOICES for inner in here):
            break
        error = max(error.context, key=lambda inner: (inner.validator != "type", len(inner.absolute_path)))
    return error


def _follows(document: Document, error: Error) -> bool:
    missing = error.validator in ("required", "dependentRequired")
    return excused(document.body, tuple(error.absolute_path), missing=missing)


def _told(document: Document, root: dict[str, Any], error: Error) -> Iterator[_Told]:
    path = tuple(error.absolute_path)
    place, name = document.place(path), path_name(path) or "the document"
    if "propertyNames" in error.absolute_schema_path:
        yield _Told(_bad_key(document, error, path, name))
    elif error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_keys(document, root, error, path, name)
    elif error.validator == "required":
        key = next(key for key in error.validator_value if key not in error.instance and repr(key) in error.message)
        message = f"{name}: the key {key!r} is missing"
        yield _Told(_at(place, "PC103", message, _purpose(root, error, key)), (*path, key))
    elif error.validator == "dependentRequired":
        yield from _dependants(root, error, path, place, name)
    elif error.validator != "pattern" or error.instance != "" or "minLength" not in error.schema:
        id_ = "PC102" if error.validator == "type" else "PC104"
        about = path if error.instance is None else None
        yield _Told(_at(place, id_, f"{name}: {complaint(error)}", hint(error)), about)


def _at(place: Position, id_: str, message: str, what_to_do: str = "") -> Problem:
    return Problem(place.file, place.line, place.column, id_, message, what_to_do)


def _bad_key(document: Document, error: Error, path: Path, name: str) -> Problem:
    key = str(error.instance)
    due = str(error.schema.get("description", ""))
    form = allowed_form(key, str(error.validator_value)) if error.validator == "pattern" else ""
    what_to_do = "; ".join(filter(None, (due, form)))
    return _at(document.place((*path, key)), "PC104", f"{name}: {key!r} can't be an identifier here", what_to_do)


def _unknown_keys(document: Document, root: dict[str, Any], error: Error, path: Path, name: str) -> Iterator[_Told]:
    known = error.schema.get("properties", {})
    for key in error.instance:
        if key in known or any(re.search(each, key) for each in error.schema.get("patternProperties", {})):
            continue
        # What Port's answers have beside the key that counts; alone it is a mistake for that.
        beside = error.schema.get("x-beside", {}).get(key)
        if beside and (*path, beside) in document.positions:
            continue
        found: Advice = advice(root, tuple(error.absolute_schema_path), path, error.schema, error.instance, key)
        if key in error.schema.get("x-unkept", ()) or ("x-open" in error.schema and not found.guessed):
            yield _Told(_unkept(document.place((*path, key)), name, key))
            continue
        # Where a key may well be right elsewhere, the schema says what to do about it.
        what_to_do = "; ".join(filter(None, (found.text, error.schema.get("x-unknown"))))
        problem = _at(document.place((*path, key)), "PC101", f"{name}: unknown key {key!r}", what_to_do)
        yield _Told(problem, None, found.covers)


def _unkept(place: Position, name: str, key: str) -> Problem:
    """A key that Port lets stand, such as a word of JSON Schema's, and that nothing here reads."""
    hint = "leave it out: it isn't written, and one that Port has already stays as it is"
    message = f"{name}: portcfg doesn't keep {key!r}"
    return Problem(place.file, place.line, place.column, "PC101", message, hint, "warning")


def _dependants(root: dict[str, Any], error: Error, path: Path, place: Position, name: str) -> Iterator[_Told]:
    for key, needed in error.validator_value.items():
        for each in needed if key in error.instance else ():
            if each not in error.instance:
                problem = _at(place, "PC103", f"{name}: `{key}` needs `{each}`", _purpose(root, error, each))
                yield _Told(problem, (*path, each))


def _purpose(root: dict[str, Any], error: Error, key: str) -> str:
    """What a key is for, and how it may look."""
    level = levels(root, tuple(error.absolute_schema_path)[:-1])[-1]
    named = [part for schema in reversed(level) if isinstance(part := schema.get("properties", {}).get(key), dict)]
    parts = [*named, *(resolved(root, part) for part in named)]
    described = next((str(part["description"]) for part in parts if "description" in part), "")
    examples: list[Any] = next((part["examples"] for part in parts if "examples" in part), [])
    example = f"for instance `{key}: {_flow(examples[0])}`" if examples else ""
    return f"{described.removesuffix('.')}; {example}" if described and example else described or example


def _flow(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)
