"""What the cases beside a specs folder hold of a source's answers, for `validate`: only as much as is cheap to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from portcfg.errors import PortcfgError
from portcfg.mapping_tests.case import CASE, FOLDER, Case, read_case, read_file
from portcfg.rules.samples import Sample

MOST_BYTES = 2_000_000
# YAML takes that much longer to read than JSON.
_YAML = 10


def read_samples(root: Path) -> tuple[Sample, ...]:
    """The cases that test mappings of the specs in `root`, in the order of their names, while they fit in MOST_BYTES.

    One that can't be read shows nothing: `portcfg test` tells.
    """
    folder = root.resolve().parent / FOLDER
    left, found = MOST_BYTES, []
    for file in filter(Path.is_file, sorted(folder.glob(f"*/{CASE}"))):
        try:
            size = _weight(file)
            if size > left or (size := size + sum(map(_weight, _answers(file)))) > left:
                continue
            left -= size
            case = read_case(file.parent)
        except (PortcfgError, OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            continue
        if case.specs is None or case.specs.resolve() == root.resolve():
            found.append(_sample(case))
    return tuple(found)


def _answers(file: Path) -> Iterator[Path]:
    """The files that a case names."""
    answers = read_file(file)[0]["answers"].values()
    for each in (item for raw in answers for item in (raw if isinstance(raw, list) else [raw])):
        name = each.get("file") if isinstance(each, dict) else each
        if name is not None:
            yield file.parent / str(name)


def _weight(file: Path) -> int:
    return file.stat().st_size * (1 if file.suffix == ".json" else _YAML)


def _sample(case: Case) -> Sample:
    answers: dict[tuple[str, str], Sequence[Any]] = {
        request: [each.value for each in recorded if each.status == 200] for request, recorded in case.answers.items()
    }
    return Sample((FOLDER / case.name).as_posix(), case.mapping, answers)
