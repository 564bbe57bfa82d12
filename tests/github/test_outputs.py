"""Step outputs, summaries and annotations: no value can say more than itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from portcfg.github.outputs import SUMMARY_BYTES, annotation, write_outputs, write_summary
from tests.github.stand_in import StandIn
from tests.github.support import Job


@pytest.mark.parametrize(
    "value", ["", "plain", "a=b", "two\nlines", "x\nEOF\nhas-changes=true\n", "ünïcode", "<<EOF", "end_x\nname<<y"]
)
def test_an_output_is_read_back_as_it_was(tmp_path: Path, github: StandIn, value: str) -> None:
    job = Job(github, tmp_path)
    environ = {"GITHUB_OUTPUT": str(job.output_file)}
    write_outputs(environ, {"first": value})
    write_outputs(environ, {"second": "2"})
    assert job.outputs == {"first": value, "second": "2"}


def test_without_files_nothing_is_written() -> None:
    write_outputs({}, {"a": "b"})
    write_summary({"GITHUB_STEP_SUMMARY": ""}, "text")


def test_a_summary_never_grows_over_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    environ = {"GITHUB_STEP_SUMMARY": str(file)}
    write_summary(environ, "ü" * 400_000)
    assert "ü" in file.read_text()
    write_summary(environ, "ä" * 400_000)
    assert file.stat().st_size <= SUMMARY_BYTES
    assert file.read_text().endswith("_The rest doesn't fit into a job summary._\n")
    write_summary(environ, "more")
    assert file.stat().st_size <= SUMMARY_BYTES


@pytest.mark.parametrize("text", ["a\n::error::b", "##[error]b", "100%\r\n", "::stop-commands::x"])
def test_an_annotation_is_one_line_and_one_command(text: str) -> None:
    line = annotation("warning", "a:b,c\n", text)
    assert line.startswith("::warning title=a%3Ab%2Cc%0A::")
    assert "\n" not in line
    assert "\r" not in line
    assert "##[" not in line
