"""Artifacts of workflow runs: found by name, downloaded, and unpacked into memory within limits.

Whoever may change a branch may upload what they like under any name, so nothing in an artifact is taken for true: what
is in one is checked by whoever reads it, and here no more than whose run it comes from and that it is a plain archive.
Routes and shapes: https://docs.github.com/rest/actions/artifacts, version 2022-11-28.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass

from portcfg.errors import UntrustedPlanError
from portcfg.github.api import GitHub
from portcfg.model import Body

MOST_PACKED = 32 * 1024 * 1024
MOST_UNPACKED = 64 * 1024 * 1024
MOST_FILES = 64
# Flat: what portcfg uploads has no folders, and no name of these leads anywhere.
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
_UNFIT = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Artifact:
    """One artifact. `head` and `branch` are those of the run that made it, `own` whether they are of this repository.

    `digest` is `sha256:` and that of the archive, empty for the artifacts of older runs.
    """

    number: int
    name: str
    size: int
    expired: bool
    run: int
    head: str
    branch: str
    own: bool
    digest: str = ""


def artifact_name(what: str, environment: str, *more: str) -> str:
    """`portcfg-plan-production-<head>`: of the parts, only what is fit for any name of a file stays as it is."""
    parts = ("portcfg", what, environment or "default", *more)
    return "-".join(_UNFIT.sub("_", part) for part in parts)


def artifacts(github: GitHub, name: str) -> list[Artifact]:
    """All artifacts of this name, the newest first; raises ApiError."""
    found = github.pages("/actions/artifacts", {"name": name}, within="artifacts")
    return sorted(map(_artifact, found), key=lambda each: each.number, reverse=True)


def usable(found: list[Artifact], head: str) -> list[Artifact]:
    """Those that can still be had, and that a run of this repository, not of a fork, made for the commit `head`."""
    return [each for each in found if each.own and each.head == head and not each.expired]


def unpacked(github: GitHub, artifact: Artifact) -> dict[str, bytes]:
    """The files of an artifact by name; raises ApiError, and UntrustedPlanError for what isn't a plain archive."""
    if artifact.size > MOST_PACKED:
        raise _refused(artifact.name, f"it has {artifact.size:,} bytes, over the limit of {MOST_PACKED:,}")
    data = github.download(f"/actions/artifacts/{artifact.number}/zip", MOST_PACKED)
    if artifact.digest.startswith("sha256:") and artifact.digest[7:] != hashlib.sha256(data).hexdigest():
        raise _refused(artifact.name, "its content hasn't the digest that GitHub has of it")
    return files_of(data, artifact.name)


def files_of(data: bytes, name: str) -> dict[str, bytes]:
    """What is in a ZIP archive, called `name` in errors. Raises UntrustedPlanError for one that holds anything but
    small files in no folder."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, name)
            return _read(archive, entries, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise _refused(name, "it is no ZIP archive that can be read") from error


def _check_entries(entries: list[zipfile.ZipInfo], name: str) -> None:
    if len(entries) > MOST_FILES:
        raise _refused(name, f"it has {len(entries):,} files, over the limit of {MOST_FILES}")
    if len({entry.filename for entry in entries}) < len(entries):
        raise _refused(name, "it has a file twice")
    for entry in entries:
        mode = entry.external_attr >> 16
        if not NAME.fullmatch(entry.filename):
            raise _refused(name, f"it holds {entry.filename[:100]!r}, which is no plain file's name")
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise _refused(name, f"{entry.filename!r} in it is no plain file")
        if entry.flag_bits & ENCRYPTED or entry.compress_type not in KINDS:
            raise _refused(name, f"{entry.filename!r} in it is encrypted, or packed in an unusual way")


def _read(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str) -> dict[str, bytes]:
    """Counted as it is unpacked: the sizes that an archive states are whatever its maker wrote."""
    files, room = {}, MOST_UNPACKED
    for entry in entries:
        with archive.open(entry) as file:
            files[entry.filename] = file.read(room + 1)
        room -= len(files[entry.filename])
        if room < 0:
            raise _refused(name, f"it unpacks to more than {MOST_UNPACKED:,} bytes")
    return files


def _refused(name: str, why: str) -> UntrustedPlanError:
    return UntrustedPlanError(f"the artifact {name} isn't used: {why}")


def _artifact(body: Body) -> Artifact:
    run = body.get("workflow_run") or {}
    own = run.get("repository_id") is not None and run.get("repository_id") == run.get("head_repository_id")
    return Artifact(
        number=int(body.get("id") or 0),
        name=str(body.get("name") or ""),
        size=int(body.get("size_in_bytes") or 0),
        expired=bool(body.get("expired")),
        run=int(run.get("id") or 0),
        head=str(run.get("head_sha") or ""),
        branch=str(run.get("head_branch") or ""),
        own=own,
        digest=str(body.get("digest") or ""),
    )
