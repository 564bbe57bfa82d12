"""init: from nothing to the first plan in three commands, and nothing of anybody's written over."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from portcfg import __version__
from portcfg.cli.main import main
from portcfg.errors import PortcfgError
from portcfg.init.placing import place
from portcfg.pipeline import read_specs
from tests.support import write_files

Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in an empty folder, without a terminal."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(main, list(args))


def tree(folder: Path) -> dict[str, str]:
    """Every file's text, and where every link leads; what links lead to is not looked at."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[path.relative_to(folder).as_posix()] = f"-> {path.readlink()}"
        elif path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
    return found


def test_three_commands_from_nothing_to_the_first_plan(tmp_path: Path) -> None:
    script = "portcfg init my-portal --example cursor\ncd my-portal\nportcfg plan --env local\n"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env={"PATH": path, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Plan: 9 to create" in done.stdout
    assert "  cd my-portal\n  portcfg plan --env local" in done.stderr


@pytest.mark.parametrize(("example", "resources"), [((), 0), (("blueprint",), 1), (("cursor",), 9)])
def test_what_it_makes_is_valid(cli: Cli, example: tuple[str, ...], resources: int) -> None:
    flags = ["--example", *example] if example else []
    done = cli("init", *flags, "--env", "staging", "--env", "production")
    assert done.exit_code == 0, done.output
    for environment in ("", "staging", "production"):
        checked = cli("validate", "--env", environment, "--fail-on", "warning" if example else "error")
        assert checked.exit_code == 0, checked.output
        assert f"{resources} resource(s) checked: 0 error(s)" in checked.stdout


@pytest.mark.parametrize("flags", [(), ("--example", "cursor", "--env", "staging"), ("--no-github",)])
def test_a_second_run_has_nothing_to_do(cli: Cli, tmp_path: Path, flags: tuple[str, ...]) -> None:
    cli("init", *flags)
    before = tree(tmp_path)
    again = cli("init", *flags)
    assert (again.exit_code, again.stdout, again.stderr) == (0, "nothing to do\n", "")
    assert tree(tmp_path) == before


def test_what_was_deleted_is_made_anew_and_nothing_else(cli: Cli, tmp_path: Path) -> None:
    cli("init")
    before = tree(tmp_path)
    Path(".pre-commit-config.yaml").unlink()
    assert cli("init").stdout == "made  .pre-commit-config.yaml\n1 file(s) made\n"
    assert tree(tmp_path) == before


EXISTING = {
    "README.md": "ours\n",
    ".gitignore": "*.tmp\n",
    ".vscode/settings.json": "{} // ours\n",
    "specs/portcfg.yaml": "version: 1\nvars: {org: ours, cents: charged}\n",
    "specs/blueprints/service.yaml": "title: Service\nschema: {properties: {}}\n",
    ".github/workflows/validate-plan.yml": "on: push\n",
    ".github/dependabot.yaml": "version: 2\n",
    "CODEOWNERS": "* @ours\n",
}


def test_an_existing_repo_keeps_all_that_it_has_and_hears_of_it(cli: Cli, tmp_path: Path) -> None:
    write_files(tmp_path, EXISTING)
    done = cli("init", "--example", "cursor", "--env", "staging")
    assert done.exit_code == 0
    made = tree(tmp_path)
    assert {name: made[name] for name in EXISTING} == EXISTING
    kept = re.findall(r"^kept  (\S+) \(is otherwise than init makes it\)$", done.stdout, re.MULTILINE)
    assert sorted(kept) == sorted(
        set(EXISTING) - {"specs/blueprints/service.yaml", ".github/dependabot.yaml", "CODEOWNERS"}
    )
    assert "portcfg schema --out .vscode/schemas --vscode" in done.stderr
    assert "kept  CODEOWNERS (in the place of .github/CODEOWNERS)" in done.stdout
    # A file of the same name in .github would take the place of theirs.
    assert ".github/CODEOWNERS" not in made
    assert ".github/dependabot.yml" not in made
    assert not [name for name in made if name.endswith(".gitkeep")]


def test_a_kept_project_file_is_told_what_it_lacks_and_then_works(cli: Cli, tmp_path: Path) -> None:
    write_files(tmp_path, EXISTING)
    told = cli("init", "--example", "cursor", "--env", "staging").stderr
    lines = re.findall(r"^      (vars|external|environments): (\{.*\})$", told, re.MULTILINE)
    needed = {key: json.loads(value) for key, value in lines}
    assert needed.keys() == {"vars", "external", "environments"}
    assert "org" not in needed["vars"]
    own = yaml.safe_load(EXISTING["specs/portcfg.yaml"])
    needed["vars"] |= own["vars"]
    Path("specs/portcfg.yaml").write_text(json.dumps({**own, **needed}), encoding="utf-8")
    assert cli("validate", "--env", "staging").exit_code == 0
    assert "needs this" not in cli("init", "--example", "cursor", "--env", "staging").stderr


@pytest.mark.parametrize("name", ["readme.md", "README.rst", "README", "docs/README.md"])
def test_one_readme_is_enough(cli: Cli, tmp_path: Path, name: str) -> None:
    write_files(tmp_path, {name: "ours\n"})
    assert f"kept  {name} (in the place of README.md)" in cli("init").stdout
    assert not (tmp_path / "README.md").exists()


@pytest.mark.parametrize("name", ["two words", "Übersicht Ω", "it's", "-dash"])
def test_folders_of_any_name(cli: Cli, tmp_path: Path, name: str) -> None:
    done = cli("init", "--example", "blueprint", "--", name)
    assert done.exit_code == 0, done.output
    assert (tmp_path / name / "specs" / "portcfg.yaml").is_file()
    (line,) = re.findall(r"^  (cd .*)$", done.stderr, re.MULTILINE)
    checked = subprocess.run(
        ["bash", "-euc", f"{line} && pwd"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert checked.stdout.strip() == str(tmp_path / name)


def test_below_the_root_of_a_repository_nothing_that_is_only_read_there(cli: Cli, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    below = tmp_path / "deep" / "portal"
    done = cli("init", str(below))
    assert done.exit_code == 0
    assert f"root of the repository, which is {tmp_path}" in done.stderr
    assert "`git init`" in done.stderr
    made = tree(below)
    assert "specs/portcfg.yaml" in made
    assert not [name for name in made if name.startswith((".github/", ".pre-commit", ".gitattributes"))]
    refused = cli("init", "--github", str(tmp_path / "other"))
    assert refused.exit_code == 64
    assert not (tmp_path / "other").exists()
    assert (cli("init").exit_code, (tmp_path / ".github").is_dir()) == (0, True)
    subprocess.run(["git", "init", "-q", str(below)], check=True)
    assert "made  .github/workflows/apply.yml" in cli("init", str(below)).stdout


def test_no_github_means_none(cli: Cli, tmp_path: Path) -> None:
    assert cli("init", "--no-github").exit_code == 0
    assert not (tmp_path / ".github").exists()
    assert (tmp_path / ".pre-commit-config.yaml").is_file()


# What is there -> the paths that are then left out, and why.
ODD: Mapping[str, tuple[Callable[[Path, Path], None], str, str]] = {
    "a folder that is a link out": (
        lambda root, other: (root / ".github").symlink_to(other),
        ".github/",
        ".github is a link out of the folder",
    ),
    "specs that are a link out": (
        lambda root, other: (root / "specs").symlink_to(other),
        "specs/",
        "specs is a link out of the folder",
    ),
    "a file that is a link out": (
        lambda root, other: (root / "README.md").symlink_to(other / "kept.txt"),
        "README.md",
        "is a link",
    ),
    "a link to nothing": (
        lambda root, other: (root / "README.md").symlink_to(other / "absent.txt"),
        "README.md",
        "is a link",
    ),
    "a folder that is a link to nothing": (
        lambda root, other: (root / ".vscode").symlink_to(other / "absent"),
        ".vscode/",
        ".vscode is a link out of the folder",
    ),
    "a file in the place of a folder": (
        lambda root, other: (root / ".vscode").write_text("x", encoding="utf-8"),
        ".vscode/",
        ".vscode is no folder",
    ),
    "a folder in the place of a file": (
        lambda root, other: (root / "README.md").mkdir(),
        "README.md",
        "is otherwise than init makes it",
    ),
}


@pytest.mark.parametrize("odd", ODD)
def test_nothing_is_written_through_what_is_odd(cli: Cli, tmp_path: Path, odd: str) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    write_files(other, {"kept.txt": "theirs\n"})
    root.mkdir()
    prepare, left_out, why = ODD[odd]
    prepare(root, other)
    done = cli("init", "root", "--example", "cursor")
    assert done.exit_code == 0, done.output
    assert tree(other) == {"kept.txt": "theirs\n"}
    told = re.findall(r"^kept  (.*) \((.*)\)$", done.stdout, re.MULTILINE)
    assert told
    assert {reason for _, reason in told} == {why}
    assert all(path.startswith(left_out) for path, _ in told)
    assert f"made  {left_out}" not in done.stdout


def test_a_folder_that_is_a_link_inside_is_used(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "portal").mkdir()
    (tmp_path / "specs").symlink_to("portal")
    assert cli("init", "--example", "blueprint").exit_code == 0
    assert (tmp_path / "portal" / "blueprints" / "first_example.yaml").is_file()


def test_a_name_with_control_characters_does_not_reach_the_terminal(cli: Cli, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "a\x1b[31mb")], check=True)
    done = cli("init", "a\x1b[31mb/below")
    assert done.exit_code == 0
    assert "\x1b" not in done.output


def test_a_folder_that_cannot_be_written_is_an_error_and_no_bug(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    done = cli("init", "file")
    assert done.exit_code == 1
    assert "file can't be made: File exists" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "read only"
    folder.mkdir(mode=0o555)
    command = [sys.executable, "-m", "portcfg", "init", str(folder)]
    if os.getuid() == 0:
        # Root without its powers.
        powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        if not shutil.which("setpriv") or subprocess.run([*powerless, "true"], capture_output=True).returncode:
            pytest.skip("root may write everywhere, and can't be kept from it here")
        command = [*powerless, *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "can't be made: Permission denied" in done.stderr
    assert str(folder) in done.stderr
    assert list(folder.iterdir()) == []


def test_a_disk_that_is_full_leaves_no_half_file(cli: Cli, tmp_path: Path) -> None:
    """Here by a limit on the size of files, which some of the workflows are over."""
    script = 'ulimit -f 4; exec "$0" -m portcfg init new'
    done = subprocess.run(["bash", "-c", script, sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "can't be made: File too large" in done.stderr
    made = tree(tmp_path / "new")
    assert made
    assert cli("init", "new").exit_code == 0
    whole = tree(tmp_path / "new")
    assert len(whole) > len(made)
    assert {name: whole[name] for name in made} == made
    assert cli("init", "new").stdout == "nothing to do\n"


@pytest.mark.parametrize("link", [False, True])
def test_what_somebody_makes_meanwhile_is_theirs(tmp_path: Path, link: bool) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs", encoding="utf-8")
    if link:
        (tmp_path / "new").symlink_to(theirs)
    with pytest.raises(PortcfgError, match="can't be made: File exists"):
        list(place(tmp_path, {"new" if link else "theirs": "ours"}))
    assert theirs.read_text(encoding="utf-8") == "theirs"
    assert (tmp_path / "new").is_symlink() is link


@pytest.mark.parametrize("name", ["", "a b", "1st", "true", "null", "local", "x: y", "../up", "é", "x" * 101])
def test_what_cannot_name_an_environment_is_refused_before_anything_is_made(
    cli: Cli, tmp_path: Path, name: str
) -> None:
    done = cli("init", "--env", name)
    assert done.exit_code == 64
    assert tree(tmp_path) == {}


def test_the_environments_of_an_example_stay_beside_those_asked_for(cli: Cli) -> None:
    cli("init", "--example", "cursor", "--env", "staging", "--env", "production", "--env", "staging")
    project = read_specs(Path("specs"), "staging").project
    assert set(project.environments) == {"local", "production", "staging"}


def test_editors_find_the_schemas(cli: Cli) -> None:
    cli("init")
    settings = json.loads(Path(".vscode/settings.json").read_text(encoding="utf-8"))
    named = [*settings["yaml.schemas"], *(each["url"] for each in settings["json.schemas"])]
    assert named
    assert all(json.loads(Path(name).read_text(encoding="utf-8"))["x-portcfg-version"] == __version__ for name in named)


def test_the_hook_is_one_that_pre_commit_takes_and_of_this_version(cli: Cli) -> None:
    cli("init")
    (repo,) = yaml.safe_load(Path(".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repo["repo"] == "local"
    (hook,) = repo["hooks"]
    assert hook["additional_dependencies"] == [f"portcfg=={__version__}"]
    assert {"id", "name", "entry", "language"} <= hook.keys()
    done = subprocess.run([sys.executable, "-m", *hook["entry"].split()], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


FLAGS = [(), ("--env", "staging", "--env", "production"), ("--example", "cursor"), ("--no-github",)]


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_the_steps_of_the_readme_are_whole(cli: Cli, flags: tuple[str, ...]) -> None:
    cli("init", *flags)
    text = Path("README.md").read_text(encoding="utf-8")
    assert not re.search(r"@[A-Z_]+@", text)
    assert ("gh secret set" in text) is ("--no-github" not in flags)
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        subprocess.run(["bash", "-n", "-c", block], check=True)
    for name in re.findall(r"`([\w-]+\.yml)`", text):
        assert Path(".github/workflows", name).is_file(), name


@pytest.mark.parametrize("flags", [("--example", "cursor"), ("--example", "cursor", "--env", "a", "--env", "b")])
def test_the_readme_sets_the_secrets_that_the_workflows_read(cli: Cli, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Each environment that a job is in gets the secrets of that job; what is optional, docs/github.md tells."""
    cli("init", *flags)
    names = [flags[index + 1] for index, flag in enumerate(flags) if flag == "--env"]
    text = Path("README.md").read_text(encoding="utf-8")
    looped = re.findall(r"^for name in (.*); do$", text, re.MULTILINE)[0].split()
    for file in Path(".github/workflows").iterdir():
        for job in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].values():
            wanted = set(re.findall(r"secrets\.(\w+)", json.dumps(job))) - {"PORTCFG_PLAN_KEY", "CURSOR_PRIVACY_KEY"}
            several, one = re.fullmatch(
                r"\$\{\{ matrix\.environment && format\('([\w-]+)-\{0\}', matrix\.environment\) \|\| '([\w-]*)' \}\}",
                job.get("environment", "${{ matrix.environment && format('none-{0}', matrix.environment) || '' }}"),
            ).groups()
            for environment in [f"{several}-{name}" for name in names] or [one]:
                assert not wanted or not environment or environment in looped, f"{file.name}: {environment}"
                for secret in wanted - {"PORT_CLIENT_ID", "PORT_CLIENT_SECRET"}:
                    assert f"gh secret set {secret} --env {environment}\n" in text
    assert ('PORT_ENVIRONMENTS --body \'["a", "b"]\'' in text) is bool(names)
    # Else a branch's `base_url` says where credentials go, and whoever may edit comments what counts as reviewed.
    where = '--env "$name" ' if names else ""
    assert f"gh variable set PORT_BASE_URL {where}--body https://api.port.io\n" in text
    assert "gh secret set PORTCFG_PLAN_KEY --body" in text


@pytest.mark.parametrize("names", [(), ("a",), ("a", "b")], ids=",".join)
def test_the_first_apply_of_several_environments_is_started_for_each(cli: Cli, names: tuple[str, ...]) -> None:
    """The first one stops, and what applies it by its digest is for it alone."""
    cli("init", *(part for name in names for part in ("--env", name)))
    text = Path("README.md").read_text(encoding="utf-8")
    assert ("run this again for the next one" in text) is (len(names) > 1)


def test_the_readme_speaks_of_syncs_only_where_there_is_one(cli: Cli) -> None:
    cli("init", "--env", "a")
    assert "sync" not in Path("README.md").read_text(encoding="utf-8")
    Path("README.md").unlink()
    cli("init")
    assert "sync" not in Path("README.md").read_text(encoding="utf-8")


def test_the_workflows_install_portcfg_of_this_version(cli: Cli) -> None:
    cli("init", "--example", "cursor")
    workflows = {path.name: path.read_text(encoding="utf-8") for path in Path(".github/workflows").iterdir()}
    names = ("validate-plan", "comment-fork", "apply", "drift", "sync", "code-scanning")
    assert workflows.keys() == {f"{name}.yml" for name in names}
    for name, text in workflows.items():
        (installed,) = re.findall(r"^  PORTCFG_PACKAGE: (.*)$", text, re.MULTILINE)
        default = re.sub(r"\$\{\{ inputs\.package \|\| '(.*)' \}\}", r"\1", installed)
        assert re.fullmatch(rf"portcfg(\[emulator\])?=={re.escape(__version__)}", default), name
        assert set(re.findall(r"==([\w.]+)\b", text)) == {__version__}, name
        assert not re.findall(r"(?<!portcfg's )docs/", text), name


def test_a_sync_is_scheduled_only_where_there_is_something_to_sync(cli: Cli, tmp_path: Path) -> None:
    cli("init", "--example", "blueprint")
    sync = tmp_path / ".github" / "workflows" / "sync.yml"
    assert not sync.exists()
    assert "sync.yml" not in (tmp_path / "README.md").read_text(encoding="utf-8")
    write_files(tmp_path, {"specs/mappings/ours.yaml": "x: 1\n"})
    cli("init")
    assert sync.is_file()


def test_github_s_files_pass_the_linters_of_the_field(cli: Cli, tmp_path: Path) -> None:
    cli("init", "--example", "cursor")
    tools = Path(sys.executable).parent
    workflows = sorted((tmp_path / ".github" / "workflows").iterdir())
    for command in (
        [tools / "zizmor", "--offline", "--no-progress", tmp_path],
        [tools / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows],
        [tools / "check-jsonschema", "--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"],
    ):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_versions_are_named_where_they_are_needed(cli: Cli, tmp_path: Path) -> None:
    cli("init", "--example", "cursor")
    assert f"portcfg[emulator]=={__version__}" in tree(tmp_path)["README.md"]
