"""The git checkout that the specs are in: which commit, and where its files are on the web. Only read, never needed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path, PurePosixPath
from urllib.parse import quote, urlsplit

# git@host:owner/repository
SCP_LIKE = re.compile(r"(?:[^@/]+@)?([^:/]+):(?!/)(.+)")
SECONDS = 10


def head(folder: Path) -> str:
    """The commit that is checked out; empty without git, a checkout, or a commit."""
    return _git(folder, "rev-parse", "HEAD")


def link(folder: Path, commit: str) -> str:
    """Where the files of `commit` are on the web, before their names as from here; empty where that is unknown.

    `folder` is the specs' as the command line names it: named from outside of the checkout, no file's name can follow.
    """
    page = web_page(_git(folder, "config", "--get", "remote.origin.url"))
    specs, inside = folder.as_posix(), PurePosixPath(_git(folder, "rev-parse", "--show-prefix")).as_posix()
    if not (page and commit) or not f"/{inside}".endswith(f"/{specs}"):
        return ""
    above = inside.removesuffix(specs).strip("/")
    return "/".join(filter(None, (page, "blob", commit, quote(above, errors="replace"))))


def web_page(remote: str) -> str:
    """The https address of a remote, without whatever credentials it holds; empty for one that has none."""
    if "://" not in remote:
        found = SCP_LIKE.fullmatch(remote)
        host, path = found.groups() if found else ("", "")
    else:
        parts = urlsplit(remote)
        host, path = (parts.hostname or "", parts.path) if parts.scheme in ("https", "http", "ssh", "git") else ("", "")
    name = path.strip("/").removesuffix(".git")
    # A name may be encoded already.
    return f"https://{host}/{quote(name, safe='/%~@:+', errors='replace')}" if host and name else ""


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
