"""The files of a new repo as they are shipped; @NAME@ stands for what differs."""

from __future__ import annotations

from importlib.resources import files

from portcfg import __version__


def template(name: str) -> str:
    """A shipped file, with the own version put in."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8").replace("@VERSION@", __version__)
