"""The embedded Port's rules, case by case: cases/*.yaml hold requests and what Port answers to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from tests.emulator.exchange import Port, Step, check, load
from tests.emulator.switch import Switch

# The moment of every case: dates in the cases are set around it.
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC).timestamp()
FILES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
SEARCH = "POST /v1/blueprints/usage/entities/search"


def query(rules: Any) -> Any:
    return rules if isinstance(rules, dict) else {"combinator": "and", "rules": rules}


def search_steps(content: dict[str, Any]) -> Iterator[Step]:
    """One step for each row of search.yaml's two tables."""
    for row in content.get("searches", []):
        answer = {"entities": [{"identifier": identifier} for identifier in row["found"]]}
        yield {"name": str(row["find"]), "request": SEARCH, "body": {"query": query(row["find"])}, "answer": answer}
    for row in content.get("refused", []):
        if "find" in row:
            yield {"request": SEARCH, "body": {"query": query(row["find"])}, "status": 422, "message": row["message"]}


def widget_steps(content: dict[str, Any]) -> Iterator[Step]:
    """Steps for each row of widgets.yaml's two tables; what is accepted reads back as it was written."""
    for widget in content.get("accepted", []):
        yield {"request": "PATCH /v1/pages/page", "body": {"widgets": [widget]}}
        yield {"request": "GET /v1/pages/page", "answer": {"page": {"widgets": [widget]}}}
    for row in content.get("refused", []):
        if "widget" in row:
            body = {"widgets": [row["widget"]]}
            yield {"request": "PATCH /v1/pages/page", "body": body, "status": 422, "message": row["message"]}


def cases() -> Iterator[Any]:
    for file in FILES:
        content = load(file)
        tables = [*search_steps(content), *widget_steps(content)]
        given = content["given"]
        if tables:
            yield pytest.param(given, tables, id=f"{file.stem}: tables")
        for case in content["cases"]:
            yield pytest.param(given, case["steps"], id=f"{file.stem}: {case['case']}")


@pytest.fixture(scope="module")
def switch() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    with serving(switch) as base:
        yield switch, base


@pytest.mark.parametrize(("given", "steps"), list(cases()))
def test_case(switch: tuple[Switch, str], given: list[Step], steps: list[Step]) -> None:
    app, base = switch
    app.inner = port_app(clock=lambda: NOW)
    port = Port(base)
    try:
        port.login()
        for step in [*given, *steps]:
            check(port.do(step))
    finally:
        port.session.close()


def test_every_file_of_cases_is_read() -> None:
    stems: set[Any] = {file.stem for file in FILES}
    assert {"blueprints", "entities", "search", "aggregate", "pages", "widgets", "integrations", "system"} <= stems
