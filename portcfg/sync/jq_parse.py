"""jq text -> tree, as far as jq_tree goes. What lies outside raises UnsupportedError."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from portcfg.sync.jq_tree import (
    Array,
    Binary,
    Bind,
    Call,
    Comma,
    Identity,
    If,
    Index,
    Iterate,
    Literal,
    Node,
    Object,
    Pipe,
    Slice,
    Text,
    UnsupportedError,
    Variable,
)

_TOKEN = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)|(?P<number>\d+(\.\d+)?)|(?P<variable>\$[A-Za-z_]\w*)|(?P<field>\.[A-Za-z_]\w*)"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<quote>")|(?P<mark>//=|\?//|//|==|!=|<=|>=|\|=|\.\.|[-+*/%]=|[-+*/%=<>|,;:?.()\[\]{}])""",
    re.VERBOSE | re.ASCII,
)
_PLAIN = re.compile(r'(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*')
# Loosest first. `//` groups to the right; comparisons don't group at all.
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("//",),
    ("or",),
    ("and",),
    ("==", "!=", "<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/"),
)
_COMPARISONS = 3
_WORDS: Mapping[str, Any] = {"true": True, "false": False, "null": None}
_RESERVED = frozenset(
    ["and", "as", "catch", "def", "elif", "else", "end", "foreach", "if", "import", "include", "label", "or", "reduce",
     "then", "try", "__loc__"]
)  # fmt: skip


def parse(expression: str) -> Node:
    """The tree of an expression. Raises UnsupportedError, also for what jq itself would refuse."""
    parser = _Parser(expression)
    tree = parser.pipe()
    parser.end()
    return tree


class _Parser:
    """Recursive descent; `_at` is where the next token begins."""

    def __init__(self, text: str, at: int = 0) -> None:
        self._text = text
        self._at = at
        self._kind = ""
        self._token = ""
        # Whether what was parsed last is an operation without brackets around it.
        self._loose = False
        self._next()

    def _next(self) -> str:
        """Step over the current token, and return it."""
        token = self._token
        while True:
            match = _TOKEN.match(self._text, self._at)
            if match is None:
                if self._at < len(self._text):
                    raise UnsupportedError(f"unexpected {self._text[self._at]!r}")
                self._kind, self._token = "end", ""
                return token
            self._kind, self._token, self._at = str(match.lastgroup), match.group(), match.end()
            if self._kind != "blank":
                return token

    def _is(self, token: str) -> bool:
        return self._token == token and self._kind not in ("quote", "end")

    def _took(self, token: str) -> bool:
        if self._is(token):
            self._next()
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._took(token):
            raise UnsupportedError(f"{token!r} expected, not {self._token!r}")

    def end(self) -> None:
        """The text ends here."""
        if self._kind != "end":
            raise UnsupportedError(f"unexpected {self._token!r}")

    def pipe(self) -> Node:
        """The loosest level: `a | b`, and `a, b`."""
        left = self._comma()
        return Pipe(left, self.pipe()) if self._took("|") else left

    def _variable(self) -> str:
        if self._kind != "variable":
            raise UnsupportedError("a pattern after `as`")
        return self._next()[1:]

    def _comma(self) -> Node:
        left = self._operand()
        while self._took(","):
            left = Comma(left, self._operand())
        return left

    def _operand(self) -> Node:
        """An operation, or `term as $x | body`, whose body reaches as far as it can."""
        node = self._binary(0)
        if not self._took("as"):
            return node
        # Versions of jq differ in what of `1 + .a as $x | ...` is bound.
        if self._loose:
            raise UnsupportedError("`as` behind an operator")
        name = self._variable()
        self._expect("|")
        return Bind(node, name, self.pipe())

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._postfix()
        left = self._binary(level + 1)
        while self._token in _LEVELS[level] and self._kind in ("mark", "name"):
            operator = self._next()
            right = self._binary(level if operator == "//" else level + 1)
            left, self._loose = Binary(operator, left, right), True
            if level == _COMPARISONS and self._token in _LEVELS[level]:
                raise UnsupportedError("comparisons in a row")
        return left

    def _postfix(self) -> Node:
        node = self._term()
        while True:
            if self._kind == "field":
                node = Index(node, Literal(self._next()[1:]))
            elif self._is("["):
                self._next()
                node = self._bracket(node)
            elif self._is("."):
                self._next()
                node = self._dotted(node)
            elif self._is("?"):
                self._next()
                # Only errors make a difference, and those are libjq's.
                node = Iterate(node.target, True) if isinstance(node, Iterate) else node
            else:
                self._loose = False
                return node

    def _dotted(self, target: Node) -> Node:
        if self._is("["):
            self._next()
            return self._bracket(target)
        if self._kind == "quote":
            return Index(target, self._string())
        raise UnsupportedError("a dot before nothing")

    def _bracket(self, target: Node) -> Node:
        if self._took("]"):
            return Iterate(target, False)
        if self._took(":"):
            return self._sliced(target, None)
        key = self.pipe()
        if self._took(":"):
            return self._sliced(target, _whole(key))
        self._expect("]")
        return Index(target, key)

    def _sliced(self, target: Node, first: int | None) -> Node:
        last = None if self._is("]") else _whole(self.pipe())
        self._expect("]")
        if first is None and last is None:
            raise UnsupportedError("`[:]`")
        return Slice(target, first, last)

    def _term(self) -> Node:
        if self._kind == "number":
            return Literal(json.loads(self._next()))
        if self._kind == "quote":
            return self._string()
        if self._kind == "variable":
            return Variable(self._next()[1:])
        if self._kind == "field":
            return Index(Identity(), Literal(self._next()[1:]))
        if self._kind == "name":
            return self._word()
        return self._marked()

    def _marked(self) -> Node:
        if self._took("."):
            return Index(Identity(), self._string()) if self._kind == "quote" else Identity()
        if self._took("("):
            inner = self.pipe()
            self._expect(")")
            return inner
        if self._took("["):
            if self._took("]"):
                return Array(None)
            array = Array(self.pipe())
            self._expect("]")
            return array
        if self._took("{"):
            return self._object()
        if self._took("-") and self._kind == "number":
            return Literal(-json.loads(self._next()))
        raise UnsupportedError(f"unexpected {self._token!r}")

    def _word(self) -> Node:
        name = self._next()
        if name == "if":
            return self._if()
        if name in _WORDS:
            return Literal(_WORDS[name])
        if name in _RESERVED:
            raise UnsupportedError(f"`{name}`")
        arguments = []
        if self._took("("):
            arguments.append(self.pipe())
            while self._took(";"):
                arguments.append(self.pipe())
            self._expect(")")
        return Call(name, tuple(arguments))

    def _if(self) -> Node:
        test = self.pipe()
        self._expect("then")
        yes = self.pipe()
        if self._took("elif"):
            return If(test, yes, self._if())
        no: Node = self.pipe() if self._took("else") else Identity()
        self._expect("end")
        return If(test, yes, no)

    def _object(self) -> Node:
        pairs = []
        while not self._took("}"):
            pairs.append(self._pair())
            if not self._is("}"):
                self._expect(",")
        return Object(tuple(pairs))

    def _pair(self) -> tuple[Node, Node]:
        key, short = self._key()
        if self._took(":"):
            # Looser than a term, tighter than a comma; jq takes only terms joined by operators or `|` in brackets here.
            return key, self._binary(0)
        if short is None:
            raise UnsupportedError("a key without a value")
        return key, short

    def _key(self) -> tuple[Node, Node | None]:
        """The key, and its value where none is given."""
        if self._kind == "variable":
            name = self._next()[1:]
            return Literal(name), Variable(name)
        if self._kind == "name":
            name = self._next()
            return Literal(name), Index(Identity(), Literal(name))
        if self._kind == "quote":
            key = self._string()
            return key, Index(Identity(), key)
        self._expect("(")
        key = self.pipe()
        self._expect(")")
        return key, None

    def _string(self) -> Node:
        """The string whose opening quote is the current token."""
        parts: list[Node] = []
        while True:
            match = _PLAIN.match(self._text, self._at)
            assert match is not None
            if match.group():
                parts.append(Literal(json.loads(f'"{match.group()}"', strict=False)))
            self._at = match.end()
            if self._text.startswith("\\(", self._at):
                inner = _Parser(self._text, self._at + 2)
                parts.append(inner.pipe())
                if not inner._is(")"):
                    raise UnsupportedError("a string that isn't closed")
                self._at = inner._at
                continue
            if not self._text.startswith('"', self._at):
                raise UnsupportedError("a string that isn't closed, or an escape of jq's own")
            self._at += 1
            self._next()
            return _text(parts)


def _text(parts: list[Node]) -> Node:
    if not parts:
        return Literal("")
    alone = len(parts) == 1 and isinstance(parts[0], Literal) and isinstance(parts[0].value, str)
    return parts[0] if alone else Text(tuple(parts))


def _whole(node: Node) -> int:
    if isinstance(node, Literal) and type(node.value) is int:
        return node.value
    raise UnsupportedError("a slice by what isn't a whole number")
