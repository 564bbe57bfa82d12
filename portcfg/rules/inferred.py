"""What each expression that a mapping writes gives, as far as that can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portcfg.model import Document
from portcfg.rules.jq_rows import given, row_types, variables_of
from portcfg.rules.jq_types import ANY, Type
from portcfg.rules.jq_types_infer import Clash, Variables, learned
from portcfg.rules.samples import Sample, asks_kinds, request_of, seen_rows
from portcfg.rules.written import Written, config_of, runs_here, written_by
from portcfg.sync.jq_text import normalise


@dataclass(frozen=True)
class Inferred:
    """`type` is what the expression gives of a row of the type `row`; `clashes` why it gives nothing at all.

    `text` is the expression as jq takes it, "" for a search. `cases` are the recorded ones by whose samples the row's
    type is known.
    """

    written: Written
    text: str
    type: Type
    row: Type
    clashes: tuple[Clash, ...] = ()
    cases: tuple[str, ...] = ()


def inferred_of(document: Document, variables: Mapping[str, Any]) -> Iterator[Inferred]:
    """Every expression of a mapping; `variables` are the project's."""
    body = _body(document, variables)
    rows = row_types(body) if runs_here(document) else []
    names = variables_of(body)
    for written in written_by(document):
        yield _inferred(written, rows[_index(written)] if rows else ANY, names)


def sampled_of(document: Document, variables: Mapping[str, Any], samples: Sequence[Sample]) -> Iterator[Inferred]:
    """The expressions of a mapping that portcfg runs whose rows are in samples, by what these show too.

    Left out is what may treat values by their kind: it gives no wrong value of a row of another kind than expected.
    """
    own = [sample for sample in samples if sample.mapping == document.ref.identifier]
    body = _body(document, variables) if own and runs_here(document) else {}
    seen = seen_rows(body, own)
    rows = row_types(body, {request: each.row for request, each in seen.items()}) if seen else []
    names = variables_of(body)
    for written in written_by(document) if seen else ():
        resource = body["resources"][_index(written)]
        found = seen.get(request_of(body, resource))
        if found and not asks_kinds(written.jq) and not any(map(asks_kinds, _choosing(resource))):
            yield replace(_inferred(written, rows[_index(written)], names), cases=found.cases)


def _body(document: Document, variables: Mapping[str, Any]) -> Mapping[str, Any]:
    _, config = config_of(document)
    return {**config, "vars": {**variables, **(config.get("vars") or {})}}


def _index(written: Written) -> int:
    """Which of the mapping's resources it is."""
    return int(written.resource[-1])


def _choosing(resource: Mapping[str, Any]) -> Iterator[Any]:
    """The jq that stands between a stream's rows and what is made of them."""
    selector = resource.get("selector") or {}
    yield from (selector.get(key) for key in ("query", "group_by", "aggregate"))
    yield (resource.get("port") or {}).get("itemsToParse")


def _inferred(written: Written, row: Type, names: Variables) -> Inferred:
    if isinstance(written.jq, Mapping | list):
        return Inferred(written, "", ANY, row)
    if not isinstance(written.jq, str):
        return Inferred(written, "", given(written.jq, row, names), row)
    text = normalise(written.jq)
    type_, clashes = learned(text, row, names)
    return Inferred(written, text, type_, row, () if type_.kinds else tuple(clashes))
