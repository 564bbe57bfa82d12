"""Port's answer to a bulk upsert, read with distrust: what it doesn't plainly say was written counts as not written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcfg.retry import TRANSIENT_STATUSES

UNMENTIONED = "Port's answer doesn't mention it"


@dataclass(frozen=True)
class Outcome:
    """What became of one item: `created` or not, or with a `reason` refused; `status` and `error` are Port's."""

    created: bool = False
    status: int = 0
    error: str = ""
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether the refusal says nothing of the item itself, so that it may be taken if it is sent again."""
        return bool(self.reason) and self.status in TRANSIENT_STATUSES


def outcomes(batch: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> list[Outcome]:
    """One for each item of the batch, out of `{entities: [{index, created}], errors: [{index, statusCode, error,
    message}]}` (port-api.md §3.4). An item that is in both lists was refused."""
    names = [body["identifier"] for body in batch]
    done = {at: Outcome(item.get("created") is True) for at, item in _items(answer.get("entities"), names)}
    refused = {at: _refusal(item) for at, item in _items(answer.get("errors"), names)}
    return [refused.get(at) or done.get(at) or Outcome(reason=UNMENTIONED) for at in range(len(batch))]


def _items(value: Any, names: Sequence[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The items of a list with their places in the batch. What is of another shape, or was not sent, says nothing."""
    for item in value if isinstance(value, list) else ():
        if not isinstance(item, dict):
            continue
        at = item.get("index")
        if type(at) is int:
            yield at, item
        elif at is None and names.count(item.get("identifier", "")) == 1:
            yield names.index(item["identifier"]), item


def _refusal(item: Mapping[str, Any]) -> Outcome:
    error = str(item.get("error") or "error")
    return Outcome(
        False, _status(item.get("statusCode")), error, f"{error}: {item.get('message') or 'no reason given'}"
    )


def _status(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() else 0
