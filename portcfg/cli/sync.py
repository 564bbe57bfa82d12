"""sync run, which is what `sync` does when nothing else is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from portcfg.cli.common import Command, checked_specs, format_option, reading, say, specs_options, writing
from portcfg.cli.progress import ProgressLine
from portcfg.cli.quarantine import deleted_of, quarantine_of, quarantine_option
from portcfg.cli.record import Recorder, record_options
from portcfg.cli.sync_lock import alone, lock_of, sleeping
from portcfg.cli.writes import INTERRUPTED, ending_well, parallelism_option
from portcfg.client import PortReader, PortWriter
from portcfg.errors import EXIT_INCOMPLETE, EXIT_INTERRUPTED, EXIT_OK, EXIT_PARTIAL, UsageError
from portcfg.model import Project, Resource
from portcfg.pipeline import Specs
from portcfg.processes import named_run
from portcfg.render.sync import sync_json, sync_markdown, sync_text
from portcfg.settings import Settings, checked_url
from portcfg.sync.choice import Slice, parse_slice
from portcfg.sync.flight import PARALLELISM
from portcfg.sync.parse import parse_mapping
from portcfg.sync.report import SyncReport
from portcfg.sync.run import SyncOptions, run_sync

STOPPED = (
    b"\nstopped at once; sync again goes on from there, "
    b"once the lock has ended or after `portcfg unlock sync:MAPPING`\n"
)
ONE_STREAM = "Only what this stream feeds; repeatable."
EMPTIED = "Empty its values, however many that are; repeatable."
CURSOR_HOST = "api.cursor.com"
FORMATS: Mapping[str, Callable[[list[SyncReport]], str]] = {
    "text": lambda reports: "\n\n".join(map(sync_text, reports)),
    "markdown": lambda reports: "\n\n".join(map(sync_markdown, reports)),
    # One JSON value: the report, or a list of them where several mappings ran.
    "json": lambda reports: sync_json(reports[0]) if len(reports) == 1 else f"[{','.join(map(sync_json, reports))}]",
}
# What a run that covers several mappings ends with: the first of these that one of them ended with.
WORST_FIRST = (EXIT_INCOMPLETE, EXIT_PARTIAL, EXIT_OK)


def _slice(_context: click.Context, _option: click.Parameter, text: str | None) -> Slice | None:
    return parse_slice(text) if text else None


def _source_url(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    return None if text is None else checked_url(text, "--source-url")


def run_options(command: Command) -> Command:
    """What to run, of which days, and how: the options of every command that runs mappings."""
    options = (
        click.argument("names", nargs=-1, metavar="[MAPPING]..."),
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First UTC day."),
        click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last UTC day; yesterday where absent."),
        click.option("--stream", "streams", multiple=True, metavar="NAME", help=ONE_STREAM),
        click.option(
            "--slice", callback=_slice, metavar="I/N", help="Of the days asked for, only the Ith of N shares."
        ),
        click.option("--days", type=click.IntRange(min=1), help="This many whole days up to --until."),
        click.option("--missing-only", is_flag=True, help="Of the days asked for, only those that are not settled."),
        click.option("--dry-run", is_flag=True, help="Read and compare, but write nothing."),
        click.option("--allow-deletions", is_flag=True, help="Delete however much `retention` and `prune` say."),
        click.option("--allow-nulls", multiple=True, metavar="BLUEPRINT.PROPERTY", help=EMPTIED),
        click.option("--send-examples", is_flag=True, help="Send up to 5 raw rows a stream to Port's mapping editor."),
        click.option("--source-url", callback=_source_url, metavar="URL", help="Another base URL for the source."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Asked:
    """What `run_options` say, and where rejects are kept: the mappings `chosen`, and how they are run."""

    chosen: list[Resource]
    options: SyncOptions
    source_url: str | None
    quarantine: Path | None


def asked_of(
    specs: Specs,
    settings: Settings,
    names: tuple[str, ...],
    since: Any,
    until: Any,
    days: int | None,
    missing_only: bool,
    dry_run: bool,
    source_url: str | None,
    quarantine: Path | None,
    **more: Any,
) -> Asked:
    """What the command line says; raises UsageError for what makes no sense."""
    more["run"] = named_run()
    options = SyncOptions(_day(since), _day(until), days, dry_run, settings.run_link, missing_only, **more)
    chosen = chosen_mappings(specs, names)
    _check_one(chosen, quarantine, options.streams)
    return Asked(chosen, options, source_url, quarantine)


@click.command("run", short_help="Run the mappings; what `sync` alone does.")
@specs_options
@run_options
@record_options
@partial(parallelism_option, default=PARALLELISM)
@quarantine_option
@format_option(*FORMATS)
def run_command(settings: Settings, format_: str, recorder: Recorder | None, **said: Any) -> int:
    """Read each mapping's source, make entities, compare them with Port's, and write those that changed.

    Covers whole UTC days only: those that are missing or may still change, unless --since, --until or --days say which.
    The first run reads the last 30. Deletes only by the mapping's `retention` and `prune`. With --env local the
    embedded Port is written, and a stand-in with a synthetic company is read, unless --source-url says otherwise.

    \b
    Examples:
      portcfg sync --dry-run
      portcfg sync cursor --since 2026-01-01 --missing-only
      portcfg sync --since 2026-01-01 --until 2026-06-30 --slice 2/4
      portcfg sync cursor --days 1 --record tests/mappings/one-day
      portcfg sync status
      portcfg sync --env local --format json
    """
    specs = checked_specs(settings)
    asked = asked_of(specs, settings, **said)
    if recorder:
        recorder.check(asked.chosen, asked.options)
        with source_of(settings, specs.project, asked.chosen[0], asked.source_url) as (config, env):
            return recorder.record(settings, specs, config, env, asked.options)
    reports: list[SyncReport] = []
    try:
        return run_all(settings, specs, asked, format_, reports)
    finally:
        # Also when a later mapping can't be run at all: what the earlier ones did is known.
        if reports:
            click.echo(FORMATS[format_](reports))


def run_all(
    settings: Settings,
    specs: Specs,
    asked: Asked,
    format_: str,
    reports: list[SyncReport],
    begun: Callable[[str], None] = lambda _: None,
) -> int:
    """Run the mappings one after the other, put their reports into `reports`, and give the exit code.

    `begun` is told the name of each before it runs.
    """
    for resource in asked.chosen:
        begun(resource.ref.identifier)
        if _run_one(settings, specs, resource, asked, format_, reports):
            return EXIT_INTERRUPTED
    return exit_code(reports)


def _run_one(
    settings: Settings,
    specs: Specs,
    resource: Resource,
    asked: Asked,
    format_: str,
    reports: list[SyncReport],
) -> bool:
    """Run one mapping, put its report to the others, and say whether a signal ended it."""
    options = asked.options
    opened = reading if options.dry_run else writing
    with source_of(settings, specs.project, resource, asked.source_url) as (config, env):
        mapping = parse_mapping(config, specs.project.variables)
        owner, name = specs.project.owner, mapping.identifier
        with (
            opened(settings, specs) as port,
            _ending_well(port),
            ProgressLine(settings.environ, format_) as progress,
            alone(port, owner, lock_of(mapping, options), options.run, progress) as renewing,
        ):
            kept = quarantine_of(name, asked.quarantine, options.dry_run), deleted_of(name, options.dry_run)
            waiting = replace(options, retry=replace(options.retry, sleep=partial(sleeping, port)))
            reports.append(run_sync(mapping, env, port, waiting, renewing, None, *kept))
    return port.halted == INTERRUPTED


def _ending_well(port: PortReader) -> AbstractContextManager[None]:
    """A run that writes ends as `apply` does; any other may be cut off."""
    return ending_well(port, STOPPED) if isinstance(port, PortWriter) else nullcontext()


def _check_one(chosen: list[Resource], quarantine: Path | None, streams: tuple[str, ...]) -> None:
    """Raise UsageError for what makes sense for one mapping only."""
    if len(chosen) > 1 and quarantine:
        raise UsageError("one file can't keep what several mappings reject", "name one mapping, or no --quarantine")
    if len(chosen) > 1 and streams:
        raise UsageError("several mappings don't have the same streams", "name the mapping of --stream")


def exit_code(reports: list[SyncReport]) -> int:
    """The worst end among the reports."""
    return next(code for code in WORST_FIRST if code == EXIT_OK or any(report.exit_code == code for report in reports))


def _day(value: Any) -> date | None:
    return value.date() if value else None


def chosen_mappings(specs: Specs, names: tuple[str, ...]) -> list[Resource]:
    """The mappings that portcfg runs, or those named; raises UsageError for a name that isn't one."""
    mappings = {ref.identifier: resource for ref, resource in specs.compiled().items() if ref.kind == "mapping"}
    own = {name: resource for name, resource in mappings.items() if resource.body["config"].get("runner") != "ocean"}
    unknown = [name for name in names if name not in own]
    if unknown or not own:
        ocean = sorted(set(mappings) - set(own))
        hint = f"there are: {', '.join(own) or 'none'}" + (f"; run by Ocean: {', '.join(ocean)}" if ocean else "")
        raise UsageError(f"no mapping {unknown[0]!r} to run" if unknown else "the specs have no mapping to run", hint)
    # An imported integration that says neither where to read nor who runs it is left alone, unless it is named.
    ours = [name for name in own if {"source", "runner"} & own[name].body["config"].keys()]
    return [own[name] for name in names or ours or own]


@contextmanager
def source_of(
    settings: Settings, project: Project, resource: Resource, source_url: str | None
) -> Iterator[tuple[dict[str, Any], Mapping[str, str]]]:
    """The mapping's config with the base URL to ask, and the variables that hold its keys."""
    config = {"identifier": resource.ref.identifier, **resource.body["config"]}
    source = dict(config.get("source") or {})
    stand_in = settings.is_local and not source_url and urlsplit(str(source.get("base_url"))).hostname == CURSOR_HOST
    with _stand_in(project) if stand_in else nullcontext(source_url) as base_url:
        if stand_in:
            say(f"source: a stand-in Cursor with a synthetic company ({resource.ref.identifier})")
        if base_url:
            source["base_url"] = base_url
            config["source"] = source
        yield config, {**settings.environ, **_stand_in_keys(source)} if stand_in else settings.environ


@contextmanager
def _stand_in(project: Project) -> Iterator[str]:
    from portcfg.cli.embedded import COMPANY_DAYS, DEFAULT_SEED, DEFAULT_USERS, serving_cursor

    users = int(project.emulator.get("users", DEFAULT_USERS))
    seed = int(project.emulator.get("seed", DEFAULT_SEED))
    with serving_cursor(users, COMPANY_DAYS, seed) as base_url:
        yield base_url


def _stand_in_keys(source: Mapping[str, Any]) -> dict[str, str]:
    from portcfg.cli.embedded import CURSOR_KEY

    return dict.fromkeys(source_variables(source), CURSOR_KEY)


def source_variables(source: Mapping[str, Any]) -> list[str]:
    """The names of the environment variables that a source's auth reads."""
    auth = source.get("auth") or {}
    return [str(value) for key, value in auth.items() if key.endswith("_env") and value]
