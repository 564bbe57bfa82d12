"""test: run mappings over recorded answers and compare the entities with those that are expected."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from portcfg.cli.common import checked_specs, format_option, specs_options
from portcfg.cli.validate import from_workspace
from portcfg.errors import EXIT_ERROR, EXIT_OK
from portcfg.findings import Findings
from portcfg.mapping_tests.case import FOLDER, case_folders
from portcfg.mapping_tests.compare import Result
from portcfg.mapping_tests.run import Bench
from portcfg.render.mapping_tests import problems_of, tests_github, tests_json, tests_text
from portcfg.settings import Settings


@click.command("test")
@specs_options
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--cases",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder of the cases; tests/mappings beside the specs folder where absent.",
)
@click.option("--update", is_flag=True, help="Show what differs, and write it into the expected files.")
@click.option("--coverage", is_flag=True, help="A line for each property that the mappings write.")
@format_option("text", "json", "github")
def test_command(
    settings: Settings, names: tuple[str, ...], cases: Path | None, update: bool, coverage: bool, format_: str
) -> int:
    """Run mappings over recorded answers of their sources, and compare what they make with what is expected.

    Needs neither a network nor Port. tests/mappings/NAME/ holds a case: `case.yaml` and the answers that it names, and
    `expected.yaml`. Exits with 1 where a case fails: a field differs, an answer is missing, or one is never asked for.

    \b
    Examples:
      portcfg test
      portcfg test cursor-people --update
      portcfg test --coverage
      portcfg sync cursor --days 1 --record tests/mappings/cursor-live
    """
    checked_specs(settings)
    root = cases or settings.specs.resolve().parent.joinpath(FOLDER)
    root = root if cases or not root.is_relative_to(Path.cwd()) else root.relative_to(Path.cwd())
    bench = Bench(settings.specs, settings.environment)
    results = [bench.run(folder, update) for folder in case_folders(root, names)]
    click.echo(_output(settings, results, coverage, format_))
    return EXIT_OK if all(result.passed for result in results) else EXIT_ERROR


def _output(settings: Settings, results: Sequence[Result], coverage: bool, format_: str) -> str:
    if format_ == "json":
        return tests_json(results)
    if format_ == "text":
        return tests_text(results, coverage)
    return tests_github(results, from_workspace(Findings((*problems_of(results),)), settings).problems, coverage)
