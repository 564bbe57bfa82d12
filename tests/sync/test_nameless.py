"""Rows without an identifier, and identifiers that are made with nothing: neither gets lost, nor into Port, unseen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sync.support import embedded_port
from tests.sync.test_run import THING, body, properties, resource, rows, run

ROWS = [{"id": f"x{number}", "n": number, "day": "2026-03-02"} for number in range(30)]
WINDOWED = {"a": {"path": "/a", "data_path": ".rows", "window": {"day": ".day"}}}
# Ocean's grammar alone, whose kind is the path.
OCEAN: dict[str, Any] = {
    "resources": [
        {
            "kind": "/a",
            "selector": {"query": "true", "data_path": ".rows"},
            "port": {"entity": {"mappings": {"identifier": ".id", "blueprint": '"thing"', "properties": {"n": ".n"}}}},
        }
    ]
}


def ocean(identifier: str) -> dict[str, Any]:
    """The mapping with another identifier."""
    (item,) = OCEAN["resources"]
    mappings = {**item["port"]["entity"]["mappings"], "identifier": identifier}
    return {"resources": [{**item, "port": {"entity": {"mappings": mappings}}}]}


def test_a_row_without_an_identifier_is_rejected_and_the_others_are_written() -> None:
    with embedded_port(THING) as port:
        report = run(port, body(resource()), {"/a": rows({"id": "x", "n": 1}, {"n": 2}, {"id": "", "n": 3})})
        assert (report.exit_code, list(properties(port))) == (6, ["x"])
        (group,) = report.rejected
        assert (group.about, group.count) == ("identifier", 2)
        assert "skip_without_identifier: true" in group.examples[0].reason


def test_what_a_row_without_an_identifier_may_have_said_stays_as_it_is() -> None:
    with embedded_port(THING) as port:
        parts = [resource(properties={"n": ".n"}), resource("b", properties={"s": ".s"})]
        mapping = body(*parts, fill={"thing": {"s": "none"}})
        a, other = rows({"id": "x", "n": 1}), {"id": "y", "s": "of y"}
        run(port, mapping, {"/a": a, "/b": rows({"id": "x", "s": "of x"}, other)})
        run(port, mapping, {"/a": a, "/b": rows({"s": "of x"}, other)})
        assert properties(port)["x"] == {"n": 1, "s": "of x"}


def test_rows_without_an_identifier_may_be_meant() -> None:
    with embedded_port(THING) as port:
        mapping = body(resource(skip_without_identifier=True))
        report = run(port, mapping, {"/a": rows({"id": "x", "n": 1}, {"n": 2})})
        assert report.exit_code == 0
        assert report.blueprints[0].skipped == {"without an identifier": 1}
        assert run(port, mapping, {"/a": rows({"n": 2})}).exit_code == 0


def test_in_oceans_grammar_alone_such_rows_are_skipped_and_counted() -> None:
    with embedded_port(THING) as port:
        report = run(port, OCEAN, {"/a": rows({"id": "x", "n": 1}, {"n": 2})})
        assert (report.exit_code, list(properties(port))) == (0, ["x"])
        assert report.blueprints[0].skipped == {"without an identifier": 1}


@pytest.mark.parametrize("mapping", [body(resource(identifier=".idd")), ocean(".idd")], ids=["own", "ocean"])
def test_an_identifier_that_no_row_has_fails_the_run(mapping: dict[str, Any]) -> None:
    with embedded_port(THING) as port:
        report = run(port, mapping, {"/a": rows(*ROWS)})
        assert (report.exit_code, properties(port)) == (6, {})
        assert "`.idd` names none of its 30 row(s)" in report.blueprints[0].held


@pytest.mark.parametrize("identifier", ['.orgg + "@" + .id', '"\\(.orgg)@\\(.id)"', '(.orgg | tostring) + "@" + .id'])
def test_an_identifier_joined_with_what_is_always_null_is_not_written(identifier: str) -> None:
    with embedded_port(THING) as port:
        report = run(port, body(resource(identifier=identifier)), {"/a": rows(*ROWS)})
        assert (report.exit_code, properties(port)) == (6, {})
        assert "`.orgg` in its identifier is null for all 30 row(s)" in report.blueprints[0].held


def test_a_part_of_an_identifier_that_some_rows_have_is_fine() -> None:
    with embedded_port(THING) as port:
        mapping = body(resource(identifier=".id + .suffix"))
        report = run(port, mapping, {"/a": rows({"id": "x", "n": 1}, {"id": "y", "n": 1, "suffix": "!"})})
        assert (report.exit_code, sorted(properties(port))) == (0, ["x", "y_"])


def test_the_days_of_a_mistaken_identifier_are_read_again() -> None:
    with embedded_port(THING) as port:
        mistaken = body(resource(identifier=".idd"), streams=WINDOWED)
        run(port, mistaken, {"/a": rows(*ROWS)})
        report = run(port, body(resource(), streams=WINDOWED), {"/a": rows(*ROWS)}, missing_only=True)
        assert len(properties(port)) == 30
        assert report.streams[0].rows == 30
