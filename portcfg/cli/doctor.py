"""doctor and completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from portcfg.cli.common import reading, say, specs_options
from portcfg.cli.main import main
from portcfg.cli.sync import source_variables
from portcfg.client import api_root
from portcfg.errors import EXIT_ERROR, EXIT_OK, PortcfgError, UsageError
from portcfg.pipeline import Specs, read_specs
from portcfg.render.safe import plain
from portcfg.settings import NAMES, Settings
from portcfg.sync.privacy import is_private


@click.command("doctor")
@specs_options
def doctor_command(settings: Settings) -> int:
    """Say what portcfg would talk to and with which credentials (their names, never their values), and try it.

    \b
    Examples:
      portcfg doctor
      portcfg doctor --env local
    """
    specs = read_specs(settings.specs, settings.environment)
    errors = sum(problem.severity == "error" for problem in specs.problems)
    click.echo(f"specs        {settings.specs}: {len(specs.documents)} resource(s), {errors} error(s)")
    click.echo(f"environment  {settings.environment or '(none chosen)'}")
    port_ok = _check_port(settings, specs)
    _show_sources(settings, specs)
    return EXIT_OK if port_ok and not errors else EXIT_ERROR


def _check_port(settings: Settings, specs: Specs) -> bool:
    if settings.is_local:
        click.echo("port         the embedded Port, started inside the command")
    else:
        click.echo(f"port         {api_root(settings.base_url(specs.project))}")
        for name in NAMES:
            click.echo(f"  {name:<18}{settings.value(name)[0] or 'not set (' + NAMES[name][0] + ')'}")
    try:
        with reading(settings, specs) as port:
            count = len(port.get("/blueprints").get("blueprints", []))
    except PortcfgError as error:
        click.echo(f"  reachable         no: {plain(error.message)}")
        if error.hint and "doctor" not in error.hint:
            say(f"  {plain(error.hint)}")
        return False
    click.echo(f"  reachable         yes, {count} blueprint(s)")
    return True


def _show_sources(settings: Settings, specs: Specs) -> None:
    for document in specs.documents:
        source = document.body.get("source") or specs.project.mapping_source
        if document.kind == "mapping" and isinstance(source, dict) and source:
            click.echo(
                f"source       {document.body['identifier']}: {plain(str(source.get('base_url', '(no base_url)')))}"
            )
            privacy = document.body.get("privacy") or {}
            private = [privacy["key_env"]] if is_private(document.body) and "key_env" in privacy else []
            for variable in [*source_variables(source), *private]:
                state = "set" if settings.environ.get(variable) else "not set"
                click.echo(f"  {variable:<17} {state}")


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> int:
    """Print the completion script of a shell; load it in the shell's start file.

    \b
    Examples:
      eval "$(portcfg completion bash)"
      portcfg completion fish > ~/.config/fish/completions/portcfg.fish
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise UsageError(f"there is no completion for {shell}")
    click.echo(completion(main, {}, "portcfg", "_PORTCFG_COMPLETE").source())
    return EXIT_OK
