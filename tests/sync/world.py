"""The shipped mapping between a stand-in Cursor and an embedded Port, with a network that meddles in front of both."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from portcfg.client import Credentials, PortWriter
from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import Company, synthetic_company
from portcfg.emulator.port_app import port_app
from portcfg.emulator.server import serving
from portcfg.retry import RetryPolicy
from portcfg.sync.parse import parse_mapping
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import SyncReport
from portcfg.sync.run import SyncOptions, run_sync
from portcfg.sync.spec import SyncMapping
from tests.sync.network import Meddle, Network, untouched
from tests.sync.support import KEY, ROOT, bare, create_blueprints, entities, shipped_bodies
from tests.sync.truth import BLUEPRINTS, Entities, Known, Rows, plain, rows_of, truth

ONE = timedelta(days=1)
# Monday to Wednesday: the days with late amendments, and with addresses in other spellings.
LAST = date(2026, 3, 18)
DAYS = (LAST - 2 * ONE, LAST - ONE, LAST)
NOON = timedelta(hours=12)
# It goes on for two days after the range, as a living company does.
COMPANY = synthetic_company(8, 30, 5, end=LAST + 2 * ONE, events_per_day=6.0, changes_per_day=3.0)
PEOPLE = [plain(person.email) for person in COMPANY.people]
KNOWN = Known(users=frozenset(PEOPLE[::2]), services=frozenset({"example-org/web", "example-org/shared"}))
# So that a stream has several pages.
PAGE_SIZES = {"daily": 3, "events": 25, "commits": 6, "changes": 9}


def at_noon(day: date) -> datetime:
    """Noon UTC."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


class Time:
    """Clocks that stand still but for sleeping, which takes no time. `slept` are the seconds of each sleep."""

    def __init__(self) -> None:
        self.now = at_noon(LAST + ONE).timestamp()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        self.slept.append(seconds)
        self.now += seconds

    def policy(self, attempts: int = 20) -> RetryPolicy:
        """Patience by this time."""
        return RetryPolicy(attempts, sleep=self.sleep, monotonic=lambda: self.now, wall=lambda: self.now)


@cache
def _config() -> dict[str, Any]:
    return dict(shipped_bodies("mapping")["cursor"]["config"])


@cache
def _blueprints() -> dict[str, dict[str, Any]]:
    return {**bare("service", "githubPullRequest"), **shipped_bodies("blueprint")}


def mapping_at(url: str, page_sizes: Mapping[str, int] = PAGE_SIZES, **variables: Any) -> SyncMapping:
    """The shipped mapping on another source, unpaced, in small pages."""
    config = {**_config(), "identifier": "cursor"}
    mapping = parse_mapping({**config, "vars": {**config["vars"], **variables}})
    streams = dict(mapping.streams)
    for name, size in page_sizes.items():
        paging = streams[name].pagination
        assert paging is not None
        streams[name] = replace(streams[name], pagination=replace(paging, page_size=size))
    return replace(mapping, streams=streams, source=replace(mapping.source, base_url=url, rate_limits={}))


def copy_state(source: Path, target: Path) -> None:
    """A Port's state, also of one that is running."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def furnish(port: PortWriter) -> None:
    """The shipped blueprints, some people and some services."""
    create_blueprints(port, _blueprints())
    for blueprint, names in (("_user", KNOWN.users), ("service", KNOWN.services)):
        items = [{"identifier": name, "title": name} for name in sorted(names)]
        port.send("POST", f"/blueprints/{blueprint}/entities/bulk", {"entities": items}, {"upsert": "true"})


@dataclass
class World:
    """Both servers. `company` may change between runs, and `now` does."""

    port_net: Network
    cursor_net: Network
    template: Path
    folder: Path
    company: Company = COMPANY
    now: datetime = field(default_factory=lambda: at_noon(LAST + ONE))
    time: Time = field(default_factory=Time)
    clients: list[PortWriter] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    page_sizes: Mapping[str, int] = field(default_factory=lambda: PAGE_SIZES)
    policy: RetryPolicy | None = None

    def serve_cursor(self, company: Company | None = None, **settings: Any) -> None:
        """A stand-in that knows of nothing after the present."""
        self.company = company or self.company
        self.cursor_net.app = cursor_app(self.company, api_key=KEY, clock=lambda: self.now, **settings)

    def serve_port(self, state: Path | None = None, **settings: Any) -> Path:
        """Another Port, in the state of the template or of one that was served before; the file of its state."""
        data = self.folder / f"port-{len(list(self.folder.glob('port-*.db')))}.db"
        copy_state(state or self.template, data)
        self.port_net.app = port_app(data, clock=lambda: self.time.now, **settings)
        return data

    def client(self, kind: type[PortWriter] = PortWriter, policy: RetryPolicy | None = None) -> PortWriter:
        """A session with Port."""
        made = kind(self.port_net.url, Credentials("local", "local"), policy or self.policy or self.time.policy())
        self.clients.append(made)
        return made

    def mapping(self) -> SyncMapping:
        """The shipped mapping on this world's Cursor."""
        return mapping_at(self.cursor_net.url, self.page_sizes, **self.variables)

    def sync(self, port: PortWriter | None = None, quarantine: Path | None = None, **options: Any) -> SyncReport:
        """A run of DAYS, or of what `options` say, at the present."""
        asked: dict[str, Any] = {"first_day": DAYS[0], "last_day": DAYS[-1], "now": self.now.timestamp(), **options}
        asked.setdefault("retry", self.policy or self.time.policy())
        client = port or self.client()
        kept = Quarantine(quarantine) if quarantine else None
        return run_sync(self.mapping(), {"CURSOR_API_KEY": KEY}, client, SyncOptions(**asked), quarantine=kept)

    def command(self, folder: Path, *more: str, specs: Path = ROOT / "specs", **environ: str) -> subprocess.Popen[str]:
        """`portcfg sync` of DAYS in a process of its own, at work in `folder`; both its outputs are pipes."""
        own = {
            "PYTHONPATH": str(ROOT),
            "PORT_BASE_URL": self.port_net.url,
            "PORT_CLIENT_ID": "local",
            "PORT_CLIENT_SECRET": "local",
            "CURSOR_API_KEY": KEY,
        }
        asked = ["--specs", str(specs), "--since", DAYS[0].isoformat(), "--until", DAYS[-1].isoformat()]
        args = [sys.executable, "-m", "portcfg", "sync", *asked, "--source-url", self.cursor_net.url, *more]
        pipe, env = subprocess.PIPE, {**os.environ, **own, **environ}
        return subprocess.Popen(args, cwd=folder, env=env, text=True, stdout=pipe, stderr=pipe)

    def rows(self, days: tuple[date, ...] = DAYS) -> Rows:
        """What Cursor has at the present."""
        return rows_of(self.company, days, self.now)

    def truth(self, days: tuple[date, ...] = DAYS) -> Entities:
        """What Port must hold of these days, of what Cursor has at the present."""
        return truth(self.rows(days), days, KNOWN, self.variables.get("teams"))

    def meddle(self, port: Meddle = untouched, cursor: Meddle = untouched) -> None:
        """From now on, and counted from 0."""
        self.port_net.begin(port)
        self.cursor_net.begin(cursor)

    def wrong(self, days: tuple[date, ...] = DAYS) -> list[str]:
        """Entity by entity, what isn't as it must be; for people to read."""
        return differences(self.held(), self.truth(days))

    def untrue(self, *truths: Entities) -> list[str]:
        """What is there as it never was in truth, at none of several moments; that it isn't related yet to something
        that isn't there yet is no untruth."""
        held = self.held()
        lines: list[str] = []
        for key, found in held.items():
            close = [truth[key] for truth in truths if key in truth]
            if not any(_is_true(found, expected, held) for expected in close):
                lines.append(f"{key} was never so")
                lines += [line for expected in close for line in differences({key: found}, {key: expected})]
        return lines

    def held(self) -> Entities:
        """What Port holds. The network doesn't meddle with that."""
        meddle, self.port_net.meddle = self.port_net.meddle, untouched
        client = PortWriter(self.port_net.url, Credentials("local", "local"))
        found = {(name, key): tidy(item) for name in BLUEPRINTS for key, item in entities(client, name).items()}
        client.close()
        self.port_net.meddle = meddle
        return found

    def close(self) -> None:
        """Give the connections back."""
        for client in self.clients:
            client.close()

    @property
    def met(self) -> int:
        """The requests that were meddled with."""
        return self.port_net.met + self.cursor_net.met

    @property
    def requests(self) -> int:
        """All requests since the meddling began."""
        return self.port_net.number + self.cursor_net.number


def tidy(entity: dict[str, Any]) -> dict[str, Any]:
    """Without nulls inside of objects, which are as good as absent; related entities sorted."""
    related = {key: sorted(v) if isinstance(v, list) else v for key, v in entity["relations"].items()}
    return {**entity, "properties": _bare(entity["properties"]), "relations": related}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if item is not None}
    return value


def differences(found: Entities, expected: Entities) -> list[str]:
    """Entity by entity, what isn't as it must be; for people to read."""
    lines = [f"missing: {key}" for key in sorted(expected.keys() - found.keys())]
    lines += [f"too much: {key}" for key in sorted(found.keys() - expected.keys())]
    for key in sorted(found.keys() & expected.keys()):
        for name, ours, theirs in _fields(found[key], expected[key]):
            lines.append(f"{key} {name}: {ours!r}, but in truth {theirs!r}")
    return lines


def _is_true(found: dict[str, Any], expected: dict[str, Any], held: Entities) -> bool:
    there = {identifier for _, identifier in held}
    relations = {name: _only(value, there) for name, value in expected["relations"].items()}
    return found in (expected, {**expected, "relations": {name: value for name, value in relations.items() if value}})


def _only(value: Any, there: set[str]) -> Any:
    """A relation's value less what isn't there; people and services always are."""
    known = there | set(KNOWN.users) | set(KNOWN.services)
    return [item for item in value if item in known] if isinstance(value, list) else value


def _fields(found: dict[str, Any], expected: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    if found["title"] != expected["title"]:
        yield "title", found["title"], expected["title"]
    for part in ("properties", "relations"):
        for name in sorted({*found[part], *expected[part]}):
            if found[part].get(name) != expected[part].get(name):
                yield name, found[part].get(name), expected[part].get(name)


@contextmanager
def both_served(template: Path) -> Iterator[tuple[Network, Network]]:
    """The networks of Port and of Cursor, listening; and `template`, the state of a Port before the first sync."""
    port_net, cursor_net = Network(port_app(template)), Network(cursor_app(COMPANY, api_key=KEY))
    with serving(port_net) as port_net.url, serving(cursor_net) as cursor_net.url:
        client = PortWriter(port_net.url, Credentials("local", "local"), RetryPolicy(sleep=lambda _: None))
        furnish(client)
        client.close()
        yield port_net, cursor_net
