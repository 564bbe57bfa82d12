"""validate."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from portcfg.baseline import FILE, Key, baseline_text, compared, read_baseline
from portcfg.cli.common import format_option, say, specs_options
from portcfg.errors import EXIT_ERROR, EXIT_OK, Problem, UsageError
from portcfg.findings import SEVERITIES, Findings, Ignored, weighs
from portcfg.ignores import UNUSED
from portcfg.load import ENVIRONMENTS, PROJECT_FILE
from portcfg.model import MISSING
from portcfg.pipeline import Specs, read_specs
from portcfg.project import load_project
from portcfg.render.problems import WIDTH, problems_json, problems_markdown, problems_text
from portcfg.render.problems_github import problems_github
from portcfg.render.problems_sarif import problems_sarif
from portcfg.settings import Settings

FORMATS: dict[str, Callable[[Findings], str]] = {
    "text": problems_text,
    "json": problems_json,
    "markdown": problems_markdown,
    "sarif": problems_sarif,
    "github": problems_github,
}
# GitHub takes paths from the root of the checkout, wherever the job's step runs.
ON_GITHUB = ("sarif", "github")


@click.command("validate")
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path))
@specs_options
@format_option(*FORMATS)
@click.option(
    "--fail-on",
    type=click.Choice(list(reversed(SEVERITIES))),
    default="error",
    show_default=True,
    help="The least that makes the exit code 1.",
)
@click.option("--quiet", "-q", is_flag=True, help="Don't show infos, only count them.")
@click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Findings that are known; {FILE} of the specs folder where it is there.",
)
@click.option("--write-baseline", is_flag=True, help="Make all that is found now the baseline.")
@click.option("--no-baseline", is_flag=True, help="Show the findings of the baseline, too.")
def validate_command(
    settings: Settings,
    files: tuple[Path, ...],
    format_: str,
    fail_on: str,
    quiet: bool,
    baseline: Path | None,
    write_baseline: bool,
    no_baseline: bool,
) -> int:
    """Check the specs without a network. Reports every mistake with file, line and column; exits 1 for an error.

    All specs are read, in every environment that says something otherwise. With FILES (or folders), only what is found
    there is told. `portcfg explain PC304` says what a finding means and how to ignore one that is meant.

    \b
    Examples:
      portcfg validate
      portcfg validate --fail-on warning --format github
      portcfg validate specs/blueprints/service.yaml
      portcfg validate --write-baseline
    """
    settings = below_here(settings)
    file = baseline or settings.specs / FILE
    findings = of_environments(settings)
    if write_baseline:
        if settings.environment or files or no_baseline:
            raise UsageError("--write-baseline is for all findings", hint="leave out FILES, --env and --no-baseline")
        file.write_text(baseline_text(findings.problems), encoding="utf-8")
        say(f"wrote {file}: {len(findings.problems)} finding(s)")
        return EXIT_OK
    if not no_baseline and (baseline or file.is_file()):
        findings = less_known(findings, read_baseline(file), whole=not (settings.environment or files))
    if files:
        findings = _only_in(findings, files, settings.specs)
    told = from_workspace(findings, settings) if format_ in ON_GITHUB else findings
    click.echo(_output(settings, format_, quiet)(told))
    return EXIT_ERROR if any(weighs(problem, fail_on) for problem in findings.problems) else EXIT_OK


def below_here(settings: Settings) -> Settings:
    """Settings whose folder is named from here: annotations and code scanning take no other paths."""
    here, specs = Path.cwd(), settings.specs
    return replace(settings, specs=specs.relative_to(here)) if specs.is_relative_to(here) else settings


def _output(settings: Settings, format_: str, quiet: bool) -> Callable[[Findings], str]:
    if format_ != "text":
        return FORMATS[format_]
    terminal = sys.stdout.isatty()
    colour = terminal and not settings.environ.get("NO_COLOR") and settings.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size().columns if terminal else WIDTH
    return partial(problems_text, colour=colour, width=width, least="warning" if quiet else "info")


def from_workspace(findings: Findings, settings: Settings) -> Findings:
    """Findings whose files are named from the root of GitHub's checkout, where this runs below it."""
    here, workspace = Path.cwd(), Path(settings.environ.get("GITHUB_WORKSPACE") or "/").resolve()
    if workspace == Path("/") or here == workspace or not here.is_relative_to(workspace):
        return findings
    below = here.relative_to(workspace)

    def moved(problem: Problem) -> Problem:
        return replace(problem, file=str(below / problem.file))

    return replace(
        findings,
        problems=tuple(map(moved, findings.problems)),
        ignored=tuple(replace(each, problem=moved(each.problem)) for each in findings.ignored),
        texts={str(below / file): text for file, text in findings.texts.items()},
    )


def of_environments(settings: Settings) -> Findings:
    """What is found in the specs; without --env, also as every environment has them that says something otherwise."""
    specs = read_specs(settings.specs, settings.environment)
    read = {settings.environment: specs}
    for name in specs.project.environments if not settings.environment else ():
        if (settings.specs / ENVIRONMENTS / name).is_dir() or _sets_otherwise(settings.specs, name, specs):
            read[name] = read_specs(settings.specs, name)
    texts = {file: text for each in read.values() for file, text in each.texts.items()}
    ignored: set[Ignored] = {each for one in read.values() for each in one.ignored}
    return Findings(_merged(read, settings.environment), len(specs.documents), (*sorted(ignored),), texts=texts)


def _sets_otherwise(root: Path, environment: str, specs: Specs) -> bool:
    """Whether an environment gives a variable that some spec may read another value."""
    own, shared = load_project(root, environment)[0].variables, specs.project.variables
    changed = [name for name in {*own, *shared} if own.get(name, MISSING) != shared.get(name, MISSING)]
    texts = [text for file, text in specs.texts.items() if file != specs.project.file]
    return any(name in text for text in texts for name in changed)


def _merged(read: dict[str, Specs], first: str) -> tuple[Problem, ...]:
    """Each finding once; what the specs without an environment don't have, with the environments that do.

    An ignore that one reading needs isn't there in vain.
    """
    found = {problem: problem for problem in read[first].problems}
    shown: dict[Problem, list[str]] = {}
    for name, specs in read.items():
        for problem in specs.problems:
            if problem not in found or problem in shown:
                shown.setdefault(problem, []).append(name)
                found[problem] = replace(problem, environments=tuple(shown[problem]))
    # One environment alone can't tell what another one needs.
    unused = {problem for problem in found if problem.id == UNUSED and not first and _in_all(problem, read)}
    return tuple(sorted(problem for problem in found.values() if problem.id != UNUSED or problem in unused))


def _in_all(problem: Problem, read: dict[str, Specs]) -> bool:
    return all(problem in specs.problems for specs in read.values() if problem.file in specs.texts)


def less_known(findings: Findings, known: Counter[Key], whole: bool) -> Findings:
    """The findings that the baseline doesn't have. What it has in vain is known only when everything was read."""
    result = compared(findings.problems, known)
    return replace(findings, problems=result.new, baseline=result.known, gone=result.gone if whole else 0)


def _only_in(findings: Findings, files: Sequence[Path], specs: Path) -> Findings:
    """The findings in these files; an error of the project file keeps others from being found, so it stays."""
    inside = [file.resolve() for file in files]
    root = specs.resolve()
    strangers = [str(file) for file, path in zip(files, inside, strict=True) if not path.is_relative_to(root)]
    if strangers:
        raise UsageError(f"not in {specs}: {', '.join(strangers)}", hint="--specs names the specs folder")
    found = {problem.file for problem in findings.problems}
    wanted = {file for file in found if any(Path(file).resolve().is_relative_to(each) for each in inside)}
    project = str(specs / PROJECT_FILE)
    problems = tuple(
        problem
        for problem in findings.problems
        if problem.file in wanted or (problem.file == project and problem.severity == "error")
    )
    return replace(findings, problems=problems, elsewhere=len(findings.problems) - len(problems))
