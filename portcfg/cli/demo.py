"""demo."""

from __future__ import annotations

from pathlib import Path

import click

from portcfg.cli.common import say
from portcfg.cli.embedded import (
    COMPANY_DAYS,
    CREDENTIALS,
    CURSOR_KEY,
    DEFAULT_SEED,
    DEFAULT_USERS,
    serving_cursor,
    serving_port,
    stand_in_people,
)
from portcfg.cli.sync import chosen_mappings, source_variables
from portcfg.cli.widgets import dashboard_numbers
from portcfg.cli.writes import show_outcome, utc_now
from portcfg.client import PortWriter
from portcfg.errors import EXIT_ERROR, EXIT_OK, UsageError
from portcfg.pipeline import Specs, apply_specs, plan_specs, read_specs
from portcfg.render.plan import headline, plan_text
from portcfg.render.sync import sync_text
from portcfg.shipped import specs_folder
from portcfg.sync.parse import parse_mapping
from portcfg.sync.report import SyncReport
from portcfg.sync.run import SyncOptions, run_sync

SQLITE_MAGIC = b"SQLite format 3\0"
DEMO_DATA = Path(".portcfg/demo.db")


@click.command("demo")
@click.option(
    "--specs", "root", type=click.Path(path_type=Path), help="The specs to show; the Cursor ones where absent."
)
@click.option("--users", default=DEFAULT_USERS, show_default=True, help="People in the synthetic company.")
@click.option("--data", type=click.Path(path_type=Path), default=DEMO_DATA, show_default=True, help="Kept for a look.")
def demo_command(root: Path | None, users: int, data: Path) -> int:
    """The Cursor integration start to end on an embedded Port: plan, apply, a month of usage synced, plan again.

    Needs no account and no network. Begins with an empty Port each time.

    \b
    Examples:
      portcfg demo
      portcfg demo --users 200
    """
    specs = read_specs(root or specs_folder())
    _begin_anew(data)
    with serving_port(str(data)) as port_url, serving_cursor(users, COMPANY_DAYS, DEFAULT_SEED) as cursor_url:
        port = PortWriter(port_url, CREDENTIALS)
        try:
            _add_people(port, users)
            return _demo(specs, port, cursor_url, data)
        finally:
            port.close()


def _begin_anew(data: Path) -> None:
    """Remove the state of an earlier demo, and nothing else."""
    if data.exists() and not data.read_bytes()[: len(SQLITE_MAGIC)] == SQLITE_MAGIC:
        raise UsageError(f"{data} exists and isn't the state of an embedded Port", hint="choose another with --data")
    for suffix in ("", "-wal", "-shm"):
        data.with_name(data.name + suffix).unlink(missing_ok=True)


def _demo(specs: Specs, port: PortWriter, cursor_url: str, data: Path) -> int:
    _step(1, "An empty Port and the specs: the plan")
    plan = plan_specs(specs, port)
    click.echo(plan_text(plan))
    _step(2, "Apply it")
    report = apply_specs(specs, plan, port, clock=utc_now, progress=show_outcome)
    _step(3, "A month of usage of a synthetic company, from a stand-in Cursor")
    # Of one moment, or the second sync would find another day where midnight passes in between.
    now = utc_now().timestamp()
    first = _sync(specs, port, cursor_url, now)
    click.echo(sync_text(first))
    _step(4, "What the dashboard shows")
    click.echo(dashboard_numbers(specs, port))
    _step(5, "The same again: nothing left to do")
    again = plan_specs(specs, port)
    second = _sync(specs, port, cursor_url, now)
    click.echo(headline(again))
    click.echo(
        f"Sync: {second.writes} entities written, {sum(part.unchanged for part in second.blueprints):,} unchanged."
    )
    say(f"\nThis Port is kept in {data}. To look around:  portcfg emulator --data {data}")
    clean = not report.failed and not again.pending and first.exit_code == EXIT_OK and not second.writes
    return EXIT_OK if clean else EXIT_ERROR


def _step(number: int, title: str) -> None:
    say(f"\n{number}. {title}\n")


def _add_people(port: PortWriter, users: int) -> None:
    """The company's people as Port users, as an identity provider would have brought them in."""
    entities = [{"identifier": email, "title": name} for email, name in stand_in_people(users, DEFAULT_SEED)]
    for start in range(0, len(entities), 20):
        batch = {"entities": entities[start : start + 20]}
        port.send("POST", "/blueprints/_user/entities/bulk", batch, {"upsert": "true", "merge": "true"})


def _sync(specs: Specs, port: PortWriter, cursor_url: str, now: float) -> SyncReport:
    resource = chosen_mappings(specs, ())[0]
    config = {"identifier": resource.ref.identifier, **resource.body["config"]}
    source = {**config["source"], "base_url": cursor_url}
    mapping = parse_mapping({**config, "source": source}, specs.project.variables)
    return run_sync(mapping, dict.fromkeys(source_variables(source), CURSOR_KEY), port, SyncOptions(now=now))
