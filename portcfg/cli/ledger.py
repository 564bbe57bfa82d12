"""ledger: portcfg's record in Port of what it manages."""

from __future__ import annotations

from functools import partial

import click

from portcfg import ledger
from portcfg.cli.common import ask, checked_specs, format_option, reading, say, specs_options, writing
from portcfg.cli.reconcile import named_refs
from portcfg.cli.writes import utc_now
from portcfg.errors import EXIT_OK
from portcfg.kinds import KINDS
from portcfg.model import Ref
from portcfg.pipeline import Specs, read_specs
from portcfg.render.ledger import ledger_json, ledger_text, repair_json, repair_text
from portcfg.render.safe import plain
from portcfg.repair import Repair, examine, mend, releasable, release
from portcfg.settings import Settings


@click.group("ledger")
def ledger_command() -> None:
    """The record in Port of what portcfg manages: one entity of the blueprint portcfg_resource for each resource.

    \b
    Examples:
      portcfg ledger show
      portcfg ledger repair --dry-run
    """


@ledger_command.command("show")
@specs_options
@format_option("text", "json")
def show_command(settings: Settings, format_: str) -> int:
    """Show what is managed in this Port, by which project and environment, from which file and commit. Writes nothing.

    \b
    Examples:
      portcfg ledger show
      portcfg ledger show --format json
    """
    project = read_specs(settings.specs, settings.environment).project
    with reading(settings, Specs(project, (), ())) as port:
        listed = ledger.entries(port)
    found = {ref: entry for ref, entry in listed.items() if ref.kind in KINDS}
    if later := len(listed) - len(found):
        say(f"note: {later} entries are of kinds that this portcfg doesn't know; see `portcfg ledger repair --dry-run`")
    click.echo(ledger_text(found) if format_ == "text" else ledger_json(found))
    return EXIT_OK


@ledger_command.command("repair")
@specs_options
@format_option("text", "json")
@click.option("--dry-run", is_flag=True, help="Show what is wrong and what would be done; write nothing.")
@click.option("--auto-approve", is_flag=True, help="Don't ask: for CI.")
def repair_command(settings: Settings, format_: str, dry_run: bool, auto_approve: bool) -> int:
    """Find what is wrong with the ledger, show it, ask, and mend what can be mended. Writes into the ledger only.

    Mended are: entries that are damaged, lost, doubled, misnamed, or of what is gone; a blueprint of the ledger that
    was changed by hand; a lock left behind. Where specs and Port agree, that is recorded; where they differ, what was
    applied can't be known, and the entry is left as it is. What left the specs while the ledger was lost isn't known
    to be managed any more, so it won't be pruned.

    \b
    Examples:
      portcfg ledger repair --dry-run
      portcfg ledger repair
    """
    specs = checked_specs(settings)
    if dry_run:
        with reading(settings, specs) as port:
            _show(examine(specs, port, utc_now(), settings.commit, settings.link), format_)
        return EXIT_OK
    with writing(settings, specs) as port:
        again = partial(examine, specs, port, utc_now(), settings.commit, settings.link)
        repair = again()
        _show(repair, format_)
        if repair.pending:
            ask(f"Mend the ledger in {port.root}?", auto_approve)
            mend(repair, again, port, specs.project.owner, utc_now())
            say(f"mended {repair.pending} of {len(repair.findings)}")
    return EXIT_OK


def _show(repair: Repair, format_: str) -> None:
    click.echo(repair_text(repair.findings) if format_ == "text" else repair_json(repair.findings))


@ledger_command.command("release")
@specs_options
@click.option("--auto-approve", is_flag=True, help="Don't ask: for CI.")
@click.option("--foreign", is_flag=True, help="Also what another project or environment manages.")
@click.argument("resources", nargs=-1, required=True, metavar="KIND/IDENTIFIER...")
def release_command(settings: Settings, auto_approve: bool, foreign: bool, resources: tuple[str, ...]) -> int:
    """Stop managing resources; they stay in Port as they are, and no apply prunes them.

    So a resource moves to another project: take it out of the specs here, release it, and apply it there.

    \b
    Examples:
      portcfg ledger release blueprint/service
    """
    specs = checked_specs(settings)
    refs = [Ref(*name.split("/", 1)) for name in named_refs(resources)]
    with writing(settings, specs) as port:
        names = releasable(refs, ledger.entries(port), specs, foreign)
        ask(f"Stop managing {len(names)} resource(s), in {port.root}?", auto_approve)
        release(names, port, specs.project.owner, utc_now())
    for ref in refs:
        say(f"released {plain(str(ref))}")
    return EXIT_OK
