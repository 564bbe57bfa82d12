"""sync replay."""

from __future__ import annotations

import uuid
from pathlib import Path

import click

from portcfg.cli.common import checked_specs, format_option, reading, specs_options, writing
from portcfg.cli.progress import ProgressLine
from portcfg.cli.quarantine import quarantine_of, quarantine_option
from portcfg.cli.sync import FORMATS, chosen_mappings
from portcfg.cli.sync_lock import alone, lock_of
from portcfg.settings import Settings
from portcfg.sync.parse import parse_mapping
from portcfg.sync.quarantine import scan
from portcfg.sync.replay import replay


@click.command("replay", short_help="Write what a run rejected, after the cause is mended.")
@specs_options
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Map, check and compare, but write nothing.")
@quarantine_option
@format_option(*FORMATS)
def replay_command(settings: Settings, file: Path, dry_run: bool, quarantine: Path | None, format_: str) -> int:
    """Map, check and write again what `sync` has kept in FILE, with the mapping and the blueprints as they are now.

    The source is not asked. An entity that was written in Port after that run is left as it is. What still can't be
    written goes to a new file, with today's reasons; FILE stays, and doing it twice changes nothing.

    \b
    Examples:
      portcfg sync replay .portcfg/quarantine/cursor-20260302T101500000000.ndjson --dry-run
    """
    specs = checked_specs(settings)
    (resource,) = chosen_mappings(specs, (scan(file).mapping,))
    config = {"identifier": resource.ref.identifier, **resource.body["config"]}
    mapping = parse_mapping(config, specs.project.variables)
    opened = reading if dry_run else writing
    left = quarantine_of(mapping.identifier, quarantine, dry_run)
    owner, name = specs.project.owner, lock_of(mapping)
    with (
        opened(settings, specs) as port,
        ProgressLine(settings.environ, format_) as progress,
        alone(port, owner, name, uuid.uuid4().hex, progress) as renewing,
    ):
        report = replay(mapping, file, port, left, dry_run, renewing, settings.environ)
    click.echo(FORMATS[format_]([report]))
    return report.exit_code
