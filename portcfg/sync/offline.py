"""A Port in memory and a source of recorded answers: a run of the sync between the two touches no network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from portcfg.client import Answer, Credentials, PortWriter
from portcfg.errors import TerminalApiError
from portcfg.sync.source import Request, SourceAnswer, SourceClient
from portcfg.sync.spec import SourceSpec

_BULK = "/entities/bulk"
Entity = dict[str, Any]


class OfflinePort(PortWriter):
    """Takes what a sync writes, and asks nobody.

    `blueprints` are whole bodies; what they relate to and isn't among them exists without properties. `known` are the
    entities that are there before the run, by blueprint. With `full` every entity that a run asks for is there, and
    `asked` says which those were.
    """

    def __init__(
        self, blueprints: Sequence[Mapping[str, Any]], known: Mapping[str, Sequence[Entity]], full: bool = False
    ) -> None:
        super().__init__("http://offline.invalid", Credentials("", ""))
        self._blueprints = with_targets(blueprints)
        self._known = known
        self._full = full
        self._held: dict[str, dict[str, Entity]] = {}
        self.asked: dict[str, set[str]] = {}

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The blueprints, which is all that a sync gets."""
        if path != "/blueprints":
            raise TerminalApiError(f"GET {path}: there is no Port here", status=404)
        return {"blueprints": self._blueprints}

    def entities(
        self, blueprint: str, include: Sequence[str] = (), query: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """What is known of a blueprint, whatever the query: those who ask pass over what they didn't ask for."""
        yield from self._known.get(blueprint, ())
        if self._full and include == ["$identifier"]:
            names = {name for rule in (query or {}).get("rules", ()) for name in rule["value"]}
            self.asked.setdefault(blueprint, set()).update(names)
            yield from ({"identifier": name} for name in sorted(names))

    def send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Keep the entities of a bulk write; anything else is taken without a trace."""
        if not path.endswith(_BULK):
            return Answer(200, {})
        items = (body or {})["entities"]
        held = self.after(path.removesuffix(_BULK).rpartition("/")[2])
        for item in items:
            # What is found by a search is known by its query.
            name = item["identifier"] if isinstance(item["identifier"], str) else json.dumps(item["identifier"])
            merging = (params or {}).get("merge") == "true"
            held[name] = _merged(held.get(name, {}) if merging else {}, item)
        return Answer(200, {"entities": [{"index": at, "created": True} for at in range(len(items))], "errors": []})

    def after(self, blueprint: str) -> dict[str, Entity]:
        """The entities of a blueprint as Port has them now, by identifier: those that it had, and what was written."""
        if blueprint not in self._held:
            known = self._known.get(blueprint, ())
            self._held[blueprint] = {str(entity["identifier"]): _merged({}, entity) for entity in known}
        return self._held[blueprint]


def _merged(before: Mapping[str, Any], item: Mapping[str, Any]) -> Entity:
    """An entity after an upsert: what is null then is gone."""
    merged: Entity = {**before, **item}
    for part in ("properties", "relations"):
        values = {**(before.get(part) or {}), **(item.get(part) or {})}
        merged[part] = {name: value for name, value in values.items() if value is not None}
    return {name: value for name, value in merged.items() if value not in (None, {})}


def with_targets(blueprints: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Blueprints, and those without properties that they relate to and that aren't among them."""
    found: dict[str, dict[str, Any]] = {str(body["identifier"]): dict(body) for body in blueprints}
    for body in blueprints:
        for relation in (body.get("relations") or {}).values():
            target = str(relation.get("target"))
            found.setdefault(target, {"identifier": target, "schema": {"properties": {}}})
    return list(found.values())


@dataclass(frozen=True)
class Recorded:
    """One recorded answer: `value` with status 200, or the source's refusal. `name` is what people know it by."""

    name: str
    value: Any = None
    status: int = 200


@dataclass
class _Asked:
    """The answers that are left for one method and path, and those that were given by what was asked."""

    left: list[Recorded]
    given: dict[str, SourceAnswer | TerminalApiError] = field(default_factory=dict)


class RecordedSource(SourceClient):
    """Answers each method and path with its recorded answers, the next one for each request that differs from those
    before. Where there are more, the answer links to the next one, as sources with Link headers do.

    `unanswered` are the requests that had no answer left, as people read them.
    """

    def __init__(self, spec: SourceSpec, answers: Mapping[tuple[str, str], Sequence[Recorded]]) -> None:
        super().__init__(replace(spec, auth=type(spec.auth)(), rate_limits={}), {})
        self._base = spec.base_url
        self._asked = {key: _Asked(list(found)) for key, found in answers.items()}
        self.unanswered: list[str] = []

    @property
    def unused(self) -> list[str]:
        """The answers that nobody asked for."""
        return [item.name for asked in self._asked.values() for item in asked.left]

    def ask(self, request: Request) -> SourceAnswer:
        """The recorded answer; raises TerminalApiError for a recorded refusal, and where there is none."""
        path = urlsplit(request.path).path
        path = path.removeprefix(urlsplit(self._base).path) if "://" in request.path else path
        self.requests_made[path] = self.requests_made.get(path, 0) + 1
        asked = self._asked.get((request.method, path))
        what = repr((request.path, dict(request.params), request.body))
        if asked is None or (what not in asked.given and not asked.left):
            raise self._missing(request, path)
        if what not in asked.given:
            asked.given[what] = _answer(asked.left.pop(0), request, f"{self._base}{path}", len(asked.left))
        found = asked.given[what]
        if isinstance(found, TerminalApiError):
            raise found
        return found

    def _missing(self, request: Request, path: str) -> TerminalApiError:
        details = [
            *([f"query {dict(request.params)}"] if request.params else []),
            *([f"body {request.body}"] if request.body is not None else []),
        ]
        self.unanswered.append(" ".join([f"{request.method} {path}", *details]))
        return TerminalApiError(f"{request.method} {path}: no recorded answer is left", status=404)


def _answer(found: Recorded, request: Request, url: str, left: int) -> SourceAnswer | TerminalApiError:
    if found.status >= 300:
        what = f"{request.method} {urlsplit(request.path).path}"
        return TerminalApiError(f"{what}: {found.status}: refused, as recorded", status=found.status)
    return SourceAnswer(found.value, f"{url}?left={left}" if left else "", url)
