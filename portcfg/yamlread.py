"""Strict YAML 1.2 and JSON text -> node trees, and scalars as they were typed. The only importer of yaml.

`on`, `off`, `yes`, `no`, `=`, dates and numbers that would not print back the same (`1.10`, `007`, `0x1F`) stay text,
so that nothing a person typed is silently turned into something else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from portcfg.errors import PortcfgError
from portcfg.yamlwords import in_plain_words, json_words

__all__ = [
    "MAX_BYTES",
    "YAML_PLAIN",
    "MappingNode",
    "Node",
    "ReadError",
    "ScalarNode",
    "SequenceNode",
    "check_tag",
    "dump",
    "parse",
    "scalar",
]

MAX_BYTES = 4 * 1024 * 1024
# libyaml composes nested nodes by recursion in C, which no Python limit guards.
MAX_DEPTH = 1000
MAX_DIGITS = 400
_STANDARD_TAG = "tag:yaml.org,2002:"
_KEYWORDS: Mapping[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
# Legal inside JSON strings, but line breaks or forbidden to a YAML parser.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


class ReadError(PortcfgError):
    """Text that can't be read; `line` and `column` count from 1, 0 when unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(message, hint)
        self.line = line
        self.column = column


_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _loader(plain_tag: str) -> Any:
    """A loader that composes nodes only, and marks every plain scalar with `plain_tag` for `scalar` to read."""
    resolvers = {None: [(plain_tag, re.compile(""))]}
    return type("_Loader", (_Base,), {"yaml_implicit_resolvers": resolvers})


YAML_PLAIN = "!plain"
_JSON_PLAIN = "!json"
_TAGS = frozenset({YAML_PLAIN, _JSON_PLAIN, *(_STANDARD_TAG + name for name in ("str", "map", "seq"))})
_YamlLoader = _loader(YAML_PLAIN)
_JsonLoader = _loader(_JSON_PLAIN)


def parse(data: bytes, is_json: bool) -> list[Node]:
    """The documents of a file as node trees; raises ReadError."""
    text = _decode(data)
    if is_json:
        text = _checked_json(text)
    try:
        _check_depth(text)
        return list(yaml.compose_all(text, Loader=_JsonLoader if is_json else _YamlLoader))
    except yaml.MarkedYAMLError as error:
        raise _mistake(text, error) from error
    except yaml.reader.ReaderError as error:
        line, column = _place_of(text, chr(error.character))
        raise ReadError(f"the control character U+{error.character:04X} isn't allowed", line, column) from error


def _mistake(text: str, error: yaml.MarkedYAMLError) -> ReadError:
    mark, began = error.problem_mark or error.context_mark, error.context_mark or error.problem_mark
    what = ", ".join(part for part in (error.context, error.problem) if part)
    if not mark or not began:
        return ReadError(what)
    said = in_plain_words(text, error.problem or "", (mark.line, mark.column), (began.line, began.column))
    if said:
        return ReadError(said.message, said.mark[0] + 1, said.mark[1] + 1, said.hint)
    return ReadError(what, mark.line + 1, mark.column + 1)


def _place_of(text: str, character: str) -> tuple[int, int]:
    before = text[: text.find(character)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _check_depth(text: str) -> None:
    """Raise ReadError for nesting that could exhaust the C stack; it takes that many brackets, or so long a line."""
    if text.count("[") + text.count("{") < MAX_DEPTH and max(map(len, text.split("\n"))) < MAX_DEPTH:
        return
    depth = 0
    for event in yaml.parse(text, Loader=_YamlLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth == MAX_DEPTH:
                mark = event.start_mark
                raise ReadError("nested too deeply", mark.line + 1 if mark else 0, mark.column + 1 if mark else 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise ReadError(
            f"the file is over {MAX_BYTES:,} bytes, the most that a spec may have",
            hint="split it: one file a resource reads best in a pull request",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(f"not a text file: byte {error.start} isn't UTF-8") from error
    if "\0" in text:
        raise ReadError("not a text file: it holds NUL bytes")
    return text


def _checked_json(text: str) -> str:
    """Check that `text` is JSON, and return it in a form that the YAML parser reads at the same lines."""
    try:
        json.loads(text, parse_constant=_no_constant, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        raise _json_mistake(text, error) from error
    except RecursionError as error:
        raise ReadError("nested too deeply") from error
    paired = _SURROGATES.sub(lambda match: json.loads(f'"{match[0]}"'), text)
    return _NOT_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", paired.replace("\t", " "))


def _json_mistake(text: str, error: json.JSONDecodeError) -> ReadError:
    read = text[: error.pos + 1].rstrip()
    before = read[:-1].rstrip()
    # Python 3.13 finds the comma itself, older ones the bracket behind it.
    comma = read if read.endswith(",") else before if before.endswith(",") and read.endswith(("]", "}")) else ""
    if comma:
        line = comma.count("\n") + 1
        return ReadError("not JSON: a comma before the closing bracket", line, len(comma) - comma.rfind("\n") - 1)
    message, hint = json_words(error.msg)
    return ReadError(f"not JSON: {message}", error.lineno, error.colno, hint)


def _no_constant(name: str) -> NoReturn:
    raise ReadError(f"not JSON: {name} is no number")


def scalar(node: Node) -> Any:
    """The value of a scalar: text, unless plain and a YAML 1.2 keyword or a number that prints back the same.

    Raises ReadError for a JSON number that no computer would print back.
    """
    text = str(node.value)
    if node.tag not in (YAML_PLAIN, _JSON_PLAIN):
        return text
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    number = _number(text)
    if node.tag == YAML_PLAIN:
        return text if number is None or repr(number) != text else number
    if number is None:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        raise ReadError(f"the number {text[:20]}... is too large", line, column)
    return number


def _number(text: str) -> int | float | None:
    """The number that JSON reads `text` as; None if it isn't one, or is out of range."""
    if not _NUMBER.fullmatch(text) or len(text) > MAX_DIGITS:
        return None
    number = json.loads(text)
    return number if abs(number) != math.inf else None


def check_tag(node: Node) -> None:
    """Raise ReadError for a tag, which would mean something else to every reader."""
    if node.tag not in _TAGS:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        raise ReadError(f"the tag {node.tag.replace(_STANDARD_TAG, '!!')} isn't supported", line, column, "remove it")


def dump(value: Any) -> str:
    """YAML text for people: keys in the given order, long text as blocks, nothing that `parse` would read otherwise."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)


# Longer texts are folded, and longer lists have a line for each item.
LONG = 100


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, and never writes anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> ScalarNode:
    typed_otherwise = value in _KEYWORDS or _NUMBER.fullmatch(value) is not None
    if _NOT_YAML.search(value):
        style = '"'
    elif "\n" in value and all(line == line.rstrip() for line in value.split("\n")) and value[0] != " ":
        style = "|"
    elif len(value) > LONG and "\n" not in value and value == value.strip():
        style = ">"
    else:
        style = "'" if typed_otherwise else ""
    return dumper.represent_scalar(_STANDARD_TAG + "str", value, style=style or None)


def _float(dumper: yaml.SafeDumper, value: float) -> ScalarNode:
    # To YAML 1.1, which the dumper has in mind, 1e-05 is text: tagged as that, it is written plain.
    text = repr(value)
    return dumper.represent_scalar(_STANDARD_TAG + ("float" if "." in text else "str"), text)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> SequenceNode:
    """A list of words on one line, as people write rows and enums; every other list has a line for each item."""
    short = all(map(_is_word, value)) and len(repr(value)) <= LONG
    return dumper.represent_sequence(_STANDARD_TAG + "seq", value, flow_style=short)


def _is_word(value: Any) -> bool:
    """A short scalar, or a mapping of one, such as a widget with its width in a row."""
    if isinstance(value, dict) and len(value) == 1:
        return not any(isinstance(part, dict | list) for part in value.values())
    return not isinstance(value, dict | list)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(float, _float)
