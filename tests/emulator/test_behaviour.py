"""The embedded Port's rules, case by case: cases/*.yaml hold requests and what Port answers to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from tests.emulator.case_files import CASES, FILES, NOW, Case
from tests.emulator.deviations import deviations, findings, strays, unneeded
from tests.emulator.exchange import Exchange, Port, check
from tests.emulator.openapi import OpenApi, needs_reference
from tests.emulator.switch import Switch


@pytest.fixture(scope="module")
def switch() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    with serving(switch) as base:
        yield switch, base


def run(switch: tuple[Switch, str], case: Case) -> Iterator[Exchange]:
    app, base = switch
    app.inner = port_app(clock=lambda: NOW)
    port = Port(base)
    try:
        port.login()
        for step in [*case.given, *case.steps]:
            yield port.do(step)
    finally:
        port.session.close()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_case(switch: tuple[Switch, str], case: Case) -> None:
    for exchange in run(switch, case):
        check(exchange)


@needs_reference
def test_cases_keep_to_the_published_schemas(switch: tuple[Switch, str]) -> None:
    api, known = OpenApi(), deviations("cases")
    found = {finding for case in CASES for exchange in run(switch, case) for finding in findings(api, exchange)}
    assert strays(found, known) == [], "the embedded Port strays from the published API"
    assert unneeded(found, known) == [], "these deviations no longer occur"


def test_every_file_of_cases_is_read() -> None:
    stems = {file.stem for file in FILES}
    wanted = "aggregate audit blueprints entities folders integrations migrations pages renames search system widgets"
    assert stems == set(wanted.split())
