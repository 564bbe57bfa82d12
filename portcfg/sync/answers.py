"""An answer's body, read with distrust: no more bytes than allowed, in no more time than allowed, and only true JSON.

Sources are other people's servers. One that sends without end, a little a minute, or a gigabyte of zeros packed into a
kilobyte must not take the job with it; and of a key that stands twice nobody knows which value is meant.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from portcfg.errors import AnswerError

CHUNK_BYTES = 65_536


class Raw(Protocol):
    """An answer's body as it comes in: `read1` gives what one read of the socket gave, unpacked; b'' is the end."""

    def read1(self, amt: int, decode_content: bool) -> bytes:
        """At most `amt` bytes."""
        ...


class NotJsonError(ValueError):
    """A text that some readers take for JSON and others don't."""


def read_body(what: str, raw: Raw, max_bytes: int, seconds: float, clock: Callable[[], float]) -> bytes:
    """The whole body, unpacked; raises AnswerError when it is larger or slower than allowed. `clock` is in seconds."""
    parts: list[bytes] = []
    size, until = 0, clock() + seconds
    while part := raw.read1(CHUNK_BYTES, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            hint = "ask for smaller pages (`pagination.page_size`), or allow more (`source.max_answer_mib`)"
            raise AnswerError(f"{what} answered with more than {max_bytes >> 20} MiB", hint=hint)
        if clock() > until:
            hint = "ask for smaller pages (`pagination.page_size`), or allow more time (`source.timeout`)"
            raise AnswerError(f"{what}: its answer is not whole after {seconds:.0f} seconds", hint=hint)
    return b"".join(parts)


def strict_json(body: bytes) -> Any:
    """The value; raises ValueError for what isn't JSON, NotJsonError with the reason for what Python would take."""
    return json.loads(body, object_pairs_hook=_once, parse_constant=_refuse)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJsonError(f"an object has the key `{twice[:60]}` twice")
    return found


def _refuse(constant: str) -> Any:
    raise NotJsonError(f"it holds {constant}, which is no JSON")
