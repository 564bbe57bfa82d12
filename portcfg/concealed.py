"""Values that may be secret although they are no business of a config: live bodies hold what somebody put there."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from portcfg.model import Path

SECRET = re.compile(r"secret|token|passw|authoriz|api[-_]?key|private[-_]?key|credential", re.IGNORECASE)
# Whose address lets anybody post.
DESTINATION = "changelogDestination"
# Below these keys, names are people's own and values are texts, not jq.
FREE = frozenset({"headers", "vars", "variables", DESTINATION})


def concealed(value: Any, path: Path = ()) -> Any:
    """`value`, which stands at `path` of a body, with a digest in place of every text that may be secret."""
    if isinstance(value, dict):
        return {key: concealed(part, (*path, key)) for key, part in value.items()}
    if isinstance(value, list):
        return [concealed(part, (*path, index)) for index, part in enumerate(value)]
    return f"(concealed: sha256 {_digest(value)})" if isinstance(value, str) and _may_be_secret(path) else value


def _may_be_secret(path: Path) -> bool:
    if not path or FREE.isdisjoint(path):
        return False
    return bool(SECRET.search(str(path[-1]))) or (DESTINATION in path and path[-1] == "url")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
