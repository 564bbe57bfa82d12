"""How far a sync is: a bar on a terminal, a plain line a stage elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import click

from portcfg.cli.common import say
from portcfg.render.safe import plain
from portcfg.sync.report import Progress


class ProgressLine:
    """Shows one stage at a time on stderr; holds the bar that is open."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._last: Progress | None = None

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, progress: Progress) -> None:
        """Show `progress`; a new stage or name closes the bar of the one before."""
        if progress.stage == "wait":
            self._close()
            say(f"waiting {progress.done} s: {plain(progress.name)}")
            return
        if progress.stage == "part":
            self._close()
            say(f"part {progress.done} of {progress.total}: {plain(progress.name)}")
            return
        last = self._last
        if last is None or (last.stage, last.name) != (progress.stage, progress.name):
            self._close()
            self._open(progress)
            last = None
        self._last = progress
        if self._bar is not None:
            self._bar.length = max(progress.total, progress.done)
            self._bar.update(progress.done - (last.done if last else 0))

    def _open(self, progress: Progress) -> None:
        if sys.stderr.isatty():
            label = f"{progress.stage:<8}{plain(progress.name)[:36]:<36}"
            self._bar = click.progressbar(length=max(progress.total, 1), label=label, file=sys.stderr)
            self._bar.__enter__()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
        elif self._last is not None:
            say(f"{self._last.stage} {plain(self._last.name)}: {self._last.done:,}")
        self._bar = self._last = None
