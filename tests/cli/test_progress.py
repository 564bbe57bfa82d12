"""What a sync says while it runs: on a terminal, in CI, and beside a pipe of JSON."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import REPOSITORY


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped specs, applied to an embedded Port, with a company of 40."""
    folder = tmp_path_factory.mktemp("progress")
    shutil.copytree(REPOSITORY / "specs", folder / "specs")
    subprocess.run(command("apply", "--auto-approve"), cwd=folder, check=True, capture_output=True)
    return folder


def command(*args: str) -> list[str]:
    return [sys.executable, "-m", "portcfg", *args, "--env", "local"]


def dry_run(*args: str) -> list[str]:
    return command("sync", "--days", "7", "--dry-run", *args)


def on_a_terminal(folder: Path, stdout: int | None = None, *args: str, **env: str) -> str:
    """What a terminal gets; with `stdout` that goes there instead."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        dry_run(*args), cwd=folder, env={**os.environ, **env}, stdout=stdout or theirs, stderr=theirs, stdin=theirs
    )
    os.close(theirs)
    said = b""
    while piece := _read(ours):
        said += piece
    os.close(ours)
    assert process.wait(60) == 0
    return said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def test_a_terminal_gets_a_bar_with_rows_of_the_total_and_pages(folder: Path) -> None:
    said = on_a_terminal(folder, TERM="xterm")
    assert "\rread    events" in said.replace("\x1b[?25l", "")
    last = [line for line in said.split("\r") if "read    events" in line][-1]
    count = last.split("]")[-1].split()[0]
    done, total = count.split("/")
    assert done == total and int(total) > 1000
    assert re.search(r"page [2-9]", last) and "#" in last
    # Nobody knows how many groups there are: no share of them is shown.
    assert all("#" not in line for line in said.split("\r") if "read    groups" in line)
    assert "\x1b[?25h" in said


@pytest.mark.parametrize("variable", [{"CI": "true", "TERM": "xterm"}, {"TERM": "dumb"}])
def test_no_bar_in_ci_nor_on_a_terminal_that_has_none(folder: Path, variable: dict[str, str]) -> None:
    said = on_a_terminal(folder, None, **variable).replace("\r\n", "\n")
    assert "\r" not in said and "\x1b" not in said
    assert re.search(r"\nread events: \d,\d{3} rows in [2-9] page\(s\)\n", said)
    assert "\ncompare cursor_usage_record: 7\n" in said


@pytest.mark.parametrize("ci", ["", "true"])
def test_plain_lines_without_a_terminal(folder: Path, ci: str) -> None:
    done = subprocess.run(dry_run(), cwd=folder, env={**os.environ, "CI": ci}, capture_output=True, check=True)
    assert b"\r" not in done.stdout + done.stderr and b"\x1b" not in done.stdout + done.stderr
    lines = done.stderr.decode().splitlines()
    assert sum(line.startswith("read events: ") for line in lines) == 1
    assert not done.stdout.decode().startswith("read")


def test_json_in_a_pipe_is_left_alone(folder: Path) -> None:
    with (folder / "report.json").open("wb") as file:
        said = on_a_terminal(folder, file.fileno(), "--format", "json", TERM="xterm")
    assert said.splitlines() == ["source: a stand-in Cursor with a synthetic company (cursor)"]
    assert (folder / "report.json").read_text().startswith('{\n  "format": "portcfg/sync/')
