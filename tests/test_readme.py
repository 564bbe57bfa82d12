"""Every command block of the README runs, in order, in one shell, against the embedded Port and the stand-in Cursor."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path

import pytest

from portcfg.cli.embedded import serving_cursor, serving_port
from portcfg.cli.main import COMMANDS
from portcfg.emulator.port_app import NOT_EMULATED
from portcfg.kinds import load_schema
from portcfg.settings import NAMES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EMULATOR = (ROOT / "docs/emulator.md").read_text(encoding="utf-8")
MAPPINGS = (ROOT / "docs/mappings.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
CHECKOUT_FILES = ("Makefile", "pyproject.toml", "requirements", "portcfg", "specs", "README.md", "LICENSE")


def checkout(folder: Path) -> Path:
    """A copy of the project as a user would have cloned it, on this run's virtual environment."""
    copy = folder / "portcfg"
    copy.mkdir()
    for name in CHECKOUT_FILES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, copy / name)
    # Older than the marker of the finished set-up, so that `make` finds nothing to install.
    for name in ("pyproject.toml", "requirements/dev.txt"):
        os.utime(copy / name, (0, 0))
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def script(port_url: str, cursor_url: str) -> str:
    """The blocks as one script, the placeholders filled in; `make test` is only looked up, for it would run this."""
    text = "\n".join(BLOCKS)
    for placeholder, value in {
        "make test ": "make --dry-run test >/dev/null ",
        "your-client-id": "local",
        "your-client-secret": "local",
        "your-cursor-key": "local",
        "https://api.port.io ": f"{port_url} ",
        "portcfg sync --dry-run": f"portcfg sync --source-url {cursor_url} --dry-run",
        "portcfg sync\n": f"portcfg sync --source-url {cursor_url}\n",
    }.items():
        assert placeholder in text, f"the README no longer says {placeholder!r}; adapt this table"
        text = text.replace(placeholder, value)
    return f"set -euo pipefail\n{text}"


@pytest.mark.skipif(not (ROOT / ".venv").is_dir(), reason="needs the virtual environment that make sets up")
def test_every_block_runs(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with spaces"
    folder.mkdir()
    copy = checkout(folder)
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    with serving_port(str(tmp_path / "port.db")) as port_url, serving_cursor(8, 35, 1) as cursor_url:
        done = subprocess.run(
            ["bash", "-c", script(port_url, cursor_url)],
            cwd=copy,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "No changes." in done.stdout
    assert "cursor_user_usage_record" in done.stdout


def test_routes_that_are_not_emulated_are_listed() -> None:
    listed = re.findall(r"^- `(/v1/\S+)`: ([A-Z, ]+)$", EMULATOR, re.MULTILINE)
    pairs = sorted(tuple(reversed(route.split(" ", 1))) for route in NOT_EMULATED)
    expected = {path: ", ".join(method for _, method in group) for path, group in groupby(pairs, lambda pair: pair[0])}
    assert {path: ", ".join(sorted(methods.split(", "))) for path, methods in listed} == expected


@pytest.mark.parametrize("name", ["pagination", "window"])
def test_every_key_of_pages_and_windows_is_listed(name: str) -> None:
    for key in load_schema("mapping")["$defs"][name]["properties"]:
        assert f"| `{key}` |" in MAPPINGS


@pytest.mark.parametrize(
    "file", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda file: file.name
)
def test_links_lead_somewhere(file: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", file.read_text(encoding="utf-8"))
    assert [link for link in links if not (file.parent / link).exists()] == []


def test_every_environment_variable_is_listed() -> None:
    for names in NAMES.values():
        for name in names:
            assert f"`{name}`" in README


def test_every_command_is_mentioned() -> None:
    assert [name for name in COMMANDS if f"portcfg {name}" not in README and f"make {name}" not in README] == []


def test_exit_codes_are_listed() -> None:
    from portcfg import errors

    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert listed == {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
