"""Bodies changed in every place: the embedded Port takes and refuses what the published schemas take and refuse."""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from tests.emulator.exchange import Port, load
from tests.emulator.openapi import OpenApi, needs_reference

CONTENT = load(Path(__file__).parent / "bodies.yaml")
WIDGETS = load(Path(__file__).parent / "cases" / "widgets.yaml")["accepted"]
REPLACEMENTS: list[Any] = [None, 7, "zzz", [], {}, True, ["zzz"], [7]]
ADDED_KEYS = ("zzz", "title", "icon", "blueprint", "property")
GIVEN = (
    ("POST /v1/blueprints", {"identifier": "team", "title": "T", "schema": {"properties": {}}}),
    ("POST /v1/pages", {"identifier": "page"}),
    ("POST /v1/integration", {"installationId": "integration", "installationAppType": "t"}),
)
Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield from places(child, (*place, key))


def at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def changed(body: Any) -> Iterator[tuple[Place, Any]]:
    """The body without one of its parts, with another value there, and with one key more."""
    for place in places(body):
        for replacement in REPLACEMENTS if place else ():
            other = copy.deepcopy(body)
            at(other, place[:-1])[place[-1]] = replacement
            yield place, other
        if place:
            other = copy.deepcopy(body)
            del at(other, place[:-1])[place[-1]]
            yield place, other
        part = at(body, place)
        for key in ADDED_KEYS if isinstance(part, dict) else ():
            other = copy.deepcopy(body)
            at(other, place)[key] = 7
            yield (*place, key), other


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with serving(port_app()) as base:
        port = Port(base)
        port.login()
        for request, body in GIVEN:
            assert port.send(request, body).status_code == 201
        yield port
        port.session.close()


def disagreements(port: Port, api: OpenApi, request: str, body: Any) -> Iterator[str]:
    """`METHOD path place` wherever one side takes the changed body and the other doesn't."""
    route = api.route(*request.split(" ", 1))
    assert list(api.request_findings(route, body)) == [], request
    for place, other in changed(body):
        answer = port.send(request, other)
        assert answer.status_code < 500, (request, other)
        # What breaks the schema is told by the place in the body; all other refusals are about what the body means.
        refused = answer.status_code == 422 and answer.json()["message"].startswith("body")
        if refused is api.accepts(route, other):
            yield f"{request.partition('?')[0]} {'/'.join(map(str, place))}"


@needs_reference
def test_bodies_are_taken_as_published(port: Port) -> None:
    api = OpenApi()
    found = {
        where for entry in CONTENT["bodies"] for where in disagreements(port, api, entry["request"], entry["body"])
    }
    patterns = [difference["where"] for difference in CONTENT["differences"]]
    excused = {where for where in found if any(fnmatch.fnmatchcase(where, pattern) for pattern in patterns)}
    assert sorted(found - excused) == []
    assert [pattern for pattern in patterns if not fnmatch.filter(excused, pattern)] == []


# Where published widgets are looser or older than what is known of Port: the numbers of the grid, datasets of number
# charts, ids that occur once, and what newer widgets take besides.
STRICTER = ("dashboard-widget", "grouper", "entities-number-chart", "bar-chart")
LOOSER = ("table-audit-log query*", "table-entities-explorer-by-direction *")


@needs_reference
@pytest.mark.parametrize(
    "widget", [widget for widget in WIDGETS if widget["type"] not in STRICTER], ids=lambda w: w["type"]
)
def test_widgets_are_taken_as_published(port: Port, widget: dict[str, Any]) -> None:
    found = disagreements(port, OpenApi(), "PATCH /v1/pages/page", {"widgets": [widget]})
    prefix = "PATCH /v1/pages/page widgets/0/"
    places_ = {f"{widget['type']} {where.removeprefix(prefix)}" for where in found if where.startswith(prefix)}
    assert [where for where in places_ if not any(fnmatch.fnmatchcase(where, pattern) for pattern in LOOSER)] == []
