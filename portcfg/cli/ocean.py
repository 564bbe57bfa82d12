"""ocean: the mappings that Port's Ocean runs."""

from __future__ import annotations

import click

from portcfg.cli.common import checked_specs, say, specs_options
from portcfg.errors import EXIT_OK, UsageError
from portcfg.model import Body, Document
from portcfg.ocean import docker, helm, installation, warnings
from portcfg.pipeline import Specs
from portcfg.render.safe import plain
from portcfg.settings import Settings


@click.group("ocean")
def ocean_command() -> None:
    """For mappings with `runner: ocean`: portcfg keeps their config, and Ocean runs them in a container of yours.

    \b
    Examples:
      portcfg ocean render --docker
    """


@ocean_command.command("render")
@specs_options
@click.argument("name", metavar="[MAPPING]", required=False)
@click.option("--helm", "form", flag_value="helm", default="helm", help="For a Kubernetes cluster (the default).")
@click.option("--docker", "form", flag_value="docker", help="For one container.")
def render_command(settings: Settings, name: str | None, form: str) -> int:
    """Print the command that installs Ocean for a mapping, made from its `source` and `ocean` settings.

    It holds no secret: the shell that runs it puts in PORT_CLIENT_ID, PORT_CLIENT_SECRET and the variables that
    `source.auth` names. What Ocean will do otherwise than the mapping looks is told on stderr.

    \b
    Examples:
      portcfg ocean render
      portcfg ocean render my-integration --docker
    """
    specs = checked_specs(settings)
    document = _chosen(specs, name)
    spec = _spec(document)
    source = spec.get("source") or dict(specs.project.mapping_source)
    wanted = installation(spec, source, settings.base_url(specs.project))
    for warning in warnings(spec, wanted):
        say(f"note: {plain(warning)}")
    click.echo((docker if form == "docker" else helm)(wanted))
    return EXIT_OK


def _spec(document: Document) -> Body:
    """The spec with Port's own form, the mapping below `config`, taken apart."""
    return {**document.body, **document.body.get("config", {})}


def _chosen(specs: Specs, name: str | None) -> Document:
    found = {
        document.body["identifier"]: document
        for document in specs.documents
        if document.kind == "mapping" and _spec(document).get("runner") == "ocean"
    }
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name in found:
        return found[name]
    which = f"no mapping {name!r} that Ocean runs" if name else "name the mapping" if found else "Ocean runs no mapping"
    raise UsageError(which, hint=f"with `runner: ocean` there are: {', '.join(sorted(found)) or 'none'}")
