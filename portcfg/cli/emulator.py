"""emulator."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import click

from portcfg.cli.common import say
from portcfg.cli.embedded import (
    COMPANY_DAYS,
    CREDENTIALS,
    CURSOR_KEY,
    DEFAULT_DATA,
    DEFAULT_SEED,
    DEFAULT_USERS,
    serving_cursor,
    serving_port,
    serving_samples,
)
from portcfg.errors import EXIT_OK

PORT = click.IntRange(0, 65_535)
RATE = click.FloatRange(0, 1)


@click.command("emulator")
@click.option(
    "--port", default=8888, type=PORT, show_default=True, help="Port's port on 127.0.0.1; 0 takes a free one."
)
@click.option("--data", default=DEFAULT_DATA, show_default=True, help="The SQLite file that holds the state.")
@click.option(
    "--cursor-port", default=8889, type=PORT, show_default=True, help="The stand-in Cursor's port; 0 takes a free one."
)
@click.option("--users", default=DEFAULT_USERS, show_default=True, help="People in the synthetic company.")
@click.option("--days", default=COMPANY_DAYS, show_default=True, help="Days of usage, up to today.")
@click.option("--seed", default=DEFAULT_SEED, show_default=True, help="The same seed: the same company and faults.")
@click.option("--samples", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Serve these recorded Cursor answers instead of a company.")  # fmt: skip  # noqa: E501
@click.option("--enterprise/--no-enterprise", default=True, show_default=True, help="Whether Cursor has analytics.")
@click.option("--cursor-limits", is_flag=True, help="Cursor's own limits of requests a minute.")
@click.option("--latency", default=0.0, help="Chaos: seconds that every answer of Port takes longer.")
@click.option("--too-many", default=0.0, type=RATE, help="Chaos: share of requests that begin a burst of 429.")
@click.option("--burst", default=1, help="Chaos: length of such a burst.")
@click.option("--server-errors", default=0.0, type=RATE, help="Chaos: share of requests answered by 500-504.")
@click.option("--drops", default=0.0, type=RATE, help="Chaos: share of answers cut off in the middle.")
@click.option("--migration-polls", default=0, help="Chaos: how often a migration must be read until it is done.")
@click.option("--shuffle", is_flag=True, help="Chaos: lists come in another order each time.")
def emulator_command(
    port: int,
    data: str,
    cursor_port: int,
    users: int,
    days: int,
    seed: int,
    samples: Path | None,
    enterprise: bool,
    cursor_limits: bool,
    **chaos: Any,
) -> int:
    """Serve the embedded Port and a stand-in Cursor on loopback until interrupted, for any client of theirs.

    \b
    Examples:
      portcfg emulator
      portcfg emulator --port 9000 --data team.db --users 500
      portcfg emulator --too-many 0.05 --burst 3 --drops 0.01
    """
    cursor = (
        serving_samples(samples, cursor_port)
        if samples
        else serving_cursor(users, days, seed, cursor_port, enterprise=enterprise, rate_limit=cursor_limits)
    )
    with serving_port(data, port, seed=seed, **chaos) as base_url, cursor as cursor_url:
        click.echo(f"export PORT_BASE_URL={base_url} PORT_CLIENT_ID={CREDENTIALS.client_id} PORT_CLIENT_SECRET=local")
        click.echo(f"export CURSOR_API_KEY={CURSOR_KEY}  # and: portcfg sync --source-url {cursor_url}")
        say(f"The state is in {data}. Ctrl-C stops both.")
        threading.Event().wait()
    return EXIT_OK
