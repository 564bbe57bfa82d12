"""Which process a name is of, so that what a killed one left behind can be told from what a living one has."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
# Process ids mean something within one of these only, which containers have of their own.
_NAMES = Path("/proc/self/ns/pid")
_NAMED = re.compile(r"[0-9a-f]{32}-(?P<place>[0-9a-f]{16})-(?P<pid>\d+)")


def named_run() -> str:
    """A name that no other run has, and that tells this process, where the system lets it be told again (Linux)."""
    place = _place()
    return f"{uuid.uuid4().hex}-{place}-{os.getpid()}" if place else uuid.uuid4().hex


def has_died(run: str) -> bool:
    """Whether the process of `named_run` was one of this system, since it was started, and is gone. False in doubt."""
    found = _NAMED.fullmatch(run)
    if not found or found["place"] != _place():
        return False
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _place() -> str:
    """This system since it was started, and its own numbering of processes, as a hash; '' where that can't be told."""
    try:
        text = f"{_BOOT.read_text().strip()} {_NAMES.readlink()}"
    except OSError:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
