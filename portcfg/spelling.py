"""A new value in the place of an old one, as the person wrote who typed the old one: quotes, blocks, line breaks."""

from __future__ import annotations

import json
import re
from typing import Any

from portcfg.yamlread import dump

VARIABLE = re.compile(r"(\$?)\$\{([^{}]*)\}")
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_WORD = re.compile(r"[A-Za-z_$][\w$./-]*(?: [\w$./()-]+)*")


def escaped(value: Any) -> Any:
    """`value` as it is typed in a spec, where `${` means a variable."""
    if isinstance(value, dict):
        return {key: escaped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [escaped(part) for part in value]
    return VARIABLE.sub(lambda match: f"${match[0]}", value) if isinstance(value, str) else value


def quoted(value: Any) -> str:
    """`value` as JSON that is YAML, too."""
    return _NOT_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def scalar(value: Any, old: str, indent: int, *, flow: bool, is_json: bool) -> str:
    """The text for `value` where `old` stands."""
    if is_json or not isinstance(value, str):
        return quoted(value)
    if old[:1] in ("|", ">") and (block := _block(value, old)) is not None:
        return block
    if old[:1] in ('"', "'") and value.isprintable():
        return quoted(value) if old[0] == '"' else "'" + value.replace("'", "''") + "'"
    if flow:
        return in_flow(value)
    wrapped = _wrapped(value, old)
    return wrapped if wrapped is not None else in_block(value, indent).lstrip(" ")


def in_flow(value: Any, is_json: bool = False) -> str:
    """`value` on one line."""
    if is_json:
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{in_flow(key)}: {in_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(in_flow, value)) + "]"
    if isinstance(value, str):
        plain = _WORD.fullmatch(value) and dump([value]).strip() in (f"- {value}", f"[{value}]")
        return value if plain else quoted(value)
    return json.dumps(value)


def entry(key: str, value: Any, indent: int) -> str:
    """`key: value` as lines of a block; all but the first are indented."""
    return _indented(dump({key: value}), indent)


def item(value: Any, indent: int) -> str:
    """`- value` as lines of a block; all but the first are indented."""
    if isinstance(value, dict | list) and value:
        lines = dump(value).rstrip("\n").split("\n")
        return "- " + ("\n" + " " * (indent + 2)).join(lines)
    return "- " + in_block(value, indent).lstrip(" ")


def in_block(value: Any, indent: int) -> str:
    """What follows the colon of a key, or a dash, that stands at `indent`; begins with a space or a line break."""
    return _indented(dump({"k": value})[2:], indent)


def _indented(text: str, indent: int) -> str:
    kept = text if text.endswith("\n\n") else text.rstrip("\n")
    return "\n".join(
        line if index == 0 or not line else " " * indent + line for index, line in enumerate(kept.split("\n"))
    )


def _block(value: str, old: str) -> str | None:
    """`value` as a block scalar with the indentation of `old`; None where blocks can't say it."""
    header, _, body = old.partition("\n")
    indent = re.match(r" *", next((line for line in body.split("\n") if line.strip()), ""))
    stripped = value.rstrip("\n")
    tail = len(value) - len(stripped)
    printable = all(line.isprintable() and line == line.rstrip() for line in stripped.split("\n"))
    if not stripped or stripped[0] in " \n" or tail > 1 or not printable or not indent or any(map(str.isdigit, header)):
        return None
    chomp = "" if tail else "-"
    lines = stripped.split("\n")
    style = header[0]
    if style == ">":
        if len(lines) > 1 or "  " in stripped:
            style = "|"
        else:
            lines = _reflowed(stripped, [line.strip() for line in body.split("\n") if line.strip()])
    rest = re.sub(r"^[|>][-+]?", "", header)
    text = "\n".join(indent[0] + line if line else "" for line in lines)
    return f"{style}{chomp}{rest}\n{text}"


def _wrapped(value: str, old: str) -> str | None:
    """A plain text of several lines as one, where it was one and still can be."""
    first, *others = old.split("\n")
    typed = dump([value]).strip()
    safe = value == " ".join(value.split()) and not re.search(r": |:$| #|^[^\w(.$]", value)
    if not others or not safe or old[:1] in ("|", ">", '"', "'") or not typed.startswith(("- ", "[")):
        return None
    indent = " " * (len(others[0]) - len(others[0].lstrip(" ")))
    return ("\n" + indent).join(_reflowed(value, [line.strip() for line in (first, *others) if line.strip()]))


def _reflowed(value: str, old: list[str]) -> list[str]:
    """`value` broken where `old` was, as far as that begins and ends with the same lines."""
    width = max(map(len, old), default=100)
    head: list[str] = []
    for line in old:
        if not value.startswith(line + " "):
            break
        head.append(line)
        value = value[len(line) + 1 :]
    tail: list[str] = []
    for line in reversed(old[len(head) :]):
        if not value.endswith(" " + line):
            break
        tail.insert(0, line)
        value = value[: -len(line) - 1]
    return [*head, *_filled(value, max(width, 40)), *tail]


def _filled(value: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in value.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
