"""A case made of a live source: its answers cut to some rows, without people, and what the mapping makes of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from portcfg import yamlread
from portcfg.errors import EXIT_OK, IncompleteError, UsageError
from portcfg.mapping_tests.case import CASE, read_case
from portcfg.mapping_tests.expected import update
from portcfg.mapping_tests.made import Made
from portcfg.mapping_tests.run import Bench
from portcfg.sync.disguise import Disguise, known_texts, named_keys
from portcfg.sync.offline import OfflinePort
from portcfg.sync.options import SyncOptions
from portcfg.sync.parse import parse_mapping
from portcfg.sync.recording import Kept, RecordingSource
from portcfg.sync.report import StreamStatus, SyncReport
from portcfg.sync.run import run_sync
from portcfg.sync.spec import SyncMapping

HEADER = (
    "# Recorded of a live source; people, names and texts are fakes. What `portcfg test` makes of it: expected.yaml.\n"
)


@dataclass(frozen=True)
class Recording:
    """What was written: the folder, the rows' files, and the streams that could not be cut. `doubtful`: of the fakes
    something is rejected or held back, and of the real rows nothing was."""

    folder: Path
    files: Sequence[str]
    whole: Sequence[str]
    entities: int
    doubtful: bool


def check_folder(folder: Path) -> None:
    """Raise UsageError where something is in the way."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already, and not empty", "name a new folder: tests/mappings/NAME")


def record(
    folder: Path,
    bench: Bench,
    config: Mapping[str, Any],
    variables: Mapping[str, Any],
    blueprints: Sequence[Mapping[str, Any]],
    env: Mapping[str, str],
    options: SyncOptions,
    rows: int,
    keep: Sequence[str] = (),
) -> Recording:
    """Read the source over the days asked for and write a case. Nothing of Port is read or written.

    `config` says where to read, `env` has its keys; `keep` are fields whose texts are kept. Raises PortcfgError; the
    folder is then as it was.
    """
    check_folder(folder)
    mapping = parse_mapping(config, variables)
    source, report = _read(mapping, env, options, blueprints, rows)
    vars_ = {**variables, **config.get("vars", {})}
    paths = [part for item in source.kept for part in item.path.split("/")]
    kept = {*known_texts(config, blueprints), *(text for text in map(str, vars_.values()) if text in paths)}
    disguise = Disguise(kept, keep, named_keys(config) | set(vars_))
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        # All rows before all paths: only then is it known what stands for what fills in a path.
        *values, shown = disguise.all([*(item.value for item in source.kept), vars_])
        body = _case_body(mapping, (report.first_day, report.last_day), options.now, shown)
        files = _write_answers(fresh, list(zip(source.kept, values, strict=True)), disguise, body)
        made = _write_expected(fresh, bench, body)
        if folder.exists():
            folder.rmdir()
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    doubtful = report.exit_code == EXIT_OK and bool({"rejected", "held"} & made.body.keys())
    return Recording(folder, files, sorted(source.whole), sum(map(len, made.body["entities"].values())), doubtful)


def _read(
    mapping: SyncMapping,
    env: Mapping[str, str],
    options: SyncOptions,
    blueprints: Sequence[Mapping[str, Any]],
    rows: int,
) -> tuple[RecordingSource, SyncReport]:
    """The source with what it has kept, and how the run went. Pseudonyms of the mapping's own come later."""
    reading = replace(mapping, privacy=None, retention={}, prune={}, record_run=False)
    source = RecordingSource(mapping, env, rows, options.retry)
    report = run_sync(
        reading, env, OfflinePort(blueprints, {}, full=True), replace(options, dry_run=True), None, source
    )
    failed = [item for item in report.streams if item.status is StreamStatus.FAILED]
    if failed:
        raise IncompleteError(f"nothing was recorded: {failed[0].name}: {failed[0].message}")
    return source, report


def _case_body(mapping: SyncMapping, days: tuple[str, str], now: float, variables: Mapping[str, Any]) -> dict[str, Any]:
    moment = datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    named = {"days": days[0] if days[0] == days[1] else "..".join(days)} if days[0] else {}
    return {"mapping": mapping.identifier, **named, "now": moment, "vars": dict(variables), "answers": {}}


def _write_answers(
    folder: Path, kept: Sequence[tuple[Kept, Any]], disguise: Disguise, body: dict[str, Any]
) -> list[str]:
    """Write each answer into a file of its own, and name it in the case."""
    files: list[str] = []
    answers: dict[str, list[Any]] = {}
    for item, value in kept:
        named = answers.setdefault(f"{item.method} {disguise.path(item.path, item.template)}", [])
        if item.status != 200:
            named.append({"status": item.status})
            continue
        stem = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in item.stream) or "answer"
        names = (stem, *(f"{stem}-{number}" for number in range(2, len(kept) + 2)))
        files.append(next(f"{name}.json" for name in names if f"{name}.json" not in files))
        text = json.dumps(value, indent=2, ensure_ascii=False)
        (folder / files[-1]).write_text(text + "\n", encoding="utf-8")
        named.append(files[-1])
    body["answers"] = {name: found[0] if len(found) == 1 else found for name, found in answers.items()}
    return files


def _write_expected(folder: Path, bench: Bench, body: dict[str, Any]) -> Made:
    """Write the case and what is made of it, with everything in Port that its relations look for."""
    _write_case(folder, body)
    full = bench.made(read_case(folder), full=True)
    # What the mapping itself writes is there only as far as the case writes it.
    body["port"] = {name: sorted(full.asked[name]) for name in sorted(set(full.asked) - set(full.written))}
    _write_case(folder, {name: value for name, value in body.items() if value})
    made = bench.made(read_case(folder))
    if made.unanswered or made.unused:
        left = (*made.unanswered, *made.unused)
        raise IncompleteError(f"nothing was recorded: what was answered can't be asked for again: {left[0]}")
    update(folder / "expected.yaml", made.body)
    return made


def _write_case(folder: Path, body: Mapping[str, Any]) -> None:
    (folder / CASE).write_text(HEADER + yamlread.dump(dict(body)), encoding="utf-8")
