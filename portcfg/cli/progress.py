"""How far a sync is: a bar on a terminal, a plain line a stage elsewhere; where JSON goes into a pipe, waits only."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import click

from portcfg.cli.common import say
from portcfg.render.safe import plain
from portcfg.sync.report import Progress


class ProgressLine:
    """Shows one stage at a time on stderr; holds the bar that is open.

    `format_` is that of the report on stdout. No bar where the variable CI is set: its logs keep every state of one.
    """

    def __init__(self, environ: Mapping[str, str], format_: str) -> None:
        dumb = environ.get("CI") or environ.get("TERM") == "dumb"
        self._bars = sys.stderr.isatty() and sys.stdout.isatty() and not dumb
        self._quiet = format_ == "json" and not sys.stdout.isatty()
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
            if not self._quiet:
                say(f"part {progress.done} of {progress.total}: {plain(progress.name)}")
            return
        last = self._last
        if last is None or (last.stage, last.name) != (progress.stage, progress.name):
            self._close()
            self._open(progress)
            last = None
        self._last = progress
        if self._bar is not None:
            self._bar.length = _length(progress)
            self._bar.update(progress.done - (last.done if last else 0), progress.pages)

    def _open(self, progress: Progress) -> None:
        if self._bars:
            label = f"{progress.stage:<8}{plain(progress.name)[:36]:<36}"
            self._bar = click.progressbar(
                length=1,
                label=label,
                file=sys.stderr,
                show_pos=True,
                show_percent=False,
                show_eta=False,
                width=24,
                item_show_func=lambda pages: f"page {pages}" if pages else None,
            )
            self._bar.length = _length(progress)
            self._bar.__enter__()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
        elif self._last is not None and not self._quiet:
            pages = f" rows in {self._last.pages:,} page(s)" if self._last.pages else ""
            say(f"{self._last.stage} {plain(self._last.name)}: {self._last.done:,}{pages}")
        self._bar = self._last = None


def _length(progress: Progress) -> int | None:
    """Without a total there is no share to show, only how much it is by now."""
    return max(progress.total, progress.done) if progress.total else None
