"""What rules give: places in specs that they object to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from portcfg.model import Document, Path, Position

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Found:
    """One place in a spec that a rule objects to; `hint` says what to do.

    `inside` is the place inside the text at `path`, where one is known (rules.inside); `severity` that of this finding
    alone, where it isn't the rule's.
    """

    document: Document
    path: Path
    message: str
    hint: str = ""
    inside: Position | None = None
    severity: Severity | None = None
