"""The embedded Port and the stand-in Cursor for the commands that need them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portcfg.cli.state import STATE_FOLDER, make_state_folder
from portcfg.client import Credentials
from portcfg.errors import UsageError
from portcfg.model import Project

CREDENTIALS = Credentials("local", "local")
CURSOR_KEY = "local"
DEFAULT_DATA = f"{STATE_FOLDER}/local.db"
DEFAULT_USERS = 40
DEFAULT_SEED = 7
COMPANY_DAYS = 40


@contextmanager
def embedded_port(project: Project) -> Iterator[tuple[str, Credentials]]:
    """Serve the embedded Port of `--env local` for the block; yields its base URL and credentials."""
    with serving_port(str(project.emulator.get("data", DEFAULT_DATA))) as base_url:
        yield base_url, CREDENTIALS


@contextmanager
def serving_port(data: str, port: int = 0, **chaos: Any) -> Iterator[str]:
    """Serve an embedded Port on the state in `data`, with the switches of `Chaos`; yields its base URL."""
    try:
        from portcfg.emulator.port_app import Chaos, port_app
        from portcfg.emulator.server import serving
    except ImportError as error:
        raise _not_installed() from error
    make_state_folder(Path(data).parent)
    app = port_app(
        data,
        client_id=CREDENTIALS.client_id,
        client_secret=CREDENTIALS.client_secret,
        chaos=Chaos(**chaos),
    )
    with serving(app, port) as base_url:
        yield base_url


@contextmanager
def serving_cursor(
    users: int,
    days: int,
    seed: int,
    port: int = 0,
    *,
    enterprise: bool = True,
    rate_limit: bool = False,
) -> Iterator[str]:
    """Serve a stand-in Cursor whose company's last day is today; yields its base URL."""
    try:
        from portcfg.emulator.cursor_app import cursor_app
        from portcfg.emulator.cursor_company import synthetic_company
        from portcfg.emulator.server import serving
    except ImportError as error:
        raise _not_installed() from error
    company = synthetic_company(users=users, days=days, seed=seed, end=datetime.now(UTC).date())
    app = cursor_app(company, api_key=CURSOR_KEY, enterprise=enterprise, rate_limit=rate_limit)
    with serving(app, port) as base_url:
        yield base_url


@contextmanager
def serving_samples(folder: Path, port: int) -> Iterator[str]:
    """Serve recorded Cursor answers from a folder, as they are; yields the base URL."""
    try:
        from portcfg.emulator.cursor_samples import samples_app
        from portcfg.emulator.server import serving
    except ImportError as error:
        raise _not_installed() from error
    with serving(samples_app(folder, api_key=CURSOR_KEY), port) as base_url:
        yield base_url


def stand_in_people(users: int, seed: int) -> list[tuple[str, str]]:
    """(e-mail, name) of the synthetic company's people, as an identity provider would hold them."""
    from portcfg.emulator.cursor_company import synthetic_company

    company = synthetic_company(users=users, days=COMPANY_DAYS, seed=seed, end=datetime.now(UTC).date())
    return [(person.email.strip().lower(), person.name) for person in company.people]


def _not_installed() -> UsageError:
    return UsageError("the embedded Port isn't installed", hint="pip install 'portcfg[emulator]'")
