"""Streams of a mapping: names that don't exist, and days that don't fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from portcfg.model import Path
from portcfg.sync import jq_text
from portcfg.sync.findings import Finding
from portcfg.sync.findings import as_list as _list
from portcfg.sync.findings import as_mapping as _mapping


def unknown_streams(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Resources and look-ups of a stream that isn't there."""
    streams = sorted(map(str, _mapping(body.get("streams"))))
    hint = f"streams: {', '.join(streams) or 'none'}"
    for index, resource in enumerate(_list(body.get("resources"))):
        name = _mapping(_mapping(resource).get("selector")).get("stream")
        if name is not None and name not in streams:
            yield ("resources", index, "selector", "stream"), f"there is no stream `{name}`", hint
    for name, lookup in _mapping(body.get("lookups")).items():
        if _mapping(lookup).get("stream") not in streams:
            yield ("lookups", name, "stream"), f"there is no stream `{_mapping(lookup).get('stream')}`", hint


def windows_without_day(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Windows that say no day where others do: those decide for all which days a run reads."""
    found: dict[Path, Mapping[str, Any]] = {}
    for name, stream in _mapping(body.get("streams")).items():
        found["streams", str(name), "window"] = _mapping(_mapping(stream).get("window", {"day": None}))
    for index, resource in enumerate(_list(body.get("resources"))):
        selector = _mapping(_mapping(resource).get("selector"))
        found["resources", index, "selector", "window"] = _mapping(selector.get("window", {"day": None}))
    if any(window.get("day") is not None for window in found.values()):
        for path in (path for path, window in found.items() if "day" not in window):
            hint = "say what the day of its rows is, such as `day: .date`; or take `day` out of all windows"
            yield path, "the window says no `day`, while another window does", hint


def groups_of_several_days(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Groups of a stream with a `day` that don't go by it: a run over some days would overwrite the whole."""
    streams = _mapping(body.get("streams"))
    for index, resource in enumerate(_list(body.get("resources"))):
        selector = _mapping(_mapping(resource).get("selector"))
        stream = selector if selector.get("stream") is None else _mapping(streams.get(str(selector["stream"])))
        day = _mapping(stream.get("window")).get("day")
        groups = [jq_text.normalise(str(text)) for text in _mapping(selector.get("group_by")).values()]
        if day is not None and groups and jq_text.normalise(str(day)) not in groups:
            yield (
                ("resources", index, "selector", "group_by"),
                f"`group_by` doesn't group by the stream's day, `{day}`, and a run reads only the days that it needs",
                f"add it, such as `date: {day}`; or take `window.day` out, and every run reads all days",
            )
