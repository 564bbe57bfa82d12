"""What is released: a wheel and an sdist with all that belongs in them, nothing else, the same whoever builds them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from portcfg import __version__
from portcfg.init.contents import SYNC_WORKFLOWS, WORKFLOWS
from portcfg.kinds import KINDS
from tests.support import REPOSITORY, write_files
from tools.release import main as release

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".venv", ".git", ".portcfg", ".*_cache", ".hypothesis", "dist")
WHEEL = f"portcfg-{__version__}-py3-none-any.whl"
SDIST = f"portcfg-{__version__}.tar.gz"
WORKFLOW = yaml.safe_load((REPOSITORY / ".github/workflows/release.yml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Built:
    """Two checkouts in which the same was built, one from the sdist of the other's."""

    wheel: Path
    sdist: Path
    wheel_again: Path
    sdist_again: Path
    wheel_of_sdist: Path


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8", **environment}
    return subprocess.run(list(map(str, command)), cwd=cwd, env=env, capture_output=True, text=True, check=False)


def build(checkout: Path, *targets: str) -> Path:
    flags = [flag for target in targets for flag in ("-t", target)]
    done = run(sys.executable, "-m", "hatchling", "build", *flags, cwd=checkout)
    assert done.returncode == 0, done.stderr
    return checkout / "dist"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The wheel and the sdist of this checkout; of a later copy of it elsewhere; and the wheel of the sdist."""
    folder = tmp_path_factory.mktemp("release")
    one, two, three = folder / "one", folder / "another name", folder / "three"
    shutil.copytree(REPOSITORY, one, ignore=LEFT_OUT)
    shutil.copytree(one, two)
    for path in two.rglob("*"):
        os.utime(path, (1_900_000_000, 1_900_000_000))
        # As with another umask.
        path.chmod(path.stat().st_mode & 0o700)
    first, second = build(one, "sdist", "wheel"), build(two, "sdist", "wheel")
    with tarfile.open(first / SDIST) as archive:
        archive.extractall(three, filter="data")
    third = build(three / f"portcfg-{__version__}", "wheel")
    return Built(first / WHEEL, first / SDIST, second / WHEEL, second / SDIST, third / WHEEL)


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_two_builds_are_the_same_file_and_so_is_that_of_the_sdist(built: Built) -> None:
    assert digest(built.wheel) == digest(built.wheel_again) == digest(built.wheel_of_sdist)
    assert digest(built.sdist) == digest(built.sdist_again)


def package_files(folder: Path, within: str) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"{within}/{path.relative_to(folder).as_posix()}" for path in found}


def test_the_wheel_has_the_package_its_data_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        assert all(info.external_attr >> 16 & 0o777 in (0o644, 0o664, 0o755) for info in wheel.infolist())
    checkout = built.wheel.parents[1]
    wanted = package_files(checkout / "portcfg", "portcfg") | package_files(checkout / "specs", "portcfg/cursor_specs")
    assert names == wanted | {f"portcfg/init/workflows/{name}" for name in (*WORKFLOWS, *SYNC_WORKFLOWS)}
    assert {f"portcfg/schemas/{kind}.schema.json" for kind in ("project", *KINDS)} <= names
    assert {"portcfg/py.typed", "portcfg/rules/entries/PC202.yaml", "portcfg/init/templates/README.md"} <= names


def test_the_sdist_has_what_its_tests_need(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        assert {(member.uid, member.gid, member.uname, member.mtime) for member in archive} == {(0, 0, "", 1580601600)}
    for needed in ("Makefile", "tests/conftest.py", "requirements/runtime.txt", "CHANGELOG.md", "specs/portcfg.yaml"):
        assert needed in names
    assert not [name for name in names if re.search(r"(^|/)(\.venv|\.git|\.portcfg|__pycache__|dist)(/|$)", name)]


def test_what_runs_it_has_the_package_s_own_name(built: Built) -> None:
    """`pipx run portcfg` and `uvx portcfg` take the command that is called as the package is."""
    with zipfile.ZipFile(built.wheel) as wheel:
        (name,) = [each for each in wheel.namelist() if each.endswith(".dist-info/entry_points.txt")]
        assert wheel.read(name).decode().split() == ["[console_scripts]", "portcfg", "=", "portcfg.cli:main"]


@pytest.mark.parametrize(
    ("tool", "flags"), [("twine", ("check", "--strict")), ("check_wheel_contents", ())], ids=["twine", "contents"]
)
def test_the_tools_of_the_field_find_nothing(built: Built, tmp_path: Path, tool: str, flags: tuple[str, ...]) -> None:
    files = [built.wheel, built.sdist] if tool == "twine" else [built.wheel]
    done = run(sys.executable, "-m", tool, *flags, *files, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Run a command of a fresh installation of the wheel, outside of the checkout; its stdout."""
    folder = tmp_path_factory.mktemp("user's machine")
    python = folder / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(built.wheel)], cwd=folder, check=True)
    where = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).stdout.strip()
    (Path(where) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    def call(*command: str) -> str:
        done = run(python.parent / command[0], *command[1:], cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert str(folder) in call("python", "-c", "import portcfg; print(portcfg.__file__)")
    yield call


def test_an_installation_says_its_version_either_way(installed: Callable[..., str]) -> None:
    assert installed("portcfg", "--version") == installed("python", "-m", "portcfg", "--version")
    assert installed("portcfg", "--version") == f"portcfg {__version__}\n"


def test_an_installation_has_its_data(installed: Callable[..., str]) -> None:
    assert "PC202" in installed("portcfg", "explain", "PC202")
    assert json.loads(installed("portcfg", "schema", "mapping"))["x-portcfg-version"] == __version__
    assert "file(s) made" in installed("portcfg", "init", "my portal", "--example", "cursor")
    assert "Plan: 9 to create" in installed("portcfg", "plan", "--env", "local", "--specs", "my portal/specs")


def test_an_installation_shows_the_demo(installed: Callable[..., str]) -> None:
    assert "No changes." in installed("portcfg", "demo", "--users", "5")


def test_the_locked_requirements_are_those_of_the_project() -> None:
    wanted = {
        "dev": [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["emulator"]],
        "runtime": [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["emulator"]],
        "release": PROJECT["dependency-groups"]["release"],
    }
    for name, requirements in wanted.items():
        locked = pins(name)
        for requirement in requirements:
            package = re.split(r"[<>=\[;]", requirement)[0].strip().lower().replace(".", "-").replace("_", "-")
            assert package in locked, f"{name}.txt lacks {package}: make lock"
    # One version of each, whatever it is for.
    assert pins("runtime").items() <= pins("dev").items()
    slow = {"lark", "rfc3987-syntax"}
    assert {item for item in pins("release").items() if item[0] not in slow} <= pins("dev").items()
    assert slow.isdisjoint(pins("dev"))


def pins(name: str) -> dict[str, str]:
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9][a-z0-9.-]*)==(\S+)(.*) \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), f"{name}.txt: each needs a hash"
    return {package: version for package, version, _ in found}


def test_the_bill_of_materials_names_what_runs_and_in_which_version(tmp_path: Path) -> None:
    (script,) = (step["run"] for step in steps("build") if step.get("name") == "Bill of materials")
    out = tmp_path / "sbom.json"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = run("bash", "-euc", script, cwd=REPOSITORY, PATH=path, SBOM=str(out), GITHUB_REF_NAME="v1.2.0")
    assert done.returncode == 0, done.stderr
    bill = json.loads(out.read_text(encoding="utf-8"))
    whose = bill["metadata"]["component"]
    assert (whose["name"], whose["version"], whose["purl"]) == ("portcfg", "1.2.0", "pkg:pypi/portcfg@1.2.0")
    assert {each["name"]: each["version"] for each in bill["components"]} == pins("runtime")
    assert all(each["purl"].startswith("pkg:pypi/") for each in bill["components"])
    assert "timestamp" not in bill["metadata"]


def steps(job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = WORKFLOW["jobs"][job]["steps"]
    return found


def test_only_the_job_that_needs_a_permission_has_it() -> None:
    given = {name: job["permissions"] for name, job in WORKFLOW["jobs"].items()}
    writers = {name: {key for key, value in each.items() if value == "write"} for name, each in given.items()}
    assert WORKFLOW["permissions"] == {}
    assert writers == {
        "test": set(),
        "build": set(),
        "attest": {"attestations", "id-token"},
        "image": {"attestations", "id-token", "packages"},
        "pypi": {"id-token"},
        "release": {"contents"},
    }


def test_what_signs_or_publishes_runs_no_code_of_the_repository() -> None:
    """`image` builds from the checkout, in a container; the others don't even have one."""
    for job in ("attest", "pypi", "release"):
        assert not [step for step in steps(job) if "checkout" in step.get("uses", "")]
    assert not [step for step in steps("pypi") if "run" in step]
    for job in WORKFLOW["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            assert "uses" not in step or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
            assert "checkout" not in step.get("uses", "") or step["with"] == {"persist-credentials": False}


STUB = """#!/usr/bin/env bash
echo "$(basename "$0") $*" >> calls
[[ $* == *--password-stdin* ]] && cat > token
[[ $* == "image inspect"* ]] && echo ghcr.io/acme/portal@sha256:abc
exit 0
"""


def run_step(job: str, name: str, folder: Path, **environment: str) -> list[str]:
    """Run a step of the release with stand-ins for docker and gh; how they were called."""
    for tool in ("docker", "gh"):
        (folder / tool).write_text(STUB, encoding="utf-8")
        (folder / tool).chmod(0o755)
    (script,) = (step["run"] for step in steps(job) if step.get("name") == name)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    github = {"GITHUB_REPOSITORY": "Acme/Portal", "GITHUB_ACTOR": "someone", "GITHUB_SHA": "f" * 40}
    output = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_SERVER_URL": "https://github.com", "GH_TOKEN": "s3cret"}
    done = run("bash", "-eo", "pipefail", "-c", script, cwd=folder, **{**github, **output, **environment, "PATH": path})
    assert done.returncode == 0, done.stderr
    return (folder / "calls").read_text(encoding="utf-8").splitlines()


def test_the_image_runs_before_it_is_pushed_and_its_digest_is_kept(tmp_path: Path) -> None:
    calls = run_step("image", "Build and push", tmp_path, VERSION="1.2.0")
    image = "ghcr.io/acme/portal:1.2.0"
    assert [" ".join(call.split()[:2]) for call in calls] == [
        "docker login",
        "docker buildx",
        "docker run",
        "docker push",
        "docker image",
    ]
    assert calls[1].endswith(f"--tag {image} .")
    assert calls[2:4] == [f"docker run --rm {image} --version", f"docker push {image}"]
    assert "s3cret" not in "".join(calls)
    assert (tmp_path / "token").read_text(encoding="utf-8") == "s3cret"
    assert (tmp_path / "output").read_text(encoding="utf-8") == "name=ghcr.io/acme/portal\ndigest=sha256:abc\n"


@pytest.mark.parametrize(("tag", "early"), [("v1.2.0", False), ("v1.2.0-rc.1", True)])
def test_the_release_has_every_file_and_says_which_image(tmp_path: Path, tag: str, early: bool) -> None:
    write_files(tmp_path, {"notes.md": "A thing.\n", "release/a.whl": "", "release/b.json": ""})
    image = "ghcr.io/acme/portal@sha256:abc"
    (call,) = run_step("release", "GitHub release", tmp_path, GITHUB_REF_NAME=tag, VERSION="1.2.0", IMAGE=image)
    assert call.startswith(f"gh release create {tag} --repo Acme/Portal --verify-tag --title portcfg 1.2.0")
    assert call.endswith("release/a.whl release/b.json")
    assert ("--prerelease" in call) is early
    assert (tmp_path / "notes.md").read_text(encoding="utf-8") == f"A thing.\n\nContainer image: `{image}`\n"


def test_the_image_is_pinned_small_and_not_root() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM")}
    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+-slim@sha256:[0-9a-f]{64}", base)
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert any(re.fullmatch(r"USER [1-9]\d+:[1-9]\d+", line) for line in last)
    assert not any(line.startswith(("RUN", "ADD")) for line in last)
    assert "--require-hashes --only-binary :all:" in "\n".join(lines)
    # Nothing of the checkout but what it copies can get into it.
    copied = [line.split()[1] for line in lines if line.startswith("COPY") and "--from" not in line]
    ignored = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").split()
    assert ignored == ["*", *(f"!{name}" for name in copied)]


def test_what_other_repos_call_installs_this_version() -> None:
    files = [REPOSITORY / "action.yml", *(REPOSITORY / ".github" / "workflows").glob("*.yml")]
    named = {
        (file.name, version)
        for file in files
        for version in re.findall(r"portcfg(?:\[emulator\])?==([\w.]+)", file.read_text(encoding="utf-8"))
    }
    assert named
    assert {version for _, version in named} == {__version__}, named


CHANGELOG = """# Changelog

## Unreleased

## 1.2.0 - 2026-11-23

### Added
- A thing.

## 1.2.0rc1 - 2026-11-20

- A thing to try.

## 1.1.0 - 2026-10-01

Nothing.
"""


@pytest.mark.parametrize(
    ("tag", "version", "reason"),
    [
        ("v1.2.0", "1.2.0", ""),
        ("v1.2.0-rc.1", "1.2.0rc1", ""),
        ("v1.2.0", "1.2.1", "the tag is v1.2.0, and portcfg/__init__.py has 1.2.1"),
        ("v1.1.0", "1.1.0", "says nothing of 1.1.0"),
        ("v1.3.0", "1.3.0", "has 0 entries"),
        ("1.2.0", "1.2.0", "is no tag of a version"),
        ("v1.2.0; rm -rf /", "1.2.0", "is no tag of a version"),
    ],
)
def test_a_release_needs_tag_version_and_changelog_to_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tag: str, version: str, reason: str
) -> None:
    write_files(tmp_path, {"CHANGELOG.md": CHANGELOG, "portcfg/__init__.py": f'"""x"""\n\n__version__ = "{version}"\n'})
    code = release(["check", tag], tmp_path)
    told = capsys.readouterr()
    assert (code, reason in told.err) == (1 if reason else 0, True)
    assert told.out == ("" if reason else f"{version}\n")


def test_the_notes_are_the_changelog_s_own_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_files(tmp_path, {"CHANGELOG.md": CHANGELOG})
    assert release(["notes", "v1.2.0"], tmp_path) == 0
    assert capsys.readouterr().out == "### Added\n- A thing.\n"


def test_sums_are_those_that_sha256sum_checks(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    assert release(["sums", str(built.wheel.parent)]) == 0
    (built.wheel.parent.parent / "SHA256SUMS").write_text(capsys.readouterr().out, encoding="utf-8")
    done = run("sha256sum", "--check", "--strict", "../SHA256SUMS", cwd=built.wheel.parent)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.splitlines()) == {f"{WHEEL}: OK", f"{SDIST}: OK"}
