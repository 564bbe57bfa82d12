"""snapshot: what a plan reads from Port, in a file without secrets, for plans without a network."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from portcfg.cli.common import reading, say, specs_options, write_private
from portcfg.cli.writes import utc_now
from portcfg.client import PortReader, api_root
from portcfg.errors import EXIT_OK, InvalidSpecsError, UsageError
from portcfg.github.artifacts import artifact_name
from portcfg.github.outputs import write_outputs
from portcfg.holdings import BLUEPRINT, read_holdings
from portcfg.masking import without_login
from portcfg.pipeline import read_specs
from portcfg.project import load_project
from portcfg.settings import Settings
from portcfg.snapshot import MAX_BYTES, Snapshot, read, redacted, same_but_time, save

# An unchanged file is written anew after a day, so that its age tells when Port was last seen so.
FRESH = timedelta(days=1)


@click.command("snapshot")
@specs_options
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The file for `plan --against FILE`."
)
def snapshot_command(settings: Settings, out: Path) -> int:
    """Write what a plan reads from Port into a file without secrets, to plan against where there are no credentials.

    It has all blueprints, mappings, dashboards and folders, also those that no spec manages; of entities only their
    numbers, and no names of people. Writes nothing to Port. In a job on GitHub, the step output `artifact` is the name
    under which `portcfg github fetch-snapshot` looks for it.

    \b
    Examples:
      portcfg snapshot --out snapshot.json
      portcfg plan --against snapshot.json
    """
    problems = load_project(settings.specs, settings.environment)[1]
    if problems:
        raise InvalidSpecsError(problems)
    # Other mistakes in the specs are no hindrance: only the names of blueprints are asked of them.
    specs = read_specs(settings.specs, settings.environment)
    named = {each.ref.identifier for each in specs.documents if each.ref.kind == BLUEPRINT.name}
    with reading(settings, specs) as port:
        held = redacted(read_holdings(port, named))
        taken = Snapshot(_root(settings, port), utc_now(), held)
        say(f"{port.requests_made} requests to {port.root}")
    write_outputs(settings.environ, {"artifact": artifact_name("snapshot", settings.environment)})
    text = save(taken)
    if len(text.encode()) > MAX_BYTES:
        raise UsageError(f"the snapshot would be over {MAX_BYTES // 2**20} MiB, which no plan reads")
    if _is_fresh(out, text, taken.taken_at):
        say(f"{out} says the same already, so it is left as it is")
        return EXIT_OK
    write_private(out, text)
    resources = sum(map(len, held.lists.values()))
    say(f"wrote {out}: {resources} resources, {len(held.counts)} counts; it can be planned against by all who read it")
    return EXIT_OK


def _root(settings: Settings, port: PortReader) -> str:
    # The embedded Port has another address each time; it is the same one all the same.
    return api_root("http://local") if settings.is_local else without_login(port.root)


def _is_fresh(file: Path, text: str, now: datetime) -> bool:
    """Whether a file holds the same, and was written not long ago."""
    try:
        old = file.read_text(encoding="utf-8")
        return same_but_time(old, text) and abs(now - read(file).taken_at) < FRESH
    except (OSError, ValueError, UsageError):
        return False
