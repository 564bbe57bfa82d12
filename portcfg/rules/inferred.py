"""What each expression that a mapping writes gives, as far as that can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg.model import Document
from portcfg.rules.jq_rows import given, row_types, variables_of
from portcfg.rules.jq_types import ANY, Type
from portcfg.rules.jq_types_infer import Clash, Variables, learned
from portcfg.rules.written import Written, config_of, runs_here, written_by
from portcfg.sync.jq_text import normalise


@dataclass(frozen=True)
class Inferred:
    """`type` is what the expression gives of a row of the type `row`; `clashes` why it gives nothing at all.

    `text` is the expression as jq takes it, "" for a search.
    """

    written: Written
    text: str
    type: Type
    row: Type
    clashes: tuple[Clash, ...] = ()


def inferred_of(document: Document, variables: Mapping[str, Any]) -> Iterator[Inferred]:
    """Every expression of a mapping; `variables` are the project's."""
    prefix, config = config_of(document)
    body = {**config, "vars": {**variables, **(config.get("vars") or {})}}
    rows = row_types(body) if runs_here(document) else []
    names = variables_of(body)
    for written in written_by(document):
        index = written.resource[len(prefix) + 1]
        yield _inferred(written, rows[int(index)] if rows else ANY, names)


def _inferred(written: Written, row: Type, names: Variables) -> Inferred:
    if isinstance(written.jq, Mapping | list):
        return Inferred(written, "", ANY, row)
    if not isinstance(written.jq, str):
        return Inferred(written, "", given(written.jq, row, names), row)
    text = normalise(written.jq)
    type_, clashes = learned(text, row, names)
    return Inferred(written, text, type_, row, () if type_.kinds else tuple(clashes))
