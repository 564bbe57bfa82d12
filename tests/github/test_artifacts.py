"""Artifacts: which one is used, and what an archive must not hold."""

from __future__ import annotations

import hashlib
import io
import random
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing

import pytest

from portcfg.errors import UntrustedPlanError
from portcfg.github import artifacts as module
from portcfg.github.api import GitHub
from portcfg.github.artifacts import artifact_name, artifacts, files_of, unpacked, usable
from portcfg.settings import Settings
from tests.github.stand_in import StandIn, zipped

HEAD, OTHER = "a" * 40, "b" * 40
NAME = artifact_name("plan", "production", HEAD)


def connected(github: StandIn) -> GitHub:
    return GitHub(Settings(environ=github.environ()).github)


def packed(fill: Callable[[zipfile.ZipFile], None]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        fill(archive)
    return buffer.getvalue()


def entry(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ("production", f"portcfg-plan-production-{HEAD}"),
        ("", f"portcfg-plan-default-{HEAD}"),
        ("eu/\u202eprod:1", f"portcfg-plan-eu__prod_1-{HEAD}"),
    ],
)
def test_a_name_is_fit_for_a_file(environment: str, name: str) -> None:
    assert artifact_name("plan", environment, HEAD) == name


def test_the_newest_usable_artifact_of_the_head_is_the_first(github: StandIn) -> None:
    fork, own = github.run(HEAD, repository="eve/portal"), github.run(HEAD)
    first = github.upload(own, NAME, {"plan.json": b"1"})
    second = github.upload(own, NAME, {"plan.json": b"2"})
    gone = github.upload(own, NAME, {"plan.json": b"3"})
    github.artifacts[gone]["expired"] = True
    github.upload(fork, NAME, {"plan.json": b"of a fork"})
    github.upload(github.run(OTHER), NAME, {"plan.json": b"of another commit"})
    github.upload(own, "another", {"plan.json": b"of another name"})
    with closing(connected(github)) as api:
        found = usable(artifacts(api, NAME), HEAD)
        assert [each.number for each in found] == [second, first]
        assert unpacked(api, found[0]) == {"plan.json": b"2"}


def test_a_hundred_artifacts_are_looked_through(github: StandIn) -> None:
    run = github.run(HEAD)
    numbers = [github.upload(run, NAME, {"a": b""}) for _ in range(130)]
    with closing(connected(github)) as api:
        assert [each.number for each in artifacts(api, NAME)] == numbers[::-1]


def test_what_github_has_the_digest_of_must_have_it(github: StandIn) -> None:
    data = zipped({"plan.json": b"{}"})
    number = github.upload(github.run(HEAD), NAME, data)
    github.artifacts[number]["digest"] = f"sha256:{hashlib.sha256(data).hexdigest()}"
    with closing(connected(github)) as api:
        assert unpacked(api, artifacts(api, NAME)[0]) == {"plan.json": b"{}"}
        github.artifacts[number]["digest"] = f"sha256:{'0' * 64}"
        with pytest.raises(UntrustedPlanError, match="digest that GitHub has"):
            unpacked(api, artifacts(api, NAME)[0])


def test_a_large_artifact_is_not_even_downloaded(github: StandIn) -> None:
    number = github.upload(github.run(HEAD), NAME, {"plan.json": b"{}"})
    github.artifacts[number]["size_in_bytes"] = module.MOST_PACKED + 1
    with closing(connected(github)) as api, pytest.raises(UntrustedPlanError, match="over the limit"):
        unpacked(api, artifacts(api, NAME)[0])
    assert not [path for _, path, _ in github.log if path.endswith("/zip")]


def many(archive: zipfile.ZipFile) -> None:
    for number in range(module.MOST_FILES + 1):
        archive.writestr(f"file{number}", b"")


HOSTILE: dict[str, tuple[Callable[[zipfile.ZipFile], None], str]] = {
    "a way out": (lambda archive: archive.writestr("../../.bashrc", b"x"), "no plain file's name"),
    "an absolute path": (lambda archive: archive.writestr("/etc/passwd", b"x"), "no plain file's name"),
    "a backslash": (lambda archive: archive.writestr("..\\x", b"x"), "no plain file's name"),
    "a folder": (lambda archive: archive.writestr("folder/file", b"x"), "no plain file's name"),
    "a hidden file": (lambda archive: archive.writestr(".netrc", b"x"), "no plain file's name"),
    "a control character": (lambda archive: archive.writestr("a\x1b[31m", b"x"), "no plain file's name"),
    "a link": (lambda archive: archive.writestr(entry("plan.json", stat.S_IFLNK | 0o777), "/etc/passwd"), "no plain"),
    "a pipe": (lambda archive: archive.writestr(entry("plan.json", stat.S_IFIFO | 0o666), b""), "no plain file"),
    "too many files": (many, "over the limit of 64"),
    "an unusual way of packing": (
        lambda archive: archive.writestr(entry("plan.json"), b"x", zipfile.ZIP_LZMA),
        "unusual way",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_archive_is_refused(what: str) -> None:
    fill, said = HOSTILE[what]
    with pytest.raises(UntrustedPlanError, match=said):
        files_of(packed(fill), NAME)


def test_a_file_that_stands_twice_is_refused() -> None:
    def fill(archive: zipfile.ZipFile) -> None:
        archive.writestr("plan.json", b"shown")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("plan.json", b"used")

    with pytest.raises(UntrustedPlanError, match="twice"):
        files_of(packed(fill), NAME)


def test_a_bomb_is_unpacked_no_further_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNPACKED", 100_000)
    bomb = packed(lambda archive: archive.writestr("plan.json", b"\0" * 100_001))
    assert len(bomb) < 500
    with pytest.raises(UntrustedPlanError, match="unpacks to more than 100,000"):
        files_of(bomb, NAME)
    two = packed(lambda archive: [archive.writestr(name, b"\0" * 60_000) for name in "ab"] and None)
    with pytest.raises(UntrustedPlanError, match="unpacks to more than 100,000"):
        files_of(two, NAME)
    assert len(files_of(packed(lambda archive: archive.writestr("a", b"\0" * 100_000)), NAME)["a"]) == 100_000


def test_a_size_that_lies_is_found_out() -> None:
    data = bytearray(packed(lambda archive: archive.writestr("plan.json", b"x" * 5_000)))
    # The uncompressed size in the central directory, which is what readers believe.
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(UntrustedPlanError):
        files_of(bytes(data), NAME)


@pytest.mark.parametrize(
    "data", [b"", b"no zip", zipped({"plan.json": b"x" * 2_000})[:-30]], ids=["empty", "text", "cut"]
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(UntrustedPlanError, match="no ZIP archive"):
        files_of(data, NAME)


def test_damage_inside_of_an_archive_is_refused() -> None:
    data = bytearray(zipped({"plan.json": bytes(range(256)) * 20}))
    for at in range(60, 70):
        data[at] ^= 0xFF
    with pytest.raises(UntrustedPlanError, match="no ZIP archive"):
        files_of(bytes(data), NAME)


def test_whatever_the_bytes_are_an_archive_is_read_or_refused() -> None:
    dice, whole = random.Random(7), zipped({"plan.json": b"{}" * 50, "review.json": b"x" * 300})
    read = 0
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(dice.choice((1, 1, 2, 8))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            read += bool(files_of(bytes(data), NAME))
        except UntrustedPlanError as error:
            assert NAME in error.message
    assert 0 < read < 500
