"""A case on disk: `case.yaml` with the recorded answers, and `expected.yaml` with what the mapping makes of them.

mapping: cursor                       # of specs/, or of the folder that `specs` names
days: 2026-03-03                      # or 2026-03-02..2026-03-04; only where streams have a window
now: 2026-03-04T12:00:00Z             # when it runs; noon of the day after the last one where absent
vars: {org: acme}                     # over those of the project
port: {_user: [alice@example.com]}    # entities that Port has before, by identifier or as objects
answers:                              # by request: a file, a list of them (one a page), or what is answered
  POST /teams/daily-usage-data: daily.json
  GET /teams/groups: {status: 403}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from portcfg.errors import InvalidSpecsError, Problem, UsageError
from portcfg.load import Read, Reader
from portcfg.model import Path as NodePath
from portcfg.model import Position
from portcfg.sync.answers import NotJsonError, strict_json
from portcfg.sync.offline import Recorded

CASE, EXPECTED = "case.yaml", "expected.yaml"
FOLDER = Path("tests", "mappings")
# Where no stream has a window nothing depends on it, but for `now` in jq.
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_REQUEST = re.compile(r"(GET|POST|PUT|PATCH) (/\S*)")
_DAY = r"(\d{4}-\d\d-\d\d)"
_DAYS = re.compile(rf"{_DAY}(?:\.\.{_DAY})?")
_KEYS = ("mapping", "specs", "days", "now", "vars", "port", "answers")
_ANSWER_KEYS = ("file", "status", "json")


@dataclass(frozen=True)
class Case:
    """One case. `days` are the first and the last UTC day, `now` is in epoch seconds; `specs` is the folder that it
    names, None for that of the command. `answers` are by method and path."""

    folder: Path
    mapping: str
    answers: Mapping[tuple[str, str], Sequence[Recorded]]
    now: float
    days: tuple[date, date] | None = None
    specs: Path | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    port: Mapping[str, Sequence[dict[str, Any]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What people know it by: its folder."""
        return self.folder.name

    @property
    def expected(self) -> Path:
        """The file with what the mapping is to make."""
        return self.folder / EXPECTED


def case_folders(root: Path, names: Sequence[str]) -> list[Path]:
    """The folders of the cases, or of those named; raises UsageError where there are none."""
    found = {path.parent.name: path.parent for path in sorted(root.glob(f"*/{CASE}"))}
    unknown = [name for name in names if name not in found]
    if unknown or not found:
        hint = "`portcfg sync MAPPING --record DIR` makes one of a live source"
        hint = f"there are: {', '.join(found)}" if found else hint
        raise UsageError(f"{root} has no case {unknown[0]!r}" if unknown else f"{root} has no case", hint)
    return [found[name] for name in names or found]


def read_file(file: Path) -> Read:
    """The value of a YAML or JSON file with the places of its nodes; raises InvalidSpecsError."""
    # Without variables: a `${...}` is data here.
    reader = Reader(file.parent, None)
    values = reader.read_file(file)
    if reader.problems:
        raise InvalidSpecsError(reader.problems, reader.texts)
    return values[0] if values else (None, {(): Position(str(file), 1, 1)})


def read_case(folder: Path) -> Case:
    """A case; raises InvalidSpecsError for what can't be one."""
    file = folder / CASE
    body, places = read_file(file)
    shape = _Shape(file, places)
    body = shape.object((), body, _KEYS)
    days = shape.made(("days",), body.get("days"), _days)
    now = shape.made(("now",), body.get("now"), lambda text: datetime.fromisoformat(str(text)).timestamp())
    answers = shape.object(("answers",), body.get("answers"))
    found = {}
    for request, raw in answers.items():
        path = ("answers", request)
        if not (match := _REQUEST.fullmatch(request)):
            raise shape.wrong(path, f"{request!r} is no request", "write a method and a path: GET /teams/groups")
        found[match[1], match[2]] = [_recorded(shape, path, item) for item in (raw if isinstance(raw, list) else [raw])]
    port = shape.object(("port",), body.get("port", {}))
    if not isinstance(body.get("mapping"), str):
        raise shape.wrong(("mapping",), "the case doesn't say which mapping it tests", "mapping: IDENTIFIER")
    return Case(
        folder,
        body["mapping"],
        found,
        now or _default_now(days),
        days,
        folder / str(body["specs"]) if body.get("specs") else None,
        shape.object(("vars",), body.get("vars", {})),
        {name: [_entity(shape, ("port", name), item) for item in items or ()] for name, items in port.items()},
    )


def _days(text: Any) -> tuple[date, date]:
    match = _DAYS.fullmatch(str(text))
    if not match:
        raise ValueError("no days")
    first = date.fromisoformat(match[1])
    return first, date.fromisoformat(match[2]) if match[2] else first


def _default_now(days: tuple[date, date] | None) -> float:
    moment = datetime.combine(days[1] + timedelta(days=1), time(12), UTC) if days else _NOON
    return moment.timestamp()


def _entity(shape: _Shape, path: NodePath, item: Any) -> dict[str, Any]:
    if isinstance(item, str):
        return {"identifier": item}
    if not isinstance(item, dict) or "identifier" not in item:
        raise shape.wrong(path, "an entity is its identifier, or an object that has one", "_user: [alice@example.com]")
    return item


def _recorded(shape: _Shape, path: NodePath, raw: Any) -> Recorded:
    given: dict[str, Any] = {"file": raw} if isinstance(raw, str) else shape.object(path, raw, _ANSWER_KEYS)
    status = given.get("status", 200)
    if "file" not in given:
        return Recorded(f"{path[1]} (status {status})" if status != 200 else str(path[1]), given.get("json"), status)
    file = shape.file.parent / str(given["file"])
    if not file.is_file():
        raise shape.wrong(path, f"there is no file {file}", "files are named as seen from the case's folder")
    try:
        # JSON as a source's own is read, numbers and all; YAML for those who write by hand.
        value = strict_json(file.read_bytes()) if file.suffix == ".json" else read_file(file)[0]
    except ValueError as error:
        why = str(error) if isinstance(error, NotJsonError) else f"not JSON: {error}"
        raise shape.wrong(path, f"{file}: {why}", "an answer is what the source answers, whole") from None
    return Recorded(file.name, value, status)


@dataclass(frozen=True)
class _Shape:
    """What is wrong with a case file, with its place."""

    file: Path
    places: Mapping[NodePath, Position]

    def wrong(self, path: NodePath, message: str, hint: str) -> InvalidSpecsError:
        place = place_of(self.places, path)
        text = self.file.read_text(encoding="utf-8")
        problem = Problem(place.file, place.line, place.column, "PC002", message, hint)
        return InvalidSpecsError([problem], {str(self.file): text})

    def object(self, path: NodePath, value: Any, keys: Sequence[str] = ()) -> dict[str, Any]:
        """`value` where it is an object with no other than these keys."""
        if not isinstance(value, dict):
            raise self.wrong(path, f"{'.'.join(map(str, path)) or 'the case'} is not an object", "see the README")
        unknown = [key for key in value if keys and key not in keys]
        if unknown:
            raise self.wrong((*path, unknown[0]), f"unknown key {unknown[0]!r}", f"there are: {', '.join(keys)}")
        return value

    def made(self, path: NodePath, value: Any, make: Callable[[Any], Any]) -> Any:
        """What `make` makes of a value, None without one."""
        try:
            return None if value is None else make(value)
        except ValueError:
            hint = "days: 2026-03-03 or 2026-03-02..2026-03-04; now: 2026-03-04T12:00:00Z"
            raise self.wrong(path, f"{value!r} is no time", hint) from None


def place_of(places: Mapping[NodePath, Position], path: NodePath) -> Position:
    """Where a path is, or the nearest that holds it."""
    while path not in places and path:
        path = path[:-1]
    return places[path]
