"""lineage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import click

from portcfg.cli.common import format_option, say, specs_options
from portcfg.errors import EXIT_OK
from portcfg.lineage import selected
from portcfg.pipeline import read_specs
from portcfg.render.lineage import lineage_json, lineage_mermaid, lineage_text
from portcfg.rules.lineages import Part
from portcfg.settings import Settings
from portcfg.validate import portal_of

FORMATS: Mapping[str, Callable[[Sequence[Part]], str]] = {
    "text": lineage_text,
    "json": lineage_json,
    "mermaid": lineage_mermaid,
}


@click.command("lineage")
@specs_options
@format_option(*FORMATS)
@click.option("--unfed", is_flag=True, help="Only what nothing in the specs writes.")
@click.option("--unread", is_flag=True, help="Only what nothing in the specs reads; with --unfed, either.")
@click.argument("patterns", nargs=-1, metavar="[PATTERN]...")
def lineage_command(settings: Settings, format_: str, unfed: bool, unread: bool, patterns: tuple[str, ...]) -> int:
    """Print who writes and who reads each property, relation and blueprint, with file and line.

    A pattern is a blueprint or blueprint.property; * stands for any text. Writers are mappings, what they fill,
    defaults, what Port computes, what a sync records of itself, and `external.writers` of specs/portcfg.yaml; readers
    are widgets, mirrors, calculations, aggregations, ownership, relations, and mappings that look something up.

    \b
    Examples:
      portcfg lineage cursor_usage_record.total_cents
      portcfg lineage 'cursor_*.record_date'
      portcfg lineage --unfed
      portcfg lineage --format mermaid > lineage.md
    """
    specs = read_specs(settings.specs, settings.environment)
    errors = sum(problem.severity == "error" for problem in specs.problems)
    if errors:
        say(f"the specs have {errors} error(s), so something may be missing here; `portcfg validate` shows them")
    portal = portal_of(specs.documents, specs.project, specs.texts)
    click.echo(FORMATS[format_](selected(portal.lineage, patterns, unfed, unread)))
    return EXIT_OK
