"""Values that may be secret although they are no business of a config: live bodies hold what somebody put there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from portcfg.model import Path
from portcfg.secret_forms import secrets_in

SECRET = re.compile(r"secret|token|passw|authoriz|api[-_]?key|private[-_]?key|credential", re.IGNORECASE)
# Whose address lets anybody post.
DESTINATION = "changelogDestination"
# Below these keys, names are people's own and values are texts, not jq.
FREE = frozenset({"headers", "vars", "variables", DESTINATION})

_STANDS_FOR_ONE = re.compile(r"\(concealed: sha256 [0-9a-f]{12}\)")


def concealed(value: Any, path: Path = ()) -> Any:
    """`value`, which stands at `path` of a body, with a digest in place of all that may be secret.

    The same for the same value at the same place; what is concealed already stays as it is.
    """
    if isinstance(value, dict):
        return {without_secrets(key): concealed(part, (*path, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [concealed(part, (*path, index)) for index, part in enumerate(value)]
    if not isinstance(value, str):
        return value
    return _instead(value) if _may_be_secret(path) else without_secrets(value, str(path[-1]) if path else "")


def without_secrets(text: str, key: str = "") -> str:
    """`text` with a digest in place of all that looks like a secret, also by the name of the key that it stands at."""
    before = f'{key}: "' if key else ""
    whole = f'{before}{text}"' if key else text
    kept, end = list[str](), len(before)
    for start, stop in _merged((secret.start, secret.end) for secret in secrets_in(whole)):
        start, stop = max(start, end), min(stop, len(before) + len(text))
        if start < stop:
            kept += [whole[end:start], _instead(whole[start:stop])]
            end = stop
    return "".join([*kept, text[end - len(before) :]])


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in their order, those that overlap as one."""
    last = (0, 0)
    for start, end in sorted(spans):
        if start < last[1]:
            last = (last[0], max(last[1], end))
        else:
            yield last
            last = (start, end)
    yield last


def _instead(secret: str) -> str:
    return secret if _STANDS_FOR_ONE.fullmatch(secret) else f"(concealed: sha256 {_digest(secret)})"


def _may_be_secret(path: Path) -> bool:
    if not path or FREE.isdisjoint(path):
        return False
    return bool(SECRET.search(str(path[-1]))) or (DESTINATION in path and path[-1] == "url")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
