"""What `drift --adopt` does: the specs say what Port has, as far as they can, and the rest is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from portcfg.adopt import Edit, adopt_drift
from portcfg.cli.common import checked_specs, say
from portcfg.client import PortReader
from portcfg.concealed import concealed
from portcfg.load import ENVIRONMENTS
from portcfg.model import Document, Plan
from portcfg.pipeline import Specs, plan_specs
from portcfg.plan import drift_of
from portcfg.project import LOCAL
from portcfg.render.safe import dotted, plain, shown
from portcfg.settings import Settings


def adopted_drift(settings: Settings, specs: Specs, port: PortReader, conflicts: bool) -> Plan:
    """Write the drift into the spec files, and say what was written and what wasn't; returns the drift that is left."""

    def again() -> tuple[Sequence[Document], Plan]:
        fresh = checked_specs(settings)
        return fresh.documents, plan_specs(fresh, port)

    adoption = adopt_drift(specs.documents, plan_specs(specs, port), specs.project, again, conflicts=conflicts)
    for edit in adoption.edits:
        values = " -> ".join(shown(concealed(value, edit.path)) for value in (edit.after, edit.before))
        say(f"adopted {plain(str(edit.ref))} {dotted(edit.path)}: {values}  [{plain(_where(edit))}]")
    for file in _for_all(settings, specs, (edit.file for edit in adoption.edits)):
        say(f"note: {plain(file)} is of every environment, so the others will have this, too")
    for left in adoption.left:
        say(f"left {plain(str(left.ref))} {dotted(left.path)}: {plain(left.reason)}".replace(" :", ":"))
    return drift_of(again()[1])


def _where(edit: Edit) -> str:
    return edit.file if edit.file == edit.spec else f"{edit.file}, a fragment that {edit.spec} includes"


def _for_all(settings: Settings, specs: Specs, files: Iterable[str]) -> Iterator[str]:
    """Of the files written for one environment, those that the project's other environments have, too."""
    others = {*specs.project.environments} - {settings.environment, LOCAL}
    if settings.environment and others:
        own = settings.specs / ENVIRONMENTS / settings.environment
        yield from sorted({file for file in files if not Path(file).is_relative_to(own)})
