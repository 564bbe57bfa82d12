"""What jq's functions give, by the type of their input. A function that isn't here gives anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from portcfg.rules.jq_types import (
    ANY,
    ARRAY,
    BOOLEAN,
    KINDS,
    NOTHING,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    Type,
    array_of,
    object_of,
    text,
)

# By input; by input and what the argument gives of it; by input and what it gives of each item.
Plain = Callable[[Type], Type]
WithArgument = Callable[[Type, Type], Type]


def elements(value: Type) -> Type:
    """What `.[]` gives: an array's items, an object's values."""
    return _items(value) | (value.values if "object" in value.kinds else NOTHING)


def _always(type_: Type) -> Plain:
    return lambda _: type_


def _kept(value: Type) -> Type:
    """An array with the same items in another order, or fewer of them."""
    return array_of(_items(value))


def _items(value: Type) -> Type:
    return (value.items or ANY) if "array" in value.kinds else NOTHING


def _one_item(value: Type) -> Type:
    return _items(value) | NULL


def _added(value: Type) -> Type:
    """`add`: sums of one kind stay of that kind; null of nothing."""
    each = elements(value).without("null")
    if each.kinds == {"number"}:
        return NUMBER | NULL
    if each.kinds == {"string"}:
        return STRING | NULL
    if each.kinds == {"array"}:
        return array_of(each.items) | NULL
    return ANY


def _entries(value: Type) -> Type:
    return array_of(object_of({"key": _key(value), "value": elements(value)}))


def _keys(value: Type) -> Type:
    return array_of(_key(value))


def _key(value: Type) -> Type:
    """A key of an object, or of a list."""
    strings = STRING if "object" in value.kinds else NOTHING
    return strings | (NUMBER if "array" in value.kinds else NOTHING)


def _as_text(value: Type) -> Type:
    return value if value.kinds == {"string"} else STRING


def _trimmed(value: Type) -> Type:
    """`ltrimstr` and the like give back what is no string as it is."""
    return value.without("string") | STRING


def _same_container(value: Type) -> Type:
    """`del` and the like: what is in it isn't known any more."""
    return Type(value.kinds)


def _reversed(value: Type) -> Type:
    strings = STRING if "string" in value.kinds else NOTHING
    return strings | (array_of(_items(value)) if value.kinds & {"array", "null"} else NOTHING)


_KINDS_LEFT: Mapping[str, frozenset[str]] = {
    "values": KINDS - {"null"},
    "nulls": frozenset({"null"}),
    "strings": frozenset({"string"}),
    "numbers": frozenset({"number"}),
    "booleans": frozenset({"boolean"}),
    "arrays": frozenset({"array"}),
    "objects": frozenset({"object"}),
    "iterables": frozenset({"array", "object"}),
    "scalars": KINDS - {"array", "object"},
}


def _filtered(kinds: frozenset[str]) -> Plain:
    return lambda value: value.only(*kinds)


PLAIN: Mapping[str, Plain] = {
    **{name: _filtered(kinds) for name, kinds in _KINDS_LEFT.items()},
    **dict.fromkeys(
        ("ascii_downcase", "ascii_upcase", "trim", "ltrim", "rtrim", "tojson", "todate", "todateiso8601", "implode"),
        _always(STRING),
    ),
    **dict.fromkeys(
        ("length", "utf8bytelength", "tonumber", "floor", "ceil", "round", "sqrt", "fabs", "trunc", "now", "fromdate",
         "fromdateiso8601", "mktime", "log", "log2", "log10", "exp", "exp2", "exp10"),
        _always(NUMBER),
    ),
    **dict.fromkeys(("not", "any", "all", "isnan", "isinfinite", "isnormal", "toboolean"), _always(BOOLEAN)),
    **dict.fromkeys(("sort", "unique"), _kept),
    **dict.fromkeys(("first", "last", "min", "max"), _one_item),
    **dict.fromkeys(("empty", "error"), _always(NOTHING)),
    "abs": lambda value: value,
    "add": _added,
    "explode": _always(array_of(NUMBER)),
    "flatten": _always(ARRAY),
    "from_entries": _always(OBJECT),
    "gmtime": _always(array_of(NUMBER)),
    "keys": _keys,
    "keys_unsorted": _keys,
    "reverse": _reversed,
    "to_entries": _entries,
    "tostring": _as_text,
    "type": _always(text(*KINDS)),
}  # fmt: skip

# The second is what the argument gives of the input.
WITH_VALUE: Mapping[str, WithArgument] = {
    **dict.fromkeys(
        ("contains", "inside", "startswith", "endswith", "has", "in", "test", "isempty"), lambda value, _: BOOLEAN
    ),
    **dict.fromkeys(("sub", "gsub", "join", "strftime", "strflocaltime"), lambda value, _: STRING),
    **dict.fromkeys(("ltrimstr", "rtrimstr", "trimstr"), lambda value, _: _trimmed(value)),
    **dict.fromkeys(("first", "last"), lambda value, given: given),
    **dict.fromkeys(("index", "rindex"), lambda value, _: NUMBER | NULL),
    **dict.fromkeys(("del", "delpaths"), lambda value, _: _same_container(value)),
    "error": lambda value, _: NOTHING,
    "flatten": lambda value, _: ARRAY,
    "with_entries": lambda value, _: OBJECT,
    "range": lambda value, _: NUMBER,
    "select": lambda value, _: value,
    "split": lambda value, _: array_of(STRING),
    "splits": lambda value, _: STRING,
    "strptime": lambda value, _: array_of(NUMBER),
}

# The second is what the argument gives of an item.
WITH_ITEM: Mapping[str, WithArgument] = {
    **dict.fromkeys(("sort_by", "unique_by"), lambda value, _: _kept(value)),
    **dict.fromkeys(("max_by", "min_by"), lambda value, _: _one_item(value)),
    **dict.fromkeys(("any", "all"), lambda value, _: BOOLEAN),
    "group_by": lambda value, _: array_of(_kept(value)),
    "map": lambda value, given: array_of(given),
    "map_values": lambda value, given: _mapped_values(value, given),
}


def _mapped_values(value: Type, given: Type) -> Type:
    arrays = array_of(given) if "array" in value.kinds else NOTHING
    return arrays | (OBJECT if "object" in value.kinds else NOTHING)
