"""Strict YAML 1.2 and JSON text -> node trees, and scalars as they were typed. The only importer of yaml.

`on`, `off`, `yes`, `no`, `=`, dates and numbers that would not print back the same (`1.10`, `007`, `0x1F`) stay text,
so that nothing a person typed is silently turned into something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from portcfg.errors import PortcfgError

__all__ = ["YAML_PLAIN", "MappingNode", "Node", "ReadError", "ScalarNode", "SequenceNode", "dump", "parse", "scalar"]

MAX_BYTES = 4 * 1024 * 1024
_STANDARD_TAG = "tag:yaml.org,2002:"
_KEYWORDS: Mapping[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
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
_YamlLoader = _loader(YAML_PLAIN)
_JsonLoader = _loader(_JSON_PLAIN)


def parse(data: bytes, is_json: bool) -> list[Node]:
    """The documents of a file as node trees; raises ReadError."""
    text = _decode(data)
    if is_json:
        text = _checked_json(text)
    try:
        return [
            node for node in yaml.compose_all(text, Loader=_JsonLoader if is_json else _YamlLoader) if node is not None
        ]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise ReadError(what, mark.line + 1 if mark else 0, mark.column + 1 if mark else 0) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ReadError(f"can't be read as YAML: {str(error).splitlines()[0]}") from error


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise ReadError(
            f"the file has {len(data):,} bytes; a spec may have {MAX_BYTES:,}",
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
        json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ReadError(f"not JSON: {error.msg}", error.lineno, error.colno) from error
    except RecursionError as error:
        raise ReadError("nested too deeply") from error
    paired = _SURROGATES.sub(lambda match: json.loads(f'"{match[0]}"'), text)
    return paired.replace("\t", " ")


def _no_constant(name: str) -> NoReturn:
    raise ReadError(f"not JSON: {name} is no number")


def scalar(node: ScalarNode) -> Any:
    """The value of a scalar: text, unless plain and a YAML 1.2 keyword or a number that prints back the same.

    Raises ReadError for tags, which would mean something else to every reader.
    """
    text = str(node.value)
    if node.tag == _STANDARD_TAG + "str":
        return text
    if node.tag == _JSON_PLAIN:
        return json.loads(text)
    if node.tag != YAML_PLAIN:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        raise ReadError(f"the tag {node.tag.replace(_STANDARD_TAG, '!!')} isn't supported", line, column, "remove it")
    if text in _KEYWORDS:
        return _KEYWORDS[text]
    if not _NUMBER.fullmatch(text):
        return text
    number = json.loads(text)
    return number if str(number) == text else text


def dump(value: Any) -> str:
    """YAML text for people: keys in the given order, long text as blocks, nothing that `parse` would read otherwise."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False)


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, and never writes anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> ScalarNode:
    block = "\n" in value and all(line == line.rstrip() for line in value.split("\n")) and value[0] != " "
    typed_otherwise = value in _KEYWORDS or _NUMBER.fullmatch(value) is not None
    style = "|" if block else "'" if typed_otherwise else None
    return dumper.represent_scalar(_STANDARD_TAG + "str", value, style=style)


_Dumper.add_representer(str, _text)
