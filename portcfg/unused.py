"""Fragments that nothing includes and variables that nothing reads. Reads the files of all environments."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from portcfg.errors import Problem
from portcfg.load import ENVIRONMENTS, FRAGMENTS
from portcfg.model import Project
from portcfg.specfiles import spec_files

# ${vars.name} in a spec, $name in jq.
_READ = re.compile(r"(?:\bvars\.|\$)([A-Za-z_]\w*)")
# All of the variables at once.
ALL = "vars"


def unused(root: Path, texts: Mapping[str, str], project: Project) -> Iterator[Problem]:
    """Infos on both. `texts` are the files that were read, of which none may be missing: it may be what uses them."""
    read = {os.path.normpath(file) for file in texts}
    unread = [file for file in spec_files(root / FRAGMENTS) if os.path.normpath(file) not in read]
    if not unread and not project.variable_places:
        return
    others = {file: _text(file) for file in (*unread, *_of_environments(root, read))}
    for file in unread:
        if not any(file.name in text for other, text in others.items() if other != file):
            hint = "delete it, or include it: `$include: ../fragments/NAME`"
            yield Problem(str(file), 0, 0, "PC711", "no spec includes this fragment", hint, "info")
    specs = [text for file, text in texts.items() if file != project.file]
    yield from _variables(project, [*specs, *others.values()])


def _of_environments(root: Path, read: set[str]) -> list[Path]:
    return [file for file in spec_files(root / ENVIRONMENTS) if os.path.normpath(file) not in read]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _variables(project: Project, texts: Iterable[str]) -> Iterator[Problem]:
    names = {name for text in texts for name in _READ.findall(text)}
    for name, place in project.variable_places.items():
        if name not in names and ALL not in names:
            hint = f"delete it, or use it: ${{vars.{name}}} in a spec, ${name} in a mapping's jq"
            message = f"nothing uses the variable {name!r}"
            yield Problem(place.file, place.line, place.column, "PC712", message, hint, "info")
