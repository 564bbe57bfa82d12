"""What recorded answers of a source show of its rows: the type that a field had wherever it was seen.

A sample is no proof, so only what all rows agree on counts. A field that is null or missing in one of them is unknown,
and with that what differs from row to row in an object used as a map; so are the items of a list that was empty once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from portcfg.rules.jq_types import ANY, ARRAY, Type, array_of, kind_of, object_of, union
from portcfg.sync.findings import as_list, as_mapping
from portcfg.sync.jq_text import normalise, plain_path

# No more rows of a request are looked at, and nothing deeper.
MOST_ROWS, MOST_LEVELS = 200, 20
# What asks for the kind of a value, or goes on where it is another: such jq gives no wrong value of a wrong row.
_ASKS = re.compile(
    r'\?|(?<![.$\w"])(if|try|select|type|error|empty|numbers|strings|booleans|arrays|objects|iterables|scalars|nulls)\b'
)
_PARAMETER = re.compile(r"\\{\w+\\}")
# Method, path, where the rows are in an answer, and what else is sent.
Request = tuple[str, str, str, str]


@dataclass(frozen=True)
class Sample:
    """A recorded case of a mapping: `answers` by method and path, a value for each page. `case` is its folder."""

    case: str
    mapping: str
    answers: Mapping[tuple[str, str], Sequence[Any]]


@dataclass(frozen=True)
class Seen:
    """The type of the rows of a request, and the cases that have some."""

    row: Type
    cases: tuple[str, ...]


def seen_rows(body: Mapping[str, Any], samples: Sequence[Sample]) -> Mapping[Request, Seen]:
    """What the samples show, by request. Answers that could be those of several requests show nothing."""
    requests = dict.fromkeys(_requests(body))
    rows: dict[Request, list[tuple[str, Mapping[str, Any]]]] = {}
    for sample in samples:
        for (method, path), answers in sample.answers.items():
            asking = [each for each in requests if each[0] == method and _pattern(each[1]).fullmatch(path)]
            if len(asking) == 1:
                found = ((sample.case, row) for answer in answers for row in _rows(asking[0], answer))
                rows.setdefault(asking[0], []).extend(found)
    return {request: _seen(found[:MOST_ROWS]) for request, found in rows.items() if found}


def request_of(body: Mapping[str, Any], resource: Mapping[str, Any]) -> Request:
    """The request whose rows a resource sees."""
    selector = as_mapping(resource.get("selector"))
    if selector.get("stream") is None:
        return request_to(resource.get("kind"), selector)
    stream = as_mapping(as_mapping(body.get("streams")).get(selector["stream"]))
    return request_to(stream.get("path"), stream)


def request_to(path: Any, said: Mapping[str, Any]) -> Request:
    """The request that a stream or a selector sends to a path."""
    method = str(said.get("method", "GET")).upper()
    data_path = normalise(str(said.get("data_path") or ".").strip())
    sent = repr((said.get("body"), said.get("query_params")))
    return method, "/" + str(path).partition("?")[0].lstrip("/"), data_path, sent


def asks_kinds(value: Any) -> bool:
    """Whether jq, or any jq in an object, may treat values by their kind."""
    if isinstance(value, Mapping):
        return any(map(asks_kinds, value.values()))
    return isinstance(value, str) and _ASKS.search(value) is not None


def _requests(body: Mapping[str, Any]) -> Iterator[Request]:
    said = [(each.get("path"), each) for each in map(as_mapping, as_mapping(body.get("streams")).values())]
    for resource in map(as_mapping, as_list(body.get("resources"))):
        selector = as_mapping(resource.get("selector"))
        if selector.get("stream") is None:
            said.append((resource.get("kind"), selector))
    for path, each in said:
        yield request_to(path, each)
        for parameter in map(as_mapping, as_mapping(each.get("path_parameters")).values()):
            yield request_to(parameter.get("endpoint"), parameter)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub("[^/]+", re.escape(path)))


def _rows(request: Request, answer: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of an answer; none where they can't be found without running jq."""
    steps = [step for step in request[2].split(".") if step]
    if steps and not plain_path(request[2]):
        return
    for step in steps:
        answer = answer.get(step) if isinstance(answer, Mapping) else None
    rows = answer if steps or isinstance(answer, list) else [answer]
    yield from islice((row for row in as_list(rows) if isinstance(row, Mapping)), MOST_ROWS)


def _seen(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> Seen:
    row = union(_type(each, 0) for _, each in rows)
    fields = {name: _or_null(each) for name, each in row.fields.items()}
    return Seen(replace(row, fields=fields), tuple(dict.fromkeys(case for case, _ in rows)))


def _type(value: Any, level: int) -> Type:
    """The type of a value, of which null is any: what else it may be isn't seen."""
    if value is None:
        return ANY
    if isinstance(value, list) and level < MOST_LEVELS:
        return array_of(union(_type(item, level + 1) for item in value)) if value else ARRAY
    if isinstance(value, Mapping) and level < MOST_LEVELS:
        return object_of({str(key): _type(item, level + 1) for key, item in value.items()}, more=True)
    return Type(frozenset({kind_of(value)}))


def _or_null(seen: Type) -> Type:
    """What is seen may be null or missing all the same, at any depth."""
    fields = {name: _or_null(each) for name, each in seen.fields.items()}
    items = _or_null(seen.items) if seen.items else None
    return Type(seen.kinds | {"null"}, items, fields, more=True)
