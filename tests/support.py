"""Specs folders out of plain data, an embedded Port with its log, and the files of cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from portcfg.cli.main import main
from portcfg.client import READ_ONLY_POSTS, Credentials, PortReader, PortWriter
from portcfg.emulator.port_app import port_app
from portcfg.model import Plan
from portcfg.pipeline import Options, apply_specs, plan_specs, read_specs
from portcfg.report import Report
from portcfg.retry import RetryPolicy

REPOSITORY = Path(__file__).parents[1]
CREDENTIALS = Credentials("local", "local")
PATIENT = RetryPolicy(attempts=8, base_seconds=0.0, sleep=lambda _: None)


def cases(folder: str) -> list[Any]:
    """Every case below tests/cases/`folder`: each YAML document of each file is one, with a `name`."""
    found = [
        pytest.param(case, id=f"{file.stem}: {case['name']}")
        for file in sorted((REPOSITORY / "tests" / "cases" / folder).glob("*.yaml"))
        for case in yaml.safe_load_all(file.read_text(encoding="utf-8"))
    ]
    assert found, f"no cases in {folder}"
    return found


def write_files(root: Path, files: Mapping[str, str]) -> Path:
    """A specs folder holding `files`, path -> text."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return root


def is_read(method: str, path: str) -> bool:
    """Whether a request can't change anything: a GET, the token call, or one of the searches."""
    below = path.removeprefix("/v1")
    searches = any(pattern.fullmatch(below) for pattern in READ_ONLY_POSTS)
    return method == "GET" or (method == "POST" and (below == "/auth/access_token" or searches))


@dataclass(frozen=True)
class Bench:
    """An embedded Port, its request log, and clients on it."""

    app: Starlette
    url: str

    @property
    def log(self) -> list[tuple[str, str, int]]:
        """(method, path, status) of each request since the last `clear`."""
        return list(self.app.state.log)

    @property
    def writes(self) -> list[tuple[str, str, int]]:
        """The requests that could have changed something."""
        return [entry for entry in self.log if not is_read(entry[0], entry[1])]

    def clear(self) -> None:
        """Forget the requests so far."""
        self.app.state.log.clear()

    def reader(self) -> PortReader:
        """A client without write methods."""
        return PortReader(self.url, CREDENTIALS, PATIENT)

    def writer(self) -> PortWriter:
        """A client that may write."""
        return PortWriter(self.url, CREDENTIALS, PATIENT)

    def plan(self, root: Path, environment: str = "", **options: Any) -> Plan:
        """The plan of a specs folder, made with a client that can't write."""
        with closing(self.reader()) as port:
            return plan_specs(read_specs(root, environment), port, Options(**options))

    def apply(self, root: Path, environment: str = "", **options: Any) -> Report:
        """Plan and apply a specs folder."""
        specs = read_specs(root, environment)
        with closing(self.writer()) as port:
            plan = plan_specs(specs, port, Options(**options))
            return apply_specs(specs, plan, port, Options(**options), clock=lambda: datetime(2026, 3, 2, tzinfo=UTC))

    def send(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request, as somebody else's."""
        with closing(self.writer()) as port:
            return port.send(method, path, body).body


class Server:
    """A server whose app can be changed: starting one takes longer than most tests."""

    def __init__(self) -> None:
        self.url = ""
        self._app: ASGIApp = port_app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def bench(self, **switches: Any) -> Bench:
        """A new embedded Port in the place of the one before."""
        return self.serve(port_app(**switches))

    def serve(self, app: Starlette, through: ASGIApp | None = None) -> Bench:
        """An embedded Port, behind what may meddle with its requests, in the place of the one before."""
        self._app = through or app
        return Bench(app, self.url)


def portcfg_beside(folder: Path, files: Mapping[str, str], *first: str) -> Callable[..., Result]:
    """portcfg as people run it beside `specs/` with these files; `first` stands before all arguments."""
    write_files(folder / "specs", files)
    return lambda *args: CliRunner().invoke(main, [*first, *args])
