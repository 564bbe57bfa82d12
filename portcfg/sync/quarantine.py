"""What could not be written, kept in a file with the reason, so that `portcfg sync replay` can try again.

One JSON value a line, ASCII only. The first is the header: `format`, `mapping`, `digest` of the mapping, the days,
`read_at`, and `key`, which tells the keys of pseudonyms apart. Each other one says `where`, `blueprint`, `identifier`,
`about` and `reason` like a Reject, and has

- a row: `entry` (see Origin), `stream`, `resource`, `window`, `row`; or
- an entity: `entry` is `entity`, with `entity` as it was to be written, or `parts`, with the fragments that it is made
  of (each with its own row as `origin` where that is kept). `silent` are the properties that nobody could say
  anything about in that run; or
- `entry` is `end`, and `at` the moment in epoch seconds after which the run wrote nothing more.

Lines are written as they come, so a killed run leaves whole ones, and memory doesn't grow with their number.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

from portcfg.errors import PortcfgError, UsageError
from portcfg.masking import Mask
from portcfg.sync.fragments import Entity, Fragment, Key, Origin, Refused
from portcfg.sync.jq_text import variables
from portcfg.sync.report import Reject, RejectGroup, SyncReport
from portcfg.sync.spec import SyncMapping, SyncResource

FORMAT = "portcfg/quarantine/1"
EXAMPLES = 3
NOTE = "Rows as the source gave them, which may hold personal data: keep this file as you keep its source."
_ENTITY_FIELDS = tuple(item.name for item in fields(Entity) if item.name != "parts")
Line = Mapping[str, Any]
# The counts, the groups and the length of the file, in bytes, at some time; 0 where there was none.
Mark = tuple[int, int, Mapping[tuple[str, str, str], RejectGroup], int]


def mapping_digest(mapping: SyncMapping) -> str:
    """What changes when the mapping is changed; where the source is doesn't count."""
    body = {name: value for name, value in asdict(mapping).items() if name != "source"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Contents:
    """What a file says of its run.

    Times are epoch seconds: `written_by` is when the run had written all that it wrote. `whole` are the entities of
    which everything is kept; `silent` are, by blueprint, the properties that nobody could say anything about.
    `key` tells by which key people are pseudonymised, if they are.
    """

    mapping: str
    digest: str
    first_day: str
    last_day: str
    read_at: float
    written_by: float
    whole: frozenset[Key]
    silent: Mapping[str, frozenset[str]]
    key: str = ""


def scan(file: Path) -> Contents:
    """What a file says of its run; raises PortcfgError for what is no quarantine file."""
    header = _header(file)
    written_by, whole = header["read_at"], set()
    silent: dict[str, frozenset[str]] = {}
    for line in kept_lines(file):
        if line["entry"] == "end":
            written_by = max(written_by, line["at"])
        elif "silent" in line:
            whole.add((line["blueprint"], line["identifier"]))
            silent[line["blueprint"]] = silent.get(line["blueprint"], frozenset()).union(line["silent"])
    days = (header["first_day"], header["last_day"])
    return Contents(
        *(header["mapping"], header["digest"], *days, header["read_at"], written_by, frozenset(whole), silent),
        key=header.get("key", ""),
    )


def kept_lines(file: Path) -> Iterator[dict[str, Any]]:
    """The lines after the header, one in memory at a time; one that the end of the file cuts off is passed over."""
    with file.open("rb") as lines:
        next(lines, None)
        for number, line in enumerate(lines, 2):
            if line.endswith(b"\n"):
                yield _line(file, number, line, "entry")


def _header(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as lines:
            header = _line(file, 1, next(lines, b""), "read_at")
    except OSError as error:
        raise UsageError(f"{file} can't be read: {error.strerror}") from None
    if header.get("format") != FORMAT:
        raise UsageError(f"{file} has the format {header.get('format')!r}; this portcfg reads {FORMAT!r}")
    return header


def _line(file: Path, number: int, text: bytes, needs: str) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict) or needs not in line:
        raise UsageError(f"{file}:{number} is no line of a quarantine file", "name a file that `portcfg sync` has kept")
    return line


@dataclass(frozen=True)
class SyncOnly:
    """Which rows a replay can't map again by themselves: those of sums, and what needs `$lookup`, a table made of other
    rows. `items` and `rows` are labels of resources, `raw` are streams."""

    items: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    raw: frozenset[str] = frozenset()

    @classmethod
    def of(cls, mapping: SyncMapping) -> SyncOnly:
        """As the mapping has it."""
        looking = [item for item in mapping.resources if uses_lookups(item.expressions())]
        rows = [item for item in mapping.resources if item in looking or item.group_by]
        raw = {name for name, stream in mapping.streams.items() if uses_lookups([stream.rows])}
        return cls(_labels(looking), _labels(rows), frozenset(raw | {item.stream for item in rows}))

    def holds(self, origin: Origin) -> bool:
        """Whether only a sync can make something of this row."""
        place = {"item": (origin.resource, self.items), "row": (origin.resource, self.rows)}
        name, names = place.get(origin.entry, (origin.stream, self.raw))
        return origin.entry == "evidence" or name in names


def _labels(resources: Iterable[SyncResource]) -> frozenset[str]:
    return frozenset(item.label for item in resources)


def uses_lookups(texts: Iterable[str]) -> bool:
    """Whether any of the expressions needs a table that is made of other rows, which only a sync reads."""
    return any("lookup" in variables(text) for text in texts)


def with_kept(report: SyncReport, quarantine: Quarantine) -> SyncReport:
    """The report with what was rejected, and what is kept of it."""
    return replace(
        report,
        rejected=quarantine.groups(),
        quarantine=quarantine.kept,
        kept_rejects=quarantine.rejects,
        kept_for_sync=quarantine.sync_only,
    )


class Quarantine:
    """Counts rejects by cause and, given a path, keeps them.

    There are `rejects` rows and entities, of which a replay can make nothing of `sync_only`.

    `mask` takes secrets out of what is kept. `silent` tells a blueprint's unread properties; `lost` are the rejected
    entities, as others relate to them.
    """

    def __init__(self, path: Path | None = None, make_folder: Callable[[Path], None] | None = None) -> None:
        self.path = path
        self.silent: Callable[[str], frozenset[str]] = lambda _: frozenset()
        self.lost: set[Key] = set()
        self.mask = Mask(())
        self._make_folder = make_folder or (lambda folder: folder.mkdir(parents=True, exist_ok=True))
        self.rejects = 0
        self.sync_only = 0
        self._only = SyncOnly()
        self._header: Line = {}
        self._file: BinaryIO | None = None
        self._cut_off = False
        self._groups: dict[tuple[str, str, str], RejectGroup] = {}

    @property
    def kept(self) -> str:
        """The file, or '' when nothing was kept."""
        return str(self.path) if self._file else ""

    def begin(self, mapping: SyncMapping, read_at: float, first_day: str, last_day: str, key: str = "") -> None:
        """Say what the lines to come belong to."""
        self._only = SyncOnly.of(mapping)
        self._header = {
            "format": FORMAT,
            "mapping": mapping.identifier,
            "digest": mapping_digest(mapping),
            "first_day": first_day,
            "last_day": last_day,
            "read_at": read_at,
            "note": NOTE,
            "key": key,
        }

    def mark(self) -> Mark:
        """Where it stands, for `back_to`."""
        return self.rejects, self.sync_only, dict(self._groups), self._file.tell() if self._file else 0

    def back_to(self, mark: Mark) -> None:
        """Undo what was rejected since: its rows are read again."""
        self.rejects, self.sync_only, groups, length = mark
        self._groups = dict(groups)
        if self._file and length:
            self._file.truncate(length)
        elif self._file and self.path:
            self._file.close()
            self._file = None
            self.path.unlink()

    def groups(self) -> tuple[RejectGroup, ...]:
        """The rejects so far, by cause."""
        return tuple(self._groups.values())

    def rejected_in(self, blueprint: str) -> int:
        """How many rejects a blueprint has."""
        return sum(group.count for group in self._groups.values() if group.blueprint == blueprint)

    def reject_row(self, reject: Reject, origin: Origin) -> None:
        """Count and keep a row."""
        self.count(reject)
        self.keep_row(reject, origin)

    def keep_row(self, reject: Reject, origin: Origin) -> None:
        """Keep a row that is counted elsewhere."""
        self._note(self._only.holds(origin))
        self._write({**asdict(reject), **_shallow(origin)})

    def reject_entity(self, refused: Refused) -> None:
        """Count and keep an entity."""
        self.count(refused)
        self._note(any(part.origin and self._only.holds(part.origin) for part in refused.entity.parts or ()))
        self.lost.add((refused.blueprint, refused.identifier))
        self.keep_entity(refused)

    def keep_entity(self, refused: Refused) -> None:
        """Keep an entity that is counted elsewhere."""
        entity = refused.entity
        silent = sorted(self.silent(refused.blueprint))
        reason = asdict(_plain(refused))
        if entity.parts is not None:
            parts = [{**_entity(part), "order": part.order, "origin": _origin(part)} for part in entity.parts]
            self._write({**reason, "entry": "parts", "parts": parts, "silent": silent})
        else:
            self._write({**reason, "entry": "entity", "entity": _entity(entity), "silent": silent})

    def copy(self, line: Line, sync_only: bool = False) -> None:
        """Count and keep a line of another file."""
        self._note(sync_only)
        self.count(Reject(**{item.name: line[item.name] for item in fields(Reject)}))
        self._write(line)

    def close(self, now: float) -> None:
        """End the file."""
        if self._file:
            try:
                # What can't be written ends in the middle of a line, and nothing may come after that.
                if not self._cut_off:
                    self._write({"entry": "end", "at": now})
            finally:
                self._file.close()

    def count(self, reject: Reject) -> None:
        """Count a reject; by itself what has no row of its own, such as a group."""
        cause = (reject.where, reject.blueprint, reject.about)
        group = self._groups.get(cause) or RejectGroup(*cause, 0, ())
        examples = group.examples if len(group.examples) == EXAMPLES else (*group.examples, _plain(reject))
        self._groups[cause] = replace(group, count=group.count + 1, examples=examples)

    def _note(self, sync_only: bool) -> None:
        self.rejects += 1
        self.sync_only += sync_only

    def _write(self, line: Line) -> None:
        if self.path is None:
            return
        try:
            if self._file is None:
                self._file = self._opened(self.path)
                self._file.write(_bytes(self._header))
            # Unbuffered, a line at a time: whatever ends the process, what is there is whole.
            self._file.write(_bytes(self.mask.value(line)))
        except OSError as error:
            self._cut_off = True
            hint = "make room, or name another one with --quarantine FILE"
            raise PortcfgError(f"the quarantine file {self.path} can't be written: {error.strerror}", hint) from None

    def _opened(self, path: Path) -> BinaryIO:
        self._make_folder(path.parent)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600), "ab", buffering=0)


def _bytes(line: Line) -> bytes:
    # ASCII, because rows may hold what is no Unicode (half a surrogate pair), and line ends that JSON doesn't escape.
    return json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"


def _plain(reject: Reject) -> Reject:
    return Reject(reject.where, reject.blueprint, reject.identifier, reject.reason, reject.about)


def _shallow(origin: Origin) -> dict[str, Any]:
    return {item.name: getattr(origin, item.name) for item in fields(Origin)}


def _origin(part: Fragment) -> dict[str, Any] | None:
    return _shallow(part.origin) if part.origin else None


def _entity(entity: Entity) -> dict[str, Any]:
    return {name: getattr(entity, name) for name in _ENTITY_FIELDS}
