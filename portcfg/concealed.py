"""Values that may be secret although they are no business of a config: live bodies hold what somebody put there."""

from __future__ import annotations

import hashlib
import re
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
    """`value`, which stands at `path` of a body, with a digest in place of all that may be secret."""
    if isinstance(value, dict):
        return {key: concealed(part, (*path, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [concealed(part, (*path, index)) for index, part in enumerate(value)]
    if not isinstance(value, str):
        return value
    return _instead(value) if _may_be_secret(path) else without_secrets(value)


def without_secrets(text: str) -> str:
    """`text` with a digest in place of all that looks like a secret."""
    kept, end = [], 0
    for secret in sorted(secrets_in(text), key=lambda each: each.start):
        if secret.start >= end:
            kept += [text[end : secret.start], _instead(text[secret.start : secret.end])]
            end = secret.end
    return "".join([*kept, text[end:]])


def _instead(secret: str) -> str:
    return f"(concealed: sha256 {_digest(secret)})"


def _may_be_secret(path: Path) -> bool:
    if not path or FREE.isdisjoint(path):
        return False
    return bool(SECRET.search(str(path[-1]))) or (DESTINATION in path and path[-1] == "url")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
