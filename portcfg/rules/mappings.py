"""The sync engine's own offline checks, as findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from portcfg.errors import Problem
from portcfg.kinds.mapping import RUN_HERE
from portcfg.model import Document, Path, Project
from portcfg.sync.checks import mapping_problems
from portcfg.sync.privacy import privacy_problems


def mapping_rule(shaped: Sequence[Document], _: Sequence[Document], project: Project) -> Iterator[Problem]:
    """PC301: jq that doesn't compile or reads the environment, two writers of one property, unknown streams."""
    for document in shaped:
        if document.kind == "mapping":
            prefix: Path = ("config",) if "config" in document.body else ()
            config = document.body.get("config", document.body) or {}
            # Port's own form says nothing about who runs it, unless the config itself does.
            runner = {"runner": "ocean"} if prefix and not RUN_HERE & config.keys() else {}
            body = {**runner, **config, "vars": {**project.variables, **(config.get("vars") or {})}}
            private = (((*prefix, *path), message, hint) for path, message, hint in privacy_problems(config))
            for path, message, hint in (*mapping_problems(body, prefix), *private):
                place = document.place(path)
                yield Problem(place.file, place.line, place.column, "PC301", message, hint)
