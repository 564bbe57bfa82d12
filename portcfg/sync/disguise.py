"""Recorded answers without people: every text that isn't known to be harmless becomes a stable fake.

What stays: numbers (but for ids), true and false, days and times, and texts that the mapping itself or an enum of its
blueprints names, as `Usage-based`. Everything else (addresses, names, ids, repositories, branches, messages, hashes,
tokens) is replaced, the same by the same wherever it stands, so that rows still join. So are keys of objects that are
values elsewhere or don't look like the name of a field.
Fakes are numbered in the order in which they are met: nothing of the original can be computed from them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:?\d\d)?)?")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_HEX = re.compile(r"(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}")
_LITERAL = re.compile(r'"([^"\\\n@]{1,60})"')
_FIELD = re.compile(r"[A-Za-z_$][A-Za-z0-9_]*")
_ID = re.compile(r"(^|[a-z0-9])(Id|ID|_id)$|^id$")
_WORDS = ("true", "false", "null")


class Disguise:
    """What stands for what. Texts of `kept`, and the values of the keys in `fields`, stay as they are.

    `named` are the keys that the mapping reads by name: they are never taken for values.
    """

    def __init__(self, kept: Collection[str] = (), fields: Collection[str] = (), named: Collection[str] = ()) -> None:
        self._kept = frozenset(kept)
        self._fields = frozenset(fields)
        self._named = frozenset(named)
        self._left: set[str] = set()
        self._fakes: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def all(self, values: list[Any]) -> list[Any]:
        """JSON values without people."""
        # Twice: only after the first time it is known which keys are values, too.
        self._value(values, "")
        return [self._value(value, "") for value in values]

    def _value(self, value: Any, key: str) -> Any:
        """A value; `key` is what it stands under."""
        if isinstance(value, dict):
            return {self._key(name): self._value(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self._value(item, key) for item in value]
        if isinstance(value, str):
            return self.text(value, key)
        is_id = isinstance(value, int) and not isinstance(value, bool) and _ID.search(key) and key not in self._fields
        return int(self._number(str(value))) if is_id else value

    def text(self, text: str, key: str = "text") -> str:
        """A text, or its fake."""
        bare = text.strip()
        if key in self._fields:
            self._left.add(text)
            return text
        if bare in self._kept or bare in _WORDS or not bare or _MOMENT.fullmatch(bare):
            return text
        if _NUMBER.fullmatch(bare):
            # One that the mapping reads is a time or a count; any other may be somebody's telephone.
            return text if key in self._named and not _ID.search(key) else self._number(text)
        if _ADDRESS.fullmatch(bare):
            return self._address(text, bare)
        if _HEX.fullmatch(bare):
            return self._fake(bare, "hash", lambda number: f"{number:0{len(bare)}x}")
        if "://" in bare:
            return self._fake(bare, "url", lambda number: f"https://example.com/{number}")
        if "/" in bare and not re.search(r"\s", bare):
            return "/".join(self.text(part, key) for part in bare.split("/"))
        return self._fake(bare, key or "text", lambda number: f"{key or 'text'}-{number}")

    def path(self, path: str, template: str) -> str:
        """A request's path: what fills in a parameter of its template is disguised as in the rows."""
        names = template.split("/")
        parts = path.split("/")
        if len(names) != len(parts):
            return path
        return "/".join(
            quote(self._fakes.get(unquote(part), unquote(part)), safe="") if "{" in name else part
            for name, part in zip(names, parts, strict=True)
        )

    def _key(self, name: str) -> str:
        """A key of an object: the name of a field, or a value that rows are found by."""
        if name in self._kept or (_FIELD.fullmatch(name) and name not in self._fakes) or _MOMENT.fullmatch(name):
            return name
        return self.text(name, "key")

    def _number(self, text: str) -> str:
        return self._fake(text.strip(), "number", lambda number: str(1000 + number))

    def _address(self, text: str, bare: str) -> str:
        """One person has one address, in the spellings that they come in: capitals and spaces stay a trap."""
        fake = self._fake(bare.lower(), "person", lambda number: f"person-{number}@example.com")
        return text.replace(bare, fake if bare == bare.lower() else fake.capitalize())

    def _fake(self, text: str, group: str, make: Callable[[int], str]) -> str:
        if text not in self._fakes:
            self._counts[group] += 1
            self._fakes[text] = make(self._counts[group])
        return self._fakes[text]


def named_keys(config: Mapping[str, Any]) -> set[str]:
    """Every word of a mapping but of its variables' values: among them the keys that it reads."""
    own = {name: value for name, value in config.items() if name not in ("vars", "aliases")}
    return {word for text in _texts(own) for word in re.findall(r"[A-Za-z_]\w*", text)} | set(config.get("vars", {}))


def known_texts(config: Mapping[str, Any], blueprints: Collection[Mapping[str, Any]]) -> set[str]:
    """The texts that the specs themselves name: literals in the mapping's jq, choices, and enums of the blueprints."""
    own = {name: value for name, value in config.items() if name not in ("vars", "aliases", "identifier", "title")}
    found = {text for item in _texts(own) for text in _LITERAL.findall(item)}
    schemas = [*config.get("variables", {}).values()]
    for body in blueprints:
        schemas += ((body.get("schema") or {}).get("properties") or {}).values()
    return found | {str(text) for schema in schemas for text in schema.get("enum") or () if "@" not in str(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
