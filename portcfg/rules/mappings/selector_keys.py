"""PC340: keys of a selector that nobody reads, and that are nearly one that somebody does."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from portcfg.rules.mappings.configs import configs
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule

# Of Ocean's custom integration, whose kinds are paths (ocean.md §2). Other integrations have selectors of their own.
_OCEAN = ("query", "method", "query_params", "headers", "body", "data_path", "path_parameters", "exportEnvVariables")
_OWN = (
    *_OCEAN,
    "stream",
    "group_by",
    "aggregate",
    "creates",
    "pagination",
    "window",
    "rows",
    "dedupe",
    "shape",
    "required",
)
_ALIKE = 0.75


def check(portal: Portal) -> Iterator[Found]:
    """Near misses alone: what is like nothing may be for somebody else."""
    for config in configs(portal):
        known = _OWN if config.runs_here else _OCEAN
        for path, resource in config.resources():
            mine = config.runs_here or str(resource.get("kind", "")).startswith("/")
            for key in (resource.get("selector") or {}) if mine else ():
                close = key not in known and difflib.get_close_matches(key, known, 1, _ALIKE)
                if close:
                    place = (*path, "selector", key)
                    yield Found(config.document, place, f"nobody reads {key!r} here", f"did you mean {close[0]!r}?")


RULE = Rule("PC340", check, "warning")
