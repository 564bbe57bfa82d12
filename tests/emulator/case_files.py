"""The cases in cases/*.yaml: requests, and what Port answers to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.emulator.exchange import Step, load

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


@dataclass(frozen=True)
class Case:
    """Steps that start from a fresh Port; `given` ones set it up."""

    name: str
    given: list[Step]
    steps: list[Step]


def all_cases() -> Iterator[Case]:
    """Every case of every file."""
    for file in FILES:
        content = load(file)
        tables = [*search_steps(content), *widget_steps(content)]
        if tables:
            yield Case(f"{file.stem}: tables", content["given"], tables)
        for case in content["cases"]:
            yield Case(f"{file.stem}: {case['case']}", content["given"], case["steps"])


CASES = list(all_cases())
