"""sync --record: a mapping test made of a live source."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from portcfg.cli.common import Command, say
from portcfg.errors import EXIT_OK, UsageError
from portcfg.mapping_tests.record import check_folder, record
from portcfg.mapping_tests.run import Bench
from portcfg.model import Resource
from portcfg.pipeline import Specs
from portcfg.settings import Settings
from portcfg.sync.options import SyncOptions

RECORDED_ROWS = 20


@dataclass(frozen=True)
class Recorder:
    """Where a case is to be written, how many rows of a stream are kept, and the fields whose texts are."""

    folder: Path
    rows: int
    keep: Sequence[str]

    def check(self, chosen: Sequence[Resource], options: SyncOptions) -> None:
        """Raise UsageError for what can't be recorded so."""
        if len(chosen) > 1:
            raise UsageError(
                "a case is of one mapping", f"name one: {', '.join(item.ref.identifier for item in chosen)}"
            )
        if options.streams or options.slice or options.missing_only or options.send_examples:
            raise UsageError("--record takes all streams of the days asked for", "give --since, --until or --days only")
        check_folder(self.folder)

    def record(
        self, settings: Settings, specs: Specs, config: Mapping[str, Any], env: Mapping[str, str], options: SyncOptions
    ) -> int:
        """Write the case and say so; of yesterday, where no days are asked for."""
        days = options if options.asks_for_days else replace(options, days=1)
        blueprints = [resource.body for ref, resource in specs.compiled().items() if ref.kind == "blueprint"]
        bench = Bench(settings.specs, settings.environment)
        variables = specs.project.variables
        done = record(self.folder, bench, config, variables, blueprints, env, days, self.rows, self.keep)
        say(f"recorded {self.folder}: {', '.join(done.files) or 'no rows'}; {done.entities} entities expected")
        for name in done.whole:
            say(f"  {name}: kept whole, since its paging says by an expression, not a path, where the end is")
        if done.doubtful:
            say("  of the fakes some rows are rejected: --record-keep FIELD keeps texts whose form the mapping needs")
        say("people, names, ids and texts are fakes; numbers and times are real: look before you commit")
        return EXIT_OK


def record_options(command: Command) -> Command:
    """`--record`, `--record-rows` and `--record-keep`, handed to the command as one `recorder`."""

    @click.option(
        "--record",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Write nothing to Port, but a mapping test of the source's answers, without people, into this new folder.",
    )
    @click.option(
        "--record-rows",
        type=click.IntRange(min=1),
        default=RECORDED_ROWS,
        show_default=True,
        help="How many rows of each stream --record keeps.",
    )
    @click.option(
        "--record-keep", multiple=True, metavar="FIELD", help="A field whose texts --record keeps; repeatable."
    )
    @functools.wraps(command)
    def wrapped(record: Path | None, record_rows: int, record_keep: tuple[str, ...], **arguments: Any) -> Any:
        recorder = Recorder(record, record_rows, record_keep) if record else None
        return command(recorder=recorder, **arguments)

    return wrapped  # type: ignore[return-value]
