"""Pages read to the end, or an error that says where it went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from portcfg.errors import IncompleteError
from portcfg.sync.jq_programs import Scope
from portcfg.sync.paging import Pager
from portcfg.sync.source import Request, SourceAnswer
from portcfg.sync.spec import Pagination, Stream
from portcfg.sync.windows import DayRange, window
from tests.sync.support import NOW

PAGED = Pagination("page", "body", "page", "size", 2, more=".more", total=".total")


def read(stream: Stream, answer: Callable[[Request], Any]) -> tuple[list[Any], list[Request]]:
    asked: list[Request] = []

    def ask(request: Request) -> SourceAnswer:
        asked.append(request)
        found = answer(request)
        return found if isinstance(found, SourceAnswer) else SourceAnswer(found)

    from datetime import date

    days = window(DayRange(date(2026, 3, 2), date(2026, 3, 4)), 0, NOW)
    pages = Pager(stream, Scope({"org": "acme"}, NOW), ask).pages(days)
    return [row for page in pages for row in page.rows], asked


def stream(**values: Any) -> Stream:
    return Stream("s", "/rows", "POST", **{"data_path": ".rows", **values})


def numbered(total: int, size: int) -> Callable[[Request], Any]:
    def answer(request: Request) -> Any:
        page = (request.body or request.params)["page"]
        rows = [{"n": n} for n in range(total)][(page - 1) * size : page * size]
        return {"rows": rows, "more": page * size < total, "total": total, "page": page}

    return answer


def test_every_row_once_and_a_page_number_in_the_body() -> None:
    rows, asked = read(stream(body="{org: $org}", pagination=PAGED), numbered(5, 2))
    assert [row["n"] for row in rows] == [0, 1, 2, 3, 4]
    assert [request.body for request in asked] == [{"org": "acme", "page": n, "size": 2} for n in (1, 2, 3)]


def test_the_total_alone_says_where_the_end_is() -> None:
    paging = Pagination("page", "query", "page", "size", 2, total=".total")
    rows, asked = read(stream(pagination=paging), numbered(4, 2))
    assert (len(rows), len(asked)) == (4, 2)


@pytest.mark.parametrize("place", ["page", "offset"])
def test_without_more_and_total_the_end_is_an_empty_page_however_few_rows_a_page_has(place: str) -> None:
    def capped(request: Request) -> Any:
        at = request.params["at"]
        start = at if place == "offset" else (at - 1) * 50
        assert request.params["per"] == 100
        return {"rows": [{"n": n} for n in range(120)][start : start + 50]}

    rows, asked = read(stream(pagination=Pagination(place, "query", "at", "per", 100)), capped)
    assert [row["n"] for row in rows] == list(range(120))
    assert len(asked) == 4


@pytest.mark.parametrize("last", [2, 3])
def test_without_more_and_total_a_page_that_repeats_the_one_before_is_the_end_and_not_counted(last: int) -> None:
    rows, asked = read(
        stream(pagination=Pagination("page", "query", "page", "", 2)),
        lambda request: {"rows": [{"n": min(request.params["page"], last)}, {"m": 1}]},
    )
    assert [row["n"] for row in rows[::2]] == list(range(1, last + 1))
    assert len(asked) == last + 1


def test_offset_paging() -> None:
    paging = Pagination("offset", "query", "offset", "limit", 2, more=".more")

    def answer(request: Request) -> Any:
        start = request.params["offset"]
        return {"rows": [{"n": n} for n in range(start, min(start + 2, 5))], "more": start + 2 < 5}

    rows, asked = read(stream(pagination=paging), answer)
    assert [row["n"] for row in rows] == [0, 1, 2, 3, 4]
    assert [request.params["offset"] for request in asked] == [0, 2, 4]


def test_cursor_paging() -> None:
    paging = Pagination("cursor", "query", "after", "limit", 2, next=".next")
    pages = {None: ([1, 2], "b"), "b": ([3], None)}

    def answer(request: Request) -> Any:
        rows, following = pages[request.params.get("after")]
        return {"rows": [{"n": n} for n in rows], "next": following}

    assert [row["n"] for row in read(stream(pagination=paging), answer)[0]] == [1, 2, 3]


def test_links_in_the_body_and_in_the_header() -> None:
    def by_body(request: Request) -> Any:
        last = request.path.endswith("2")
        return {"rows": [{"n": 2 if last else 1}], "next": None if last else "http://source.test/rows?p=2"}

    assert len(read(stream(pagination=Pagination("link", next=".next")), by_body)[0]) == 2

    def by_header(request: Request) -> Any:
        last = request.path.endswith("2")
        return SourceAnswer({"rows": [{"n": 1}, {"last": last}]}, "" if last else "http://source.test/rows?p=2")

    assert len(read(stream(pagination=Pagination("link")), by_header)[0]) == 4


def test_literal_parameters_stay_and_jq_ones_are_run() -> None:
    params = {"startDate": "30d", "page": "1", "from": "$window.start_date", "to": {"jq": '"\\($window.days)d"'}}
    _, asked = read(stream(query_params=params), lambda _: {"rows": []})
    assert asked[0].params == {"startDate": "30d", "page": "1", "from": "2026-03-02", "to": "3d"}


def test_an_object_body_may_hold_jq() -> None:
    body = {"range": {"start": "$window.start_ms"}, "ids": ["a", "$org"], "size": 5, "text": "now"}
    _, asked = read(stream(body=body), lambda _: {"rows": []})
    assert asked[0].body == {"range": {"start": 1772409600000}, "ids": ["a", "acme"], "size": 5, "text": "now"}


def test_the_documents_body_is_evaluated() -> None:
    body = '{"startDate": ((now | floor) - (86400 * 30)) * 1000, "endDate": (now | floor) * 1000}'
    _, asked = read(stream(body=body), lambda _: {"rows": []})
    assert asked[0].body == {"startDate": (int(NOW) - 86400 * 30) * 1000, "endDate": int(NOW) * 1000}


BAD = {
    "no list": ({}, "`.rows` is null where a list"),
    "an object for the list": ({"rows": {"a": 1}}, "`.rows` is object where a list"),
    "text for the answer": ({"rows": "x"}, "`.rows` is string"),
    "no total": ({"rows": [], "more": False}, "`.total` is null where a count"),
    "a total in words": ({"rows": [], "more": False, "total": "5"}, "`.total` is string"),
    "no more": ({"rows": [], "total": 0}, "`.more` is null where true or false"),
    "more in words": ({"rows": [], "total": 0, "more": "yes"}, "`.more` is string"),
    "fewer rows than stated": ({"rows": [{"n": 1}], "more": False, "total": 2}, "1 rows read, but `.total` says 2"),
    "more rows than stated": ({"rows": [{"n": 1}, {"n": 2}], "more": False, "total": 1}, "2 rows read"),
    "a row that is no object": ({"rows": [5], "more": False, "total": 1}, "row 0 is number where an object"),
    "a list for the answer": ([], "page 1: "),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_answer_names_stream_page_and_key(name: str) -> None:
    answer, message = BAD[name]
    with pytest.raises(IncompleteError) as caught:
        read(stream(pagination=PAGED), lambda _: answer)
    assert caught.value.exit_code == 3
    assert "stream s, page 1: " in caught.value.message
    assert message in caught.value.message


def test_a_page_that_comes_again_and_again() -> None:
    with pytest.raises(IncompleteError, match="page 2: the page is the same"):
        read(stream(pagination=PAGED), lambda _: {"rows": [{"n": 1}], "more": True, "total": 9})


def test_a_page_that_shrinks_while_it_is_read() -> None:
    def answer(request: Request) -> Any:
        page = request.body["page"]
        return {"rows": [{"n": page}] * (2 if page == 1 else 1), "more": page == 1, "total": 4, "page": page}

    with pytest.raises(IncompleteError, match="3 rows read"):
        read(stream(pagination=PAGED), answer)


def test_endless_pages_are_given_up() -> None:
    paging = Pagination("page", "body", "page", more=".more", max_pages=5)
    with pytest.raises(IncompleteError, match="after 5 pages"):
        read(stream(pagination=paging), lambda request: {"rows": [{"n": request.body["page"]}], "more": True})


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({}, "row 0: `at` is missing where string is due"),
        ({"at": None}, "row 0: `at` is null where string"),
        ({"at": 5}, "row 0: `at` is number where string"),
        ({"at": "x", "cost": "5"}, "row 0: `cost` is string where number"),
    ],
)
def test_rows_of_another_shape_stop_the_stream(row: Any, message: str) -> None:
    with pytest.raises(IncompleteError, match=message):
        read(stream(shape={"at": "string", "cost": "number?"}), lambda _: {"rows": [row]})


def test_no_rows_are_fine() -> None:
    assert read(stream(pagination=PAGED), numbered(0, 2))[0] == []
