"""The `sync` group: without a sub-command it runs the mappings, as `sync run` does."""

from __future__ import annotations

import click

from portcfg.cli.replay import replay_command
from portcfg.cli.sync import run_command
from portcfg.cli.sync_status import status_command

RUN = "run"


class _RunContext(click.Context):
    """Usage errors name what was typed, which is `sync`."""

    @property
    def command_path(self) -> str:
        return self.parent.command_path if self.parent else super().command_path


class RunByDefault(click.Group):
    """`sync [OPTIONS] [MAPPING]...` is `sync run ...`, unless the first word is another sub-command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if args and args[0] in own else [RUN, *args])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return run_command.collect_usage_pieces(ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        run_command.format_help_text(ctx, formatter)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        run_command.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


run_command.context_class = _RunContext
sync_command = RunByDefault("sync", commands=[run_command, status_command, replay_command])
