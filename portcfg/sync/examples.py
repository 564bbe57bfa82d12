"""Raw rows for Port's mapping editor, as Ocean's `sendRawDataExamples` sends them (ocean.md §7 and §11).

Up to five rows a stream, as the source gave them. What looks like a secret is masked: texts below keys that say so,
texts of a secret's form wherever they stand, and the run's own keys. Everything else is sent, names and addresses of
people, too, so nothing is sent unless somebody asks, and nothing at all of a mapping that pseudonymises people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portcfg.client import PortReader, PortWriter, segment
from portcfg.errors import ApiError, UsageError
from portcfg.sync.spec import SyncMapping

# Port takes 1 MiB a request; a row that is too large for its share is left out.
ROW_BYTES = 180_000
MASK = "[masked]"
# Shorter values stand in too many texts by chance.
_SHORTEST_SECRET = 6
_SECRET_NAME = re.compile(
    r"secret|token(?!s)|passw|passphrase|authoriz|api[-_]?key|access[-_]?key|private[-_]?key|credential|cookie|signature",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JSON web token
    r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|(?:sk|pk|rk)[-_](?:[a-z]+[-_])*\w{16,}|key_[0-9a-f]{32,}"
    r"|(?i:\b(?:bearer|basic)\s+)[\w.~+/-]{8,}=*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.DOTALL,
)


def masked(value: Any, secrets: Collection[str] = ()) -> Any:
    """A JSON value without what looks like a secret, and without `secrets`."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, MASK) if len(secret) >= _SHORTEST_SECRET else value
        return _SECRET_TEXT.sub(MASK, value)
    if isinstance(value, list):
        return [masked(item, secrets) for item in value]
    if isinstance(value, dict):
        return {masked(key, secrets): _member(key, item, secrets) for key, item in value.items()}
    return value


def _member(key: str, value: Any, secrets: Collection[str]) -> Any:
    if not _SECRET_NAME.search(key):
        return masked(value, secrets)
    if isinstance(value, list):
        return [_member(key, item, secrets) for item in value]
    return MASK if isinstance(value, str) else masked(value, secrets)


def check_examples(mapping: SyncMapping, wanted: bool, dry_run: bool) -> None:
    """Raise UsageError where rows are to be sent and may not be."""
    if wanted and mapping.privacy:
        hint = "leave out --send-examples: raw rows hold names and ids that no pseudonym replaces"
        raise UsageError("the mapping keeps people out of Port, and examples are rows as the source gave them", hint)
    if wanted and dry_run:
        raise UsageError("a dry run sends nothing to Port", "leave out --dry-run or --send-examples")


def send_examples(
    port: PortReader, mapping: SyncMapping, rows: Mapping[str, Sequence[Any]], secrets: Collection[str]
) -> list[str]:
    """Send the first rows of each stream to the integration that the mapping is in Port; what a person should know.

    A Port that doesn't take them is no reason to fail: what the run is for is done.
    """
    if not isinstance(port, PortWriter):
        return []
    sent: list[str] = []
    notices: list[str] = []
    for stream, examples in rows.items():
        fit = [row for row in (_fitting(row, secrets) for row in examples) if row is not None]
        path = f"/integration/{segment(mapping.identifier)}/kinds/{segment(stream)}/examples"
        try:
            if fit:
                port.send("POST", path, {"examples": fit})
                sent.append(f"{stream} ({len(fit)})")
        except ApiError as error:
            notices.append(f"{stream}: its examples are not in Port: {error.message}")
    return [f"sent raw rows to Port as examples: {', '.join(sent)}", *notices] if sent else notices


def _fitting(row: Any, secrets: Collection[str]) -> Any:
    try:
        shown = masked(row, secrets)
        return shown if len(json.dumps(shown)) <= ROW_BYTES else None
    except RecursionError:
        return None
