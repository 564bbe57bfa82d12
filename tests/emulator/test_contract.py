"""The contract suite (contract.yaml), run in three ways that assert the same things.

- Against the embedded Port, over HTTP. Every request and answer is also checked against Port's published OpenAPI, read
  from `$PORTCFG_REFERENCE_DIR/facts/port-openapi.json` (skipped where that isn't). Where the published schema is known
  to be wrong, deviations.yaml says so and why; a deviation that no longer occurs fails.
- From recordings in cassettes/, without a server. `PORTCFG_RECORD=1` records them anew from the embedded Port.
- Against a real Port, if `PORTCFG_CONTRACT=live` and PORT_CLIENT_ID, PORT_CLIENT_SECRET and PORT_BASE_URL are set. It
  makes only objects called portcfg_contract_* (an integration: portcfg-contract), and deletes them before and after.
  Steps marked `guess` may answer otherwise there; they are reported as expected failures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import vcr

from portcfg.emulator.port_app import port_app
from portcfg.emulator.port_routes import match
from portcfg.emulator.server import serving
from tests.emulator.deviations import deviations, findings, strays, unneeded
from tests.emulator.exchange import Exchange, Port, Step, check, load
from tests.emulator.openapi import OpenApi, needs_reference

HERE = Path(__file__).parent
STEPS: list[Step] = load(HERE / "contract.yaml")
CASSETTE = HERE / "cassettes" / "contract.yaml"
RECORDING = os.environ.get("PORTCFG_RECORD") == "1"
LIVE = os.environ.get("PORTCFG_CONTRACT") == "live"
RECORDED_AT = "http://port.recorded"
NAMES = [step["name"] for step in STEPS]
each_step = pytest.mark.parametrize("index", range(len(STEPS)), ids=NAMES)
# One skip in the list, not one for each step.
each_live_step = pytest.mark.parametrize("index", range(len(STEPS) if LIVE else 1), ids=NAMES if LIVE else ["all"])


def run(port: Port) -> list[Exchange]:
    port.login()
    try:
        return [port.do(step) for step in STEPS]
    finally:
        port.session.close()


@pytest.fixture(scope="module")
def embedded() -> Iterator[list[Exchange]]:
    with serving(port_app()) as base:
        yield run(Port(base))


@each_step
def test_embedded_port_answers_as_expected(embedded: list[Exchange], index: int) -> None:
    check(embedded[index])


# The published schemas.


@needs_reference
def test_embedded_port_keeps_to_the_published_schemas(embedded: list[Exchange]) -> None:
    api, known = OpenApi(), deviations("contract")
    found = {finding for exchange in embedded for finding in findings(api, exchange)}
    assert strays(found, known) == [], "the embedded Port strays from the published API"
    assert unneeded(found, known) == [], "these deviations no longer occur"


@needs_reference
def test_refused_requests_are_not_as_published(embedded: list[Exchange]) -> None:
    api = OpenApi()
    for exchange in embedded:
        if exchange.step.get("refused_request"):
            route = api.route(*exchange.step["request"].split(" ", 1))
            assert list(api.request_findings(route, exchange.step["body"])), exchange.name


@needs_reference
def test_every_deviation_says_why() -> None:
    assert all(deviation["reason"] for deviation in deviations())


@needs_reference
def test_every_published_route_is_emulated_or_refused() -> None:
    for route in OpenApi().routes():
        method, _, path = route.partition(" ")
        match(method, tuple(path.strip("/").split("/")))


# Recordings.


def scrub_request(request: Any) -> Any:
    """Neither the machine's port nor any secret gets into a recording."""
    request.uri = f"{RECORDED_AT}/{request.uri.split('/', 3)[3]}"
    if request.path == "/v1/auth/access_token":
        request.body = json.dumps({"clientId": "scrubbed", "clientSecret": "scrubbed"}).encode()
    return request


def scrub_response(response: Any) -> Any:
    body = json.loads(response["body"]["string"])
    if "accessToken" in body:
        text = json.dumps({**body, "accessToken": "scrubbed"})
        response["body"]["string"] = text.encode()
        response["headers"]["content-length"] = [str(len(text))]
    return response


RECORDER = vcr.VCR(
    record_mode=vcr.mode.ALL if RECORDING else vcr.mode.NONE,
    match_on=["method", "path", "query", "body"],
    filter_headers=["authorization"],
    before_record_request=scrub_request,
    before_record_response=scrub_response,
)


@pytest.fixture(scope="module")
def recorded() -> list[Exchange]:
    if RECORDING:
        CASSETTE.unlink(missing_ok=True)
        with serving(port_app()) as base, RECORDER.use_cassette(str(CASSETTE)):
            return run(Port(base))
    with RECORDER.use_cassette(str(CASSETTE)):
        return run(Port(RECORDED_AT))


@each_step
def test_recorded_port_answers_as_expected(recorded: list[Exchange], index: int) -> None:
    check(recorded[index])


def test_recordings_hold_no_secrets() -> None:
    text = CASSETTE.read_text(encoding="utf-8").lower()
    assert "bearer ey" not in text and "127.0.0.1:" not in text
    assert '"clientsecret": "scrubbed"' in text and '"accesstoken": "scrubbed"' in text


# A real Port.


def clean_up(port: Port) -> None:
    """Delete whatever an earlier run has left behind."""
    for name in ("usage", "team", "lost"):
        port.send(f"DELETE /v1/blueprints/portcfg_contract_{name}/all-entities?delete_blueprint=true")
    port.send("DELETE /v1/pages/portcfg_contract_page")
    for name in ("inner", "folder", "lost"):
        port.send(f"DELETE /v1/sidebars/catalog/folders/portcfg_contract_{name}")
    port.send("DELETE /v1/integration/portcfg-contract")


@pytest.fixture(scope="module")
def real() -> Iterator[list[Exchange]]:
    env = os.environ
    port = Port(env["PORT_BASE_URL"].rstrip("/"), env["PORT_CLIENT_ID"], env["PORT_CLIENT_SECRET"])
    port.login()
    clean_up(port)
    try:
        yield [port.do(step) for step in STEPS]
    finally:
        clean_up(port)
        port.session.close()


@pytest.mark.skipif(not LIVE, reason="PORTCFG_CONTRACT=live and a real Port's credentials are not set")
@each_live_step
def test_real_port_answers_as_expected(request: pytest.FixtureRequest, index: int) -> None:
    exchange = request.getfixturevalue("real")[index]
    if exchange.step.get("guess"):
        request.node.add_marker(pytest.mark.xfail(reason="nothing published tells this answer", strict=False))
    check(exchange)
