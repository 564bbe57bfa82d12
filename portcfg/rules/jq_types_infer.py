"""The type that a jq expression gives, by the type of its input: an interpretation of its tree over types.

What jq_parse doesn't understand (`def`, `reduce`, `try`, ...) gives anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from portcfg.rules.jq_types import (
    ANY,
    BOOLEAN,
    NOTHING,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Type,
    array_of,
    merged,
    object_of,
    type_of,
    union,
)
from portcfg.rules.jq_types_calls import PLAIN, WITH_ITEM, WITH_VALUE, elements
from portcfg.sync.jq_checks import parsed
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
    Variable,
)

Variables = Mapping[str, Type]


@dataclass(frozen=True)
class Clash:
    """An operation that fails whatever the row: `left operator right`."""

    operator: str
    left: Type
    right: Type

    @property
    def message(self) -> str:
        """For people."""
        return f"{self.left.named} {self.operator} {self.right.named} always fails"


@dataclass
class Inference:
    """What is learned while an expression is gone through."""

    clashes: list[Clash] = field(default_factory=list)

    def of(self, node: Node, value: Type, names: Variables) -> Type:
        """What the node gives of an input of type `value`; NOTHING where it always fails, or is empty."""
        match node:
            case Identity():
                return value
            case Literal(constant):
                return type_of(constant)
            case Variable(name):
                return names.get(name, ANY)
            case Text(parts):
                inner = [self.of(part, value, names) for part in parts]
                return STRING if all(each.kinds for each in inner) else NOTHING
            case Pipe(left, right):
                return self.of(right, self.of(left, value, names), names)
            case Comma(left, right):
                return self.of(left, value, names) | self.of(right, value, names)
            case If(test, yes, no):
                self.of(test, value, names)
                return self.of(yes, value, names) | self.of(no, value, names)
            case Bind(source, name, body):
                return self.of(body, value, {**names, name: self.of(source, value, names)})
            case Binary(operator, left, right):
                return self._operation(operator, self.of(left, value, names), self.of(right, value, names))
        return self._container(node, value, names)

    def _container(self, node: Node, value: Type, names: Variables) -> Type:
        match node:
            case Index(target, key):
                return _indexed(self.of(target, value, names), self.of(key, value, names))
            case Slice(target, _, _):
                return _sliced(self.of(target, value, names))
            case Iterate(target, _):
                return elements(self.of(target, value, names))
            case Array(inner):
                return array_of(self.of(inner, value, names) if inner else NOTHING)
            case Object(pairs):
                return self._object(pairs, value, names)
            case Call(name, arguments):
                return self._call(name, arguments, value, names)
        return ANY

    def _object(self, pairs: tuple[tuple[Node, Node], ...], value: Type, names: Variables) -> Type:
        fields: dict[str, Type] = {}
        known = True
        for key, item in pairs:
            name, given = self.of(key, value, names), self.of(item, value, names)
            if not name.kinds & {"string"} or not given.kinds:
                return NOTHING
            if name.texts is not None and len(name.texts) == 1:
                fields[next(iter(name.texts))] = given
            else:
                known = False
        return object_of(fields) if known else OBJECT

    def _call(self, name: str, arguments: tuple[Node, ...], value: Type, names: Variables) -> Type:
        match arguments:
            case () if name in PLAIN:
                return PLAIN[name](value) if value.kinds else NOTHING
            case (argument,) if name in WITH_ITEM:
                return WITH_ITEM[name](value, self.of(argument, elements(value), names))
            case (argument,) if name in WITH_VALUE:
                return WITH_VALUE[name](value, self.of(argument, value, names)) if value.kinds else NOTHING
            case (_, _) | (_, _, _) if name in ("sub", "gsub"):
                return STRING
            case (_, _) if name in ("pow", "atan2", "fmin", "fmax"):
                return NUMBER
            case (_, argument) if name == "limit":
                return self.of(argument, value, names)
        return ANY

    def _operation(self, operator: str, left: Type, right: Type) -> Type:
        if operator == "//":
            return left.without("null") | right
        if not left.kinds or not right.kinds:
            return NOTHING
        if operator not in _ARITHMETIC:
            return BOOLEAN
        found = _ARITHMETIC[operator](left, right)
        if not found.kinds:
            self.clashes.append(Clash(operator, left, right))
        return found


def infer(expression: str, value: Type, names: Variables) -> Type:
    """The type that a normalised expression gives."""
    return learned(expression, value, names)[0]


def learned(expression: str, value: Type, names: Variables) -> tuple[Type, list[Clash]]:
    """(the type that a normalised expression gives, operations in it that always fail)"""
    tree = parsed(expression)
    if tree is None:
        return ANY, []
    inference = Inference()
    try:
        return inference.of(tree, value, names), inference.clashes
    except RecursionError:
        return ANY, []


def _indexed(target: Type, key: Type) -> Type:
    """`target[key]`; of null all keys give null."""
    found = NULL if "null" in target.kinds else NOTHING
    if key.kinds - {"string", "number"}:
        return ANY if target.kinds else NOTHING
    if "string" in key.kinds and "object" in target.kinds:
        found |= union(map(target.get, key.texts)) if key.texts is not None else target.values | NULL
    if "number" in key.kinds and "array" in target.kinds:
        found |= (target.items or ANY) | NULL
    return found


def _sliced(target: Type) -> Type:
    found = target.only("null")
    if "array" in target.kinds:
        found |= array_of(target.items)
    return found | STRING if "string" in target.kinds else found


def _both(left: Type, right: Type, kind: str) -> bool:
    return kind in left.kinds and kind in right.kinds


def _plus(left: Type, right: Type) -> Type:
    found = right if "null" in left.kinds else NOTHING
    if "null" in right.kinds:
        found |= left
    found |= union(each for each in (NUMBER, STRING) if _both(left, right, next(iter(each.kinds))))
    if _both(left, right, "array"):
        found |= array_of((left.items or ANY) | (right.items or ANY))
    return found | merged(left, right) if _both(left, right, "object") else found


def _minus(left: Type, right: Type) -> Type:
    found = NUMBER if _both(left, right, "number") else NOTHING
    return found | array_of(left.items) if _both(left, right, "array") else found


def _times(left: Type, right: Type) -> Type:
    found = NUMBER if _both(left, right, "number") else NOTHING
    repeated = any("string" in a.kinds and "number" in b.kinds for a, b in ((left, right), (right, left)))
    found |= STRING | NULL if repeated else NOTHING
    return found | OBJECT if _both(left, right, "object") else found


def _divided(left: Type, right: Type) -> Type:
    found = NUMBER if _both(left, right, "number") else NOTHING
    return found | array_of(STRING) if _both(left, right, "string") else found


_ARITHMETIC: Mapping[str, Callable[[Type, Type], Type]] = {"+": _plus, "-": _minus, "*": _times, "/": _divided}
