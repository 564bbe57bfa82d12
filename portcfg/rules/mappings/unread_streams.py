"""PC343: streams that no resource and no look-up reads."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.rules.mappings.configs import Config, configs
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found, Rule


def check(portal: Portal) -> Iterator[Found]:
    """A warning where a resource bears the stream's name and asks for something else; else it may be a spare one."""
    for config in configs(portal):
        streams = (config.body.get("streams") or {}) if config.runs_here else {}
        read = set(_read(config))
        # One that is read and isn't there is probably this one, misspelt, and told by PC305.
        unread = streams.keys() - read if read <= streams.keys() else set()
        named = unread & set(_named(config))
        for name in sorted(unread):
            yield _found(config, name, meant=name in named)


def _found(config: Config, name: str, *, meant: bool) -> Found:
    path = (*config.prefix, "streams", name)
    message = f"no resource reads the stream {name!r}"
    if meant:
        hint = f"did you mean `selector: {{stream: {name}}}`?"
        return Found(config.document, path, f"{message}, nor does the one of this name", hint)
    return Found(
        config.document, path, message, "name it in a resource's `selector.stream`, or take it out", None, "info"
    )


def _read(config: Config) -> Iterator[str]:
    for _, selector in config.selectors():
        if name := selector.get("stream"):
            yield str(name)
    for lookup in (config.body.get("lookups") or {}).values():
        if name := (lookup or {}).get("stream"):
            yield str(name)


def _named(config: Config) -> Iterator[str]:
    """What the resources without a stream are called, which may be a path."""
    for _, resource in config.resources():
        if (resource.get("selector") or {}).get("stream") is None:
            yield str(resource.get("kind")).strip("/")


RULE = Rule("PC343", check, "warning")
