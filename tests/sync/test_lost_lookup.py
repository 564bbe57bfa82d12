"""A stream that lookups use and the source gives no more: what looks into it isn't written as if it were empty."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse

from portcfg.client import PortReader
from portcfg.sync.report import StreamStatus, SyncReport
from tests.sync.support import Handler, blueprint, embedded_port
from tests.sync.test_run import body, properties, resource, rows, run

NAMED = {
    **blueprint("thing", n="number", s="string"),
    **blueprint("other", n="number", s="string"),
}
TEAM = '$lookup.teams[.id][0] // "Unassigned"'
TEAMS = rows({"person": "x", "team": "A", "day": "2026-03-02"})
# `thing` looks into the teams, `other` doesn't. What a stream's own expressions look into counts, too.
IN_RESOURCE = resource(properties={"n": ".n", "s": TEAM}), {"path": "/a", "data_path": ".rows"}
IN_ROWS = resource(), {"path": "/a", "data_path": ".rows", "rows": f". + {{s: ({TEAM})}}"}
IN_DEDUPE = (
    resource(properties={"n": ".n", "s": '"A"'}),
    {"path": "/a", "data_path": ".rows", "dedupe": {"by": f".id + ({TEAM})"}},
)
UNDATED = {"path": "/t", "data_path": ".rows"}
DATED = {**UNDATED, "window": {"days": 30, "day": ".day"}}


def mapping(first: tuple[dict[str, Any], dict[str, Any]] = IN_RESOURCE, teams: dict[str, Any] = UNDATED) -> Any:
    return body(
        first[0],
        resource("b", "other"),
        streams={"a": first[1], "t": teams},
        lookups={"teams": {"stream": "t", "key": ".person", "value": ".team"}},
        identifier="tiny",
    )


def refused(status: int = 403) -> Handler:
    return lambda _: JSONResponse({"message": "not for you"}, status)


def sync(port: PortReader, made: dict[str, Any], teams: Handler, number: int, **more: Any) -> SyncReport:
    """A run in which both blueprints have a row with that number."""
    row = {"id": "x", "n": number, "s": "other"}
    return run(port, made, {"/a": rows(row), "/b": rows(row), "/t": teams}, **more)


def written(port: PortReader) -> tuple[Any, Any]:
    """The number and the team of `thing`, and the number of `other`."""
    thing = properties(port)["x"]
    return (thing["n"], thing.get("s")), properties(port, "other")["x"]["n"]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("teams", [UNDATED, DATED], ids=["undated", "dated"])
@pytest.mark.parametrize("first", [IN_RESOURCE, IN_ROWS, IN_DEDUPE], ids=["resource", "rows", "dedupe"])
def test_what_looks_into_a_stream_that_is_refused_after_it_was_read_is_held_back(
    first: Any, teams: Any, status: int
) -> None:
    with embedded_port(NAMED) as port:
        made = mapping(first, teams)
        assert sync(port, made, TEAMS, 1).exit_code == 0
        for dry_run in (True, False):
            report = sync(port, made, refused(status), 2, dry_run=dry_run)
            assert report.exit_code == 3
            assert {item.blueprint: item.held for item in report.blueprints} == {
                "thing": "t could not be read to the end",
                "other": "",
            }
            (lost,) = [item for item in report.streams if item.name == "t"]
            assert lost.status is StreamStatus.FAILED
            assert "not for you" in lost.message
            assert "delete what `portcfg_sync_day` in Port has of this stream" in lost.message
        assert written(port) == ((1, "A"), 2)
        # Once it is allowed again, all goes on.
        assert sync(port, made, TEAMS, 3).exit_code == 0
        assert written(port) == ((3, "A"), 3)


@pytest.mark.parametrize("teams", [UNDATED, DATED], ids=["undated", "dated"])
def test_a_stream_that_was_never_in_the_plan_holds_nothing_back(teams: Any) -> None:
    with embedded_port(NAMED) as port:
        for number in (1, 2):
            report = sync(port, mapping(teams=teams), refused(), number)
            assert report.exit_code == 0
            assert any("t: not in your plan" in notice for notice in report.notices)
            assert written(port) == ((number, "Unassigned"), number)


@pytest.mark.parametrize("teams", [UNDATED, DATED], ids=["undated", "dated"])
def test_without_its_records_a_stream_counts_as_never_read(teams: Any) -> None:
    with embedded_port(NAMED) as port:
        sync(port, mapping(teams=teams), TEAMS, 1)
        for entity in list(port.entities("portcfg_sync_day")):
            port.send("DELETE", f"/blueprints/portcfg_sync_day/entities/{entity['identifier']}")
        assert sync(port, mapping(teams=teams), refused(), 2).exit_code == 0
        assert written(port) == ((2, "Unassigned"), 2)


def test_that_a_stream_was_read_is_recorded_once() -> None:
    with embedded_port(NAMED) as port:
        assert (
            "POST /blueprints/portcfg_sync_day/entities/bulk" in sync(port, mapping(), TEAMS, 1).port_requests_by_route
        )
        (record,) = port.entities("portcfg_sync_day")
        assert (record["identifier"], record["properties"]["state"]) == ("tiny:t", "read")
        again = sync(port, mapping(), TEAMS, 2)
        assert "POST /blueprints/portcfg_sync_day/entities/bulk" not in again.port_requests_by_route
