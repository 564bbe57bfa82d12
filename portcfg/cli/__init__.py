"""The command line: the only package that prints, prompts or sets an exit code."""

from portcfg.cli.main import main

__all__ = ["main"]
