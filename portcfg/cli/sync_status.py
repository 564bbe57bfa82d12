"""sync status."""

from __future__ import annotations

import time

import click

from portcfg.cli.common import checked_specs, format_option, reading, specs_options
from portcfg.cli.sync import chosen_mappings
from portcfg.errors import EXIT_INCOMPLETE, EXIT_OK
from portcfg.render.coverage import coverage_json, coverage_markdown, coverage_text
from portcfg.settings import Settings
from portcfg.sync.coverage import coverage
from portcfg.sync.days import SYNC_BLUEPRINT, read_records
from portcfg.sync.parse import parse_mapping
from portcfg.sync.targets import read_blueprints

FORMATS = {"text": coverage_text, "markdown": coverage_markdown, "json": coverage_json}


@click.command("status", short_help="Show which days are read, and which are open or missing.")
@specs_options
@click.argument("names", nargs=-1, metavar="[MAPPING]...")
@click.option("--check", is_flag=True, help="Exit with 3 when a day is missing, or nothing was read for too long.")
@click.option(
    "--max-age",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    metavar="DAYS",
    help="What too long is.",
)
@format_option(*FORMATS)
def status_command(settings: Settings, names: tuple[str, ...], check: bool, max_age: int, format_: str) -> int:
    """Show, stream by stream, which days are read for good and which are open or missing. Writes nothing.

    A day is settled when it was read so long after its end that it doesn't change any more (`settle_days`).

    \b
    Examples:
      portcfg sync status
      portcfg sync status cursor --check --max-age 1
    """
    specs = checked_specs(settings)
    now = time.time()
    found = []
    with reading(settings, specs) as port:
        exists = SYNC_BLUEPRINT in read_blueprints(port)
        for resource in chosen_mappings(specs, names):
            config = {"identifier": resource.ref.identifier, **resource.body["config"]}
            mapping = parse_mapping(config, specs.project.variables)
            found.append(coverage(mapping.identifier, read_records(port, mapping, now, exists).days, now, max_age))
    click.echo(FORMATS[format_](found))
    return EXIT_INCOMPLETE if check and any(item.problems for item in found) else EXIT_OK
