"""Sources that mean harm, or are just broken: the stream stops with a reason, the key stays, nothing is written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from portcfg.emulator.server import serving
from portcfg.errors import EXIT_INCOMPLETE, EXIT_PARTIAL
from portcfg.sync.report import SyncReport
from tests.sync.support import (
    KEY,
    Handler,
    blueprint,
    embedded_port,
    entities,
    mapping_of,
    options,
    retry,
    run_sync,
    source_app,
)

THING = blueprint("thing", n="number", text="string")
ENTITY = {"identifier": ".id", "blueprint": '"thing"', "properties": {"n": ".n", "text": ".text"}}
GOOD = {"rows": [{"id": "a", "n": 1}]}
PAGED: dict[str, Any] = {"type": "page", "page_size": 2}


def run(handlers: dict[str, Handler], selector: dict[str, Any], **source: Any) -> tuple[SyncReport, dict[str, Any]]:
    """A source read into an embedded Port: the report, and the entities."""
    clock = source.pop("clock", lambda: 0.0)
    with serving(source_app(handlers)) as url, embedded_port(THING) as port:
        resource = {
            "kind": "/a",
            "selector": {"data_path": ".rows", **selector},
            "port": {"entity": {"mappings": ENTITY}},
        }
        auth = {"type": "bearer", "token_env": "SOURCE_KEY"}
        mapping = mapping_of({"source": {"base_url": url, "auth": auth, **source}, "resources": [resource]})
        policy = replace(retry(), monotonic=clock)
        report = run_sync(mapping, {"SOURCE_KEY": KEY}, port, options(retry=policy))
        return report, entities(port, "thing")


def count_up() -> Callable[[Any], Any]:
    pages = iter(range(1_000_000))
    return lambda _: {"rows": [{"id": f"e{next(pages)}"}], "next": f"c{next(pages)}"}


def again(_: Any) -> Any:
    return {"rows": [{"id": "a", "n": 1}, {"id": "b"}], "more": True}


def in_a_circle() -> Callable[[Any], Any]:
    return lambda asked: {
        "rows": [{"id": f"e{asked.get('after')}"}],
        "next": {None: "x", "x": "y"}.get(asked.get("after"), "x"),
    }


def drip() -> StreamingResponse:
    def parts() -> Iterator[bytes]:
        yield b'{"rows": ['
        for _ in range(40):
            yield b" " * 70_000

    return StreamingResponse(parts(), media_type="application/json")


def packed(size: int) -> Response:
    body = gzip.compress(b'{"rows": [' + b" " * size + b"]}")
    return Response(body, media_type="application/json", headers={"content-encoding": "gzip"})


def text(body: str) -> Response:
    return Response(body, media_type="application/json")


# name -> (the answer, the selector, the source's settings, what is said)
CASES: dict[str, tuple[Any, dict[str, Any], dict[str, Any], str]] = {
    "pages without end": (
        count_up(), {"pagination": {"type": "cursor", "page": "after", "next": ".next", "max_pages": 7}}, {},
        "still not at the end after 7 pages",
    ),
    "a page again and again": (again, {"pagination": {**PAGED, "more": ".more"}}, {}, "the same as the one before"),
    "cursors in a circle": (
        in_a_circle(), {"pagination": {"type": "cursor", "page": "after", "next": ".next"}}, {},
        "the next page is one that was read already",
    ),
    "a next page elsewhere": (
        lambda _: {**GOOD, "next": "http://127.0.0.1:9/steal"}, {"pagination": {"type": "link", "next": ".next"}}, {},
        "another host",
    ),
    "a next page elsewhere without a scheme": (
        lambda _: {**GOOD, "next": "//127.0.0.1:9/steal"}, {"pagination": {"type": "link", "next": ".next"}}, {},
        "another host",
    ),
    "a next page elsewhere in a header": (
        lambda _: JSONResponse(GOOD, headers={"link": '<http://127.0.0.1:9/steal>; rel="next"'}),
        {"pagination": {"type": "link"}}, {}, "another host",
    ),
    "a next page that is no link": (
        lambda _: {**GOOD, "next": {"page": 2}}, {"pagination": {"type": "link", "next": ".next"}}, {},
        "the next page is object where a link is due",
    ),
    "a web page": (lambda _: PlainTextResponse("<html>", media_type="text/html"), {}, {}, "where JSON is due"),
    "a gzip bomb": (lambda _: packed(200 << 20), {}, {"max_answer_mib": 2}, "more than 2 MiB"),
    "an endless answer": (lambda _: drip(), {}, {"max_answer_mib": 1}, "more than 1 MiB"),
    "a key that stands twice": (
        lambda _: text('{"rows": [{"id": "a", "n": 1}], "rows": []}'), {}, {}, "an object has the key `rows` twice",
    ),
    "a key that stands twice in a row": (
        lambda _: text('{"rows": [{"id": "a", "n": 1, "n": 2}]}'), {}, {}, "an object has the key `n` twice",
    ),
    "NaN": (lambda _: text('{"rows": [{"id": "a", "n": NaN}]}'), {}, {}, "it holds NaN, which is no JSON"),
    "infinity": (lambda _: text('{"rows": [{"id": "a", "n": -Infinity}]}'), {}, {}, "it holds -Infinity"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_stream_stops_with_the_reason_and_nothing_is_written(name: str) -> None:
    answer, selector, source, message = CASES[name]
    report, found = run({"/a": answer}, selector, **source)
    (stream,) = report.streams
    assert (report.exit_code, found) == (EXIT_INCOMPLETE, {})
    assert message in stream.message
    assert KEY not in repr(report)


def test_an_answer_that_drips_is_given_up_when_its_time_is_over() -> None:
    ticks = iter(range(0, 10_000, 30))
    report, found = run({"/a": lambda _: drip()}, {}, timeout=6, clock=lambda: float(next(ticks)))
    assert (report.exit_code, found) == (EXIT_INCOMPLETE, {})
    assert "not whole after 60 seconds" in report.streams[0].message


def test_a_key_that_is_sent_is_sent_to_the_base_url_alone() -> None:
    stolen: list[Any] = []
    with serving(source_app({"/steal": lambda asked: stolen.append(asked) or GOOD})) as thief:
        link = f"{thief}/steal"
        report, _ = run({"/a": lambda _: {**GOOD, "next": link}}, {"pagination": {"type": "link", "next": ".next"}})
    assert (report.exit_code, stolen) == (EXIT_INCOMPLETE, [])


def test_a_row_of_ten_megabytes_is_rejected_and_the_others_are_written() -> None:
    rows = [{"id": "a", "n": 1}, {"id": "b", "text": "x" * 10_000_000}, {"id": "c", "n": 3}]
    report, found = run({"/a": lambda _: {"rows": rows}}, {})
    assert (report.exit_code, sorted(found)) == (EXIT_PARTIAL, ["a", "c"])
    assert [(item.identifier, item.about) for item in report.rejects] == [("b", "413 payload_too_large")]
    assert len(json.dumps(report.rejects[0].reason)) < 1000


def test_a_number_too_large_for_json_is_rejected_with_its_row_alone() -> None:
    report, found = run({"/a": lambda _: text('{"rows": [{"id": "a", "n": 1e999}, {"id": "b", "n": 2}]}')}, {})
    assert (report.exit_code, sorted(found)) == (EXIT_PARTIAL, ["b"])


@pytest.mark.parametrize("link", ["/v2/a?page=2", "?page=2", "a?page=2", "{url}/a?page=2"])
def test_links_may_be_relative_to_their_page(link: str) -> None:
    asked: list[Any] = []

    def answer(query: Any) -> Any:
        asked.append(query)
        return {"rows": [{"id": "b" if "page" in query else "a"}], "next": None if "page" in query else where}

    with serving(source_app({"/v2/a": answer})) as url, embedded_port(THING) as port:
        base, where = f"{url}/v2", link.replace("{url}", f"{url}/v2")
        resource = {
            "kind": "/a",
            "selector": {
                "data_path": ".rows",
                "pagination": {"type": "link", "next": ".next"},
                "query_params": {"q": "1"},
            },
            "port": {"entity": {"mappings": ENTITY}},
        }
        report = run_sync(mapping_of({"resources": [resource]}, base), {}, port, options())
        assert (report.exit_code, sorted(entities(port, "thing"))) == (0, ["a", "b"])
    assert asked == [{"q": "1"}, {"page": "2"}]
