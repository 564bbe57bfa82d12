"""What validate prints in each format, and when it fails: severities, files, baselines."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from portcfg.errors import Problem
from portcfg.findings import Findings, Ignored
from portcfg.render.problems import MARKDOWN_LIMIT, problems_markdown, problems_text
from portcfg.render.problems_github import problems_github
from portcfg.render.problems_sarif import problems_sarif
from portcfg.render.source import excerpt
from tests.support import portcfg_beside, write_files

Cli = Callable[..., Result]
# An error, a warning (a file in no known folder) and an info (an ignore in vain).
FILES = {
    "blueprints/a.yaml": "title: A\nschema:\n  properties: {}\n  required: [tier]\n",
    "blueprints/b.yaml": "title: B  # portcfg: ignore PC202 (in vain)\nschema:\n  properties: {}\n",
    "extra.yaml": "x: 1\n",
}
PLACE = "specs/blueprints/a.yaml:4:14"
HOSTILE = "x\x1b[31m\n::error::evil ##[add-mask]y `@all` | <img src=x> [a](http://evil) \u202e100%"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run portcfg beside a specs folder with one finding of each severity."""
    monkeypatch.chdir(tmp_path)
    return portcfg_beside(tmp_path, FILES)


def ids(done: Result) -> list[str]:
    return [problem["id"] for problem in json.loads(done.stdout)["problems"]]


def problem(severity: str, number: int = 1, message: str = "wrong", hint: str = "") -> Problem:
    return Problem("specs/a.yaml", number, 1, "PC202", message, hint, severity)


def test_a_finding_is_shown_with_its_line_and_what_to_do(cli: Cli) -> None:
    assert cli("validate").stdout.splitlines()[:4] == [
        f"{PLACE}: error PC202: required names 'tier', which is no property",
        "     4 |   required: [tier]",
        "       |              ^^^^",
        "    help: the properties are: none",
    ]


def test_the_last_line_counts_what_is_shown_and_what_isnt(cli: Cli) -> None:
    Path("specs/blueprints/a.yaml").write_text(
        FILES["blueprints/a.yaml"].replace("]", "]  # portcfg: ignore PC202 (x)")
    )
    last = cli("validate").stdout.splitlines()[-1]
    assert last == "2 resource(s) checked: 0 error(s), 1 warning(s), 1 info(s), 1 ignored"
    quiet = cli("validate", "--quiet").stdout
    assert "PC792" not in quiet
    assert "PC008" in quiet
    assert "1 info(s)" in quiet


@pytest.mark.parametrize(
    ("fail_on", "removed", "code"),
    [
        ("error", [], 1),
        ("error", ["blueprints/a.yaml"], 0),
        ("warning", ["blueprints/a.yaml"], 1),
        ("warning", ["blueprints/a.yaml", "extra.yaml"], 0),
        ("info", ["blueprints/a.yaml", "extra.yaml"], 1),
        ("info", ["blueprints/a.yaml", "extra.yaml", "blueprints/b.yaml"], 0),
    ],
)
def test_fail_on_is_the_least_that_fails(cli: Cli, fail_on: str, removed: Sequence[str], code: int) -> None:
    for name in removed:
        (Path("specs") / name).unlink()
    write_files(Path("specs"), {"blueprints/c.yaml": "title: C\nschema: {properties: {}}\n"})
    assert cli("validate", "--fail-on", fail_on).exit_code == code


def test_no_colour_reaches_what_is_no_terminal(cli: Cli) -> None:
    assert "\x1b" not in cli("validate").stdout
    findings = Findings((problem("error"),), texts={"specs/a.yaml": "abc"})
    assert "\x1b[1;31merror PC202\x1b[0m" in problems_text(findings, colour=True)


@pytest.mark.parametrize(
    ("line", "column", "width", "shown"),
    [
        pytest.param("  key: value", 3, 40, ("  key: value", "  ^^^"), id="a key"),
        pytest.param("key: 'some text' # x", 6, 40, ("key: 'some text' # x", "     ^^^^^^^^^^^"), id="quoted text"),
        pytest.param("\tkey: 1", 2, 40, ("    key: 1", "    ^^^"), id="a tab"),
        pytest.param("名前: x", 5, 40, ("名前: x", "      ^"), id="wide characters before it"),
        pytest.param("a: 名前", 4, 40, ("a: 名前", "   ^^^^"), id="wide characters below it"),
        pytest.param("e\u0301: x", 5, 40, ("e\u0301: x", "   ^"), id="a combining accent"),
        pytest.param("a\x1b[2Jb: x", 8, 40, ("a\\u001b[2Jb: x", "            ^"), id="an escape sequence"),
        pytest.param("\u202etxt: x", 7, 40, ("\\u202etxt: x", "           ^"), id="a direction override"),
        pytest.param("a: b", 9, 40, ("a: b", "    ^"), id="behind the end"),
        pytest.param("", 1, 40, ("", "^"), id="an empty line"),
        pytest.param("a" * 60, 1, 20, ("a" * 20 + "…", "^" * 21), id="a long word"),
        pytest.param(
            "x " * 50 + "key: " + "y " * 50,
            101,
            30,
            ("…" + "x " * 5 + "key: y y y y y y y …", " " * 11 + "^^^"),
            id="in a long line",
        ),
    ],
)
def test_the_caret_stands_below_the_place(line: str, column: int, width: int, shown: tuple[str, str]) -> None:
    assert excerpt(line, column, width) == shown


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("token: ghp_0123456789abcdefghij0123", "token: ghp_************************"),
        ("x: AbCd0123efGH4567ijKL89mn", "x: AbCd********************"),
        ("url: https://user:pass@example.com/x", "url: https://*********@example.com/x"),
        ("password: hunter22", "password: ********"),
        ("headers: {Authorization: 'Bearer abcdef123'}", "headers: {Authorization: 'Bearer *********'}"),
        ("token_env: EXAMPLE_TOKEN_OF_OURS_2", "token_env: EXAMPLE_TOKEN_OF_OURS_2"),
        ("password: CURSOR_PASSWORD", "password: CURSOR_PASSWORD"),
        ("secret: {type: string}", "secret: {type: string}"),
        ("blueprint: cursor_daily_commit_record_2026", "blueprint: cursor_daily_commit_record_2026"),
        ("input_tokens: .totals.inputTokensOfAllModels", "input_tokens: .totals.inputTokensOfAllModels"),
    ],
)
def test_what_may_be_a_secret_is_not_quoted(line: str, shown: str) -> None:
    assert excerpt(line, 1, 80)[0] == shown


@given(st.text(max_size=120), st.integers(1, 130), st.integers(10, 60))
def test_whatever_the_line_is_it_is_printable_and_as_wide_as_asked(line: str, column: int, width: int) -> None:
    text, carets = excerpt(line, column, width)
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in text + carets)
    wide = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
    # The part before the place is a third of the width in characters, of which each may take six columns.
    assert wide <= max(width, 6 * (width // 3) + 2) + 1
    assert set(carets) <= {" ", "^"}
    assert carets.endswith("^")


def test_lines_behind_unusual_breaks_are_the_right_ones(cli: Cli) -> None:
    body = {"title": "A\u2028B", "schema": {"properties": {}, "required": ["tier"]}}
    Path("specs/blueprints/a.yaml").unlink()
    Path("specs/blueprints/a.json").write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    text = cli("validate").stdout
    assert '|    "tier"' in text
    assert "|    ^^^^^^" in text


def test_hostile_names_act_on_no_terminal_no_comment_and_no_workflow() -> None:
    findings = Findings((problem("error", message=HOSTILE, hint=HOSTILE),) * 12, texts={"specs/a.yaml": HOSTILE})
    text = problems_text(findings)
    assert "\x1b" not in text
    assert "\u202e" not in text
    outside = re.sub(r"`[^`\n]*`", "", problems_markdown(findings))
    assert not {"@", "<", "|", "]("} & set(re.findall(r"@|<|\||\]\(", outside))
    commands = [line for line in problems_github(findings).splitlines() if line.lstrip().startswith("::")]
    assert len(commands) == 11
    assert "##[" not in problems_github(findings)
    assert all("100%25" in line for line in commands[:10])
    assert "](" not in json.loads(problems_sarif(findings))["runs"][0]["results"][0]["message"]["text"]


def test_annotations_stop_at_githubs_limit_and_the_rest_is_summed_up() -> None:
    hints = {"error": "mend it"}
    found = [
        problem(severity, number, hint=hints.get(severity, ""))
        for severity in ("error", "warning", "info")
        for number in range(1, 16)
    ]
    lines = problems_github(Findings(tuple(found))).splitlines()
    commands = [line.split(" ")[0] for line in lines if line.startswith("::")]
    assert [commands.count(name) for name in ("::error", "::warning", "::notice")] == [10, 10, 10]
    (summary,) = [line for line in lines if line.startswith("::notice title=portcfg::")]
    assert "16 more finding(s) than GitHub shows" in summary
    assert "5 error(s), 5 warning(s), 6 info(s)" in summary
    rest = [line for line in lines if line.startswith("- specs/a.yaml:")]
    assert [line.endswith("wrong (mend it)") for line in rest] == [True] * 5 + [False] * 11
    assert all(line.endswith("wrong") for line in rest[5:])


def test_an_annotation_has_its_place_and_escapes(cli: Cli) -> None:
    Path("specs/blueprints/a,b.yaml").write_text("title: [\n")
    done = cli("validate", "--format", "github")
    assert done.exit_code == 1
    assert (
        f"::error file={PLACE.split(':')[0]},line=4,col=14,title=PC202 `required` names what is no property::"
        in done.stdout
    )
    assert "::error file=specs/blueprints/a%2Cb.yaml,line=2,col=1," in done.stdout
    assert "%0Ahelp: the properties are: none" in done.stdout


def sarif_run(done: Result) -> dict[str, Any]:
    log = json.loads(done.stdout)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    return dict(run)


def test_sarif_has_rules_places_and_suppressions(cli: Cli) -> None:
    text = "identifier: c\ntitle: C\nschema:\n  properties: {}\n  required: [x]  # portcfg: ignore PC202 (known)\n"
    write_files(Path("specs"), {"blueprints/my c.yaml": text})
    run = sarif_run(cli("validate", "--format", "sarif"))
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert [rule["id"] for rule in rules] == sorted({result["ruleId"] for result in results})
    (rule,) = [rule for rule in rules if rule["id"] == "PC202"]
    assert re.fullmatch(r"([A-Z][a-z0-9]*)+", rule["name"])
    assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["markdown"]
    for result in results:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        (location,) = result["locations"]
        artifact = location["physicalLocation"]["artifactLocation"]
        assert artifact["uriBaseId"] in run["originalUriBaseIds"]
        assert re.fullmatch(r"specs(/[\w.%-]+)+", artifact["uri"])
    known = [result for result in results if result.get("suppressions")]
    assert [result["suppressions"] for result in known] == [[{"kind": "inSource", "justification": "known"}]]
    (place,) = known[0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "specs/blueprints/my%20c.yaml"
    assert place["logicalLocations"] == [{"fullyQualifiedName": "blueprint/c schema.required[]"}]
    region = next(each for each in results if each["level"] == "error" and not each.get("suppressions"))
    assert region["locations"][0]["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 14, "endColumn": 18}


def test_a_fingerprint_stays_when_lines_move_and_tells_alike_findings_apart(cli: Cli) -> None:
    def prints() -> list[str]:
        return [
            each["partialFingerprints"]["portcfg/v1"]
            for each in sarif_run(cli("validate", "--format", "sarif"))["results"]
        ]

    Path("specs/blueprints/a.yaml").write_text(FILES["blueprints/a.yaml"].replace("[tier]", "[tier, tier]"))
    before = prints()
    assert len(before) == len(set(before))
    Path("specs/blueprints/a.yaml").write_text("\n# moved\n" + Path("specs/blueprints/a.yaml").read_text())
    assert prints() == before


def test_an_absolute_specs_folder_below_here_gives_relative_places(cli: Cli) -> None:
    done = cli("validate", "--specs", str(Path("specs").resolve()), "--format", "json")
    assert {each["file"].split("/")[0] for each in json.loads(done.stdout)["problems"]} == {"specs"}


def test_below_the_root_of_githubs_checkout_files_are_named_from_there(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(Path.cwd().parent))
    below = Path.cwd().name
    assert f"::error file={below}/{PLACE.split(':')[0]},line=4" in cli("validate", "--format", "github").stdout
    location = sarif_run(cli("validate", "--format", "sarif"))["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == f"{below}/{PLACE.split(':')[0]}"
    assert location["region"]["endColumn"] == 18
    assert cli("validate").stdout.startswith(PLACE)


def test_json_counts_and_has_what_is_ignored(cli: Cli) -> None:
    Path("specs/blueprints/a.yaml").write_text(
        FILES["blueprints/a.yaml"].replace("]", "]  # portcfg: ignore PC202 (x)")
    )
    body = json.loads(cli("validate", "--format", "json").stdout)
    assert body["format"] == "portcfg/problems/1"
    assert (body["checked"], body["counts"]["warning"], body["counts"]["ignored"]) == (2, 1, 1)
    assert [(each["id"], each["reason"], each["by"]) for each in body["ignored"]] == [("PC202", "x", "comment")]
    assert body["ignored"][0]["subject"] == "blueprint/a schema.required[]"
    assert [each["subject"] for each in body["problems"] if each["id"] == "PC008"] == ["extra.yaml"]


def test_markdown_has_the_worst_first_and_fits_into_a_comment() -> None:
    found = [*(problem("info", n, "i" * 90) for n in range(700)), problem("error", 900, "the worst")]
    text = problems_markdown(Findings(tuple(found), ignored=(Ignored(problem("error"), "x", "comment"),)))
    assert len(text) < MARKDOWN_LIMIT + 300
    assert text.index("the worst") < text.index("iii")
    assert "more don't fit" in text
    assert "1 ignored" in text


def test_given_files_only_theirs_is_told_though_all_is_read(cli: Cli) -> None:
    text = "title: C\nschema: {properties: {}}\nrelations: {a: {title: A, target: a, many: false, required: false}}\n"
    write_files(Path("specs"), {"blueprints/c.yaml": text})
    done = cli("validate", "--format", "json", "specs/blueprints/c.yaml")
    assert (done.exit_code, ids(done)) == (0, [])
    assert json.loads(done.stdout)["counts"]["elsewhere"] == 3
    assert "3 in other files" in cli("validate", "specs/blueprints/c.yaml").stdout
    both = cli("validate", "--format", "json", str(Path("specs/blueprints/a.yaml").resolve()), "specs/extra.yaml")
    assert (both.exit_code, ids(both)) == (1, ["PC202", "PC008"])
    assert ids(cli("validate", "--format", "json", "specs/blueprints")) == ["PC202", "PC792"]


def test_a_broken_project_file_is_told_whatever_file_was_given(cli: Cli) -> None:
    write_files(Path("specs"), {"portcfg.yaml": "version: 2\n"})
    done = cli("validate", "specs/blueprints/b.yaml")
    assert done.exit_code == 1
    assert "specs/portcfg.yaml:1:1" in done.stdout


def test_files_that_are_no_specs_are_wrong_usage(cli: Cli) -> None:
    Path("other.yaml").write_text("x: 1\n")
    assert cli("validate", "other.yaml").exit_code == 64
    assert cli("validate", "specs/gone.yaml").exit_code == 64


def test_a_baseline_leaves_only_what_is_new(cli: Cli) -> None:
    assert cli("validate", "--write-baseline").exit_code == 0
    baseline = Path("specs/.portcfg-baseline.json")
    assert json.loads(baseline.read_text())["format"] == "portcfg/baseline/1"
    known = cli("validate")
    assert known.exit_code == 0
    assert known.stdout == "2 resource(s) checked: 0 error(s), 0 warning(s), 3 in the baseline\n"
    # Lines above, and items above in the list, don't bring it back; another name is new.
    Path("specs/blueprints/a.yaml").write_text("# new\n" + FILES["blueprints/a.yaml"].replace("[tier]", "[size, tier]"))
    changed = cli("validate", "--format", "json")
    assert changed.exit_code == 1
    assert [each["message"] for each in json.loads(changed.stdout)["problems"]] == [
        "required names 'size', which is no property"
    ]
    assert len(ids(cli("validate", "--no-baseline", "--format", "json"))) == 4


def test_a_plan_tells_no_warning_of_the_baseline_and_is_stopped_by_its_errors(cli: Cli) -> None:
    assert "PC008" in cli("plan", "--env", "local").stderr
    cli("validate", "--write-baseline")
    stopped = cli("plan", "--env", "local")
    assert stopped.exit_code == 1
    assert "PC202" in stopped.stderr
    assert "PC008" not in stopped.stderr
    Path("specs/blueprints/a.yaml").unlink()
    assert "PC008" not in cli("plan", "--env", "local").stdout


def test_a_baseline_counts_what_is_found_several_times(cli: Cli) -> None:
    file = Path("specs/blueprints/a.yaml")
    file.write_text(FILES["blueprints/a.yaml"].replace("[tier]", "[tier, tier]"), encoding="utf-8")
    cli("validate", "--write-baseline")
    assert ids(cli("validate", "--format", "json")) == []
    file.write_text(FILES["blueprints/a.yaml"].replace("[tier]", "[tier, tier, tier]"), encoding="utf-8")
    assert ids(cli("validate", "--format", "json")) == ["PC202"]


def test_a_baseline_says_when_it_can_shrink(cli: Cli) -> None:
    cli("validate", "--write-baseline", "--baseline", "known.json")
    assert not Path("specs/.portcfg-baseline.json").exists()
    Path("specs/extra.yaml").unlink()
    assert "the baseline has 1 more, which are gone" in cli("validate", "--baseline", "known.json").stdout
    assert "gone" not in cli("validate", "--baseline", "known.json", "specs/blueprints").stdout
    cli("validate", "--write-baseline", "--baseline", "known.json")
    assert "gone" not in cli("validate", "--baseline", "known.json").stdout


def test_a_second_finding_of_the_same_kind_is_new(cli: Cli) -> None:
    cli("validate", "--write-baseline")
    Path("specs/blueprints/a.yaml").write_text(FILES["blueprints/a.yaml"].replace("[tier]", "[tier, tier]"))
    found = cli("validate", "--format", "json")
    assert "PC202" in ids(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"format": "portcfg/baseline/9", "findings": []}',
        '{"format": "portcfg/baseline/1", "findings": [1]}',
        "\udcff",
    ],
)
def test_what_is_no_baseline_is_wrong_usage(cli: Cli, text: str) -> None:
    Path("known.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    done = cli("validate", "--baseline", "known.json")
    assert done.exit_code == 64
    assert "baseline" in done.stderr


def test_a_baseline_that_was_named_must_be_there(cli: Cli) -> None:
    done = cli("validate", "--baseline", "gone.json")
    assert done.exit_code == 64
    assert "--write-baseline" in done.stderr


def test_a_baseline_is_of_all_findings(cli: Cli) -> None:
    assert cli("validate", "--write-baseline", "specs/extra.yaml").exit_code == 64
    assert cli("validate", "--write-baseline", "--env", "local").exit_code == 64


def test_an_environment_with_other_variables_is_checked_where_specs_read_them(cli: Cli) -> None:
    files = {
        "portcfg.yaml": """\
            version: 1
            vars: {owner: _team, spare: 1}
            environments: {staging: {vars: {owner: teem, spare: 2}}, production: {vars: {spare: 3}}}
            """,
        "blueprints/a.yaml": "title: A\nschema: {properties: {}}\nrelations: {owner: {target: '${vars.owner}'}}\n",
    }
    write_files(Path("specs"), {name: textwrap.dedent(text) for name, text in files.items()})
    found = json.loads(cli("validate", "--format", "json").stdout)["problems"]
    assert [(each["id"], each["environments"]) for each in found if "teem" in each["message"]] == [
        ("PC702", ["staging"])
    ]


def test_every_environment_is_checked_and_each_finding_told_once(cli: Cli) -> None:
    files = {
        "portcfg.yaml": "version: 1\nenvironments: {staging: {}, production: {}}\n",
        "environments/staging/blueprints/b.yaml": "schema:\n  required: [gone]\n",
        "environments/production/blueprints/b.yaml": "title: Production\n",
        "blueprints/b.yaml": "title: B\nschema:\n  properties: {}\n",
        # Only staging needs this one, so it isn't there in vain.
        "blueprints/d.yaml": "title: D\nschema:\n  properties: {}\n",
        "environments/staging/blueprints/d.yaml": "schema:\n  required: [x]  # portcfg: ignore PC202 (x comes later)\n",
    }
    write_files(Path("specs"), files)
    done = cli("validate", "--format", "json")
    found = [
        (each["file"].removeprefix("specs/"), each["id"], each["environments"])
        for each in json.loads(done.stdout)["problems"]
    ]
    assert found == [
        ("blueprints/a.yaml", "PC202", []),
        ("environments/staging/blueprints/b.yaml", "PC202", ["staging"]),
        ("extra.yaml", "PC008", []),
    ]
    assert "(with --env staging)" in cli("validate").stdout
    # What staging has no need of, others may.
    assert "PC792" not in ids(cli("validate", "--env", "production", "--format", "json"))


def test_a_plan_shows_the_line_of_an_error_and_no_infos(cli: Cli) -> None:
    done = cli("plan", "--env", "local")
    assert done.exit_code == 1
    assert "|   required: [tier]" in done.stderr
    assert "PC792" not in done.stderr
