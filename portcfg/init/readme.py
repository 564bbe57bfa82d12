"""The README of a new repo: the steps that its own environments and workflows need."""

from __future__ import annotations

import json
from collections.abc import Sequence

from portcfg.init.templates import template

NEXT = """ It is for the first environment only: once that is
applied, run this again for the next one."""
SYNC_ROW = "| `sync.yml` | every night | moves the rows of the mappings' sources into Port |\n"


def readme(environments: Sequence[str], with_github: bool, with_sync: bool) -> str:
    """The text for these portcfg environments (none: one Port), with GitHub's part and the sync's or without."""
    part = _github(environments, with_sync) if with_github else ""
    return template("README.md").replace("@GITHUB@", part)


def _github(environments: Sequence[str], with_sync: bool) -> str:
    applying = _named("port", environments)
    syncing = _named("port-sync", environments) if with_sync else []
    if environments:
        needed = [*_named("port-plan", environments), *applying, *syncing]
        script = template("secrets-environments.sh").replace("@LIST@", json.dumps(list(environments)))
    else:
        needed = [*applying, *syncing]
        script = template("secrets.sh")
    script = script.replace("@ENVIRONMENTS@", " ".join(needed))
    script = script.replace("@SYNCING@", ", and to sync (port-sync)" if with_sync else "")
    script += "".join(f"gh secret set CURSOR_API_KEY --env {name}\n" for name in syncing)
    text = template("github.md").replace("@SECRETS@", script).replace("@SYNC_ROW@\n", f"{SYNC_ROW * with_sync}\n")
    text = text.replace("@NEXT@", NEXT * (len(environments) > 1))
    checks = [f"*Plan for {name}*" for name in environments] or ["*Plan*"]
    text = text.replace("@CHECKS@", f"the check{'s' * (len(checks) > 1)} {' and '.join(checks)}")
    return text.replace("@APPLY_ENVIRONMENTS@", " and ".join(f"`{name}`" for name in applying))


def _named(prefix: str, environments: Sequence[str]) -> list[str]:
    return [f"{prefix}-{name}" for name in environments] or [prefix]
