"""The quick look at a document's shape and the thorough one agree: what the first lets pass, the second would too."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.fitting import fits
from portcfg.kinds import KINDS
from portcfg.model import Document
from portcfg.pipeline import read_specs
from portcfg.shape import shape_problems
from tests.support import REPOSITORY

DOCUMENTS = [
    document for folder in ("specs", "specs/examples") for document in read_specs(REPOSITORY / folder).documents
]
JUNK: list[Any] = [
    None,
    1,
    1.0,
    -1,
    10**30,
    float("inf"),
    "",
    "a b",
    "x\n",
    "\ud800",
    [],
    {},
    [1, 1.0],
    {"": None},
    True,
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from spots(part, (*path, key))


def changed(document: Document, path: tuple[Any, ...], junk: Any) -> Document:
    body = copy.deepcopy(document.body)
    target: Any = body
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = junk
    return replace(document, body=body)


PLACES = [(document, path) for document in DOCUMENTS for path in spots(document.body) if path]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: str(each.body["identifier"]))
def test_what_is_shipped_fits(document: Document) -> None:
    assert fits(document)


@given(st.sampled_from(PLACES), st.sampled_from(JUNK))
def test_what_fits_has_no_problem_of_shape(place: tuple[Document, tuple[Any, ...]], junk: Any) -> None:
    document = changed(*place, junk)
    if fits(document):
        assert list(shape_problems(document, KINDS[document.kind].schema())) == []
