"""`portcfg test` and `portcfg sync --record` from the command line: cases that pass, fail, and are made."""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from portcfg.cli.embedded import CURSOR_KEY, serving_cursor, stand_in_people
from portcfg.cli.main import main
from portcfg.emulator.cursor_app import cursor_app
from portcfg.emulator.cursor_company import synthetic_company
from portcfg.emulator.cursor_organization import ORGANIZATION, TEAM_IDS
from portcfg.emulator.server import serving
from portcfg.errors import EXIT_ERROR, EXIT_INCOMPLETE, EXIT_OK, EXIT_USAGE
from portcfg.sync.disguise import Disguise
from portcfg.sync.source import SourceAnswer, SourceClient
from portcfg.yamlread import dump
from tests.support import REPOSITORY, write_files
from tests.sync.test_tracker_example import KEY as TRACKER_KEY
from tests.sync.test_tracker_example import SPECS as TRACKER_SPECS
from tests.sync.test_tracker_example import Tracker

CASES = REPOSITORY / "tests" / "mappings"
USERS, SEED = 12, 3


def portcfg(*args: str, **env: str) -> Result:
    return CliRunner().invoke(main, list(args), env=env)


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped specs with their cases, as a repo of one's own."""
    shutil.copytree(REPOSITORY / "specs", tmp_path / "specs")
    shutil.copytree(CASES, tmp_path / "tests" / "mappings")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tests" / "mappings"


SMALL = {
    "specs/portcfg.yaml": "version: 1\nvars: {org: acme}\n",
    "specs/blueprints/thing.yaml": dump(
        {
            "identifier": "thing",
            "title": "Thing",
            "schema": {"properties": {"size": {"type": "number"}, "note": {"type": "string"}}, "required": ["size"]},
        }
    ),
    "specs/mappings/things.yaml": dump(
        {
            "source": {"base_url": "https://things.example.com"},
            "streams": {
                "things": {
                    "path": "/things",
                    "data_path": ".items",
                    "pagination": {"type": "page", "size": "size", "page_size": 2, "total": ".total"},
                }
            },
            "resources": [
                {
                    "kind": "things",
                    "selector": {"stream": "things", "query": "true"},
                    "port": {
                        "entity": {
                            "mappings": {
                                "identifier": '$org + "-" + .id',
                                "blueprint": '"thing"',
                                "properties": {"size": ".size", "note": ".note"},
                            }
                        }
                    },
                }
            ],
            "vars": {"org": "${vars.org}"},
        }
    ),
    "tests/mappings/small/case.yaml": """mapping: things
answers:
  GET /things:
    - json: {items: [{id: a, size: 1}, {id: b, size: big}], total: 3}
    - last.json
""",
    "tests/mappings/small/last.json": '{"items": [{"id": "c", "size": 2.50, "note": "last"}], "total": 3}',
    "tests/mappings/small/expected.yaml": """# All sizes are in metres.
entities:
  thing:
    # The smallest there is.
    acme-a:
      properties:
        size: 1  # metres
    acme-c:
      properties: {size: 2.5, note: last}
# A size in words isn't taken.
rejected:
  - where: schema
    blueprint: thing
    about: size
    count: 1
    identifier: acme-b
    reason: '`size` is string where number is due'
# Nothing else.
""",
}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with one small mapping and a case of it."""
    write_files(tmp_path, SMALL)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "tests" / "mappings" / "small"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def line_of(file: Path, text: str) -> int:
    return 1 + next(n for n, line in enumerate(file.read_text(encoding="utf-8").splitlines()) if text in line)


def test_the_shipped_mappings_make_what_their_cases_say_without_a_network(
    shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise AssertionError("a test of a mapping asked the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    done = portcfg("test")
    assert done.exit_code == EXIT_OK, done.output
    assert done.stdout.splitlines()[:3] == [
        "ok      cursor-enterprise (cursor)",
        "ok      cursor-people (cursor)",
        "ok      tracker (tracker)",
    ]
    assert done.stdout.splitlines()[-1] == "3 passed"


def test_the_shipped_cases_cover_every_field_that_the_shipped_mapping_writes(shipped: Path) -> None:
    coverage = json.loads(portcfg("test", "--format", "json").stdout)["coverage"]["cursor"]
    assert {name for fields in coverage.values() for name, field in fields.items() if not field["filled"]} == set()
    assert coverage["cursor_user_usage_record"]["user"] == {"filled": 1, "entities": 2, "types": ["string"]}
    assert coverage["cursor_usage_record"]["total_cents"]["types"] == ["number"]


def test_a_source_that_renames_a_field_makes_its_cases_fail(shipped: Path) -> None:
    edit(shipped / "cursor-people" / "daily.json", '"email"', '"mail"')
    done = portcfg("test", "cursor-people")
    assert done.exit_code == EXIT_ERROR
    assert "FAILED  cursor-people (cursor)" in done.stdout
    expected = shipped / "cursor-people" / "expected.yaml"
    line = [n for n, text in enumerate(expected.read_text().splitlines(), 1) if "total_accepts: 5" in text][-1]
    told = f"tests/mappings/cursor-people/expected.yaml:{line}: "
    assert f"{told}cursor_user_usage_record acme@alice@example.com@2026-03-03 properties.total_accepts" in done.stdout


def test_a_change_of_the_mapping_shows_as_the_fields_that_it_changes(small: Path) -> None:
    assert portcfg("test").exit_code == EXIT_OK
    edit(Path("specs/mappings/things.yaml"), "size: .size", "size: .size * 2")
    edit(small / "case.yaml", "size: big", "size: 3")
    done = portcfg("test")
    assert done.exit_code == EXIT_ERROR
    place = "tests/mappings/small/expected.yaml"
    expected = small / "expected.yaml"
    assert done.stdout.splitlines()[:10] == [
        "FAILED  small (things)",
        f"  {place}:{line_of(expected, 'size: 1')}: thing acme-a properties.size",
        "    expected 1",
        "    made     2",
        f"  {place}:{line_of(expected, 'size: 2.5')}: thing acme-c properties.size",
        "    expected 2.5",
        "    made     5",
        f"  {place}:{line_of(expected, 'thing:')}: thing acme-b",
        '    not expected, but made: {"properties": {"size": 6}}',
        f"  {place}:{line_of(expected, 'rejected:')}: rejected",
    ]


def test_update_shows_the_difference_and_writes_only_that_keeping_comments(small: Path) -> None:
    others = {path: path.read_bytes() for path in small.parents[2].rglob("*") if path.is_file()}
    del others[small / "expected.yaml"]
    before = (small / "expected.yaml").read_text().splitlines()
    edit(small / "expected.yaml", "size: 1 ", "size: 7 ")
    done = portcfg("test", "--update")
    assert done.exit_code == EXIT_OK
    assert done.stdout.startswith("updated small (things)\n") and "    expected 7\n    made     1\n" in done.stdout
    after = (small / "expected.yaml").read_text().splitlines()
    assert [line for line in after if "#" in line] == [line for line in before if "#" in line]
    assert after[after.index("    # The smallest there is.") + 1] == "    acme-a:"
    assert {path: path.read_bytes() for path in others} == others
    assert not list(small.glob(".*"))
    assert portcfg("test").exit_code == EXIT_OK


def test_update_does_not_take_what_half_of_the_answers_make_for_expected(small: Path) -> None:
    before = (small / "expected.yaml").read_bytes()
    edit(small / "case.yaml", "    - last.json\n", "")
    done = portcfg("test", "--update")
    assert done.exit_code == EXIT_ERROR and done.stdout.startswith("FAILED  small")
    assert (small / "expected.yaml").read_bytes() == before


def test_expected_is_what_port_has_after_the_run(small: Path) -> None:
    known = "port:\n  thing:\n    - {identifier: acme-a, title: A, properties: {size: 1, note: old}}\n    - acme-old\n"
    edit(small / "case.yaml", "mapping: things\n", f"mapping: things\n{known}")
    found = json.loads(portcfg("test", "--format", "json").stdout)["cases"][0]["differences"]
    assert [(item["path"][2:], item["made"]) for item in found] == [(["acme-a", "title"], "A"), (["acme-old"], {})]


def test_update_leaves_what_passes_as_it_is_written(small: Path) -> None:
    before = (small / "expected.yaml").read_bytes()
    assert portcfg("test", "--update").stdout.startswith("ok      small")
    assert (small / "expected.yaml").read_bytes() == before


def test_a_new_case_gets_its_expectations_from_update(small: Path) -> None:
    before = portcfg("test", "--format", "json").stdout
    (small / "expected.yaml").unlink()
    assert portcfg("test").exit_code == EXIT_ERROR
    assert portcfg("test", "--update").exit_code == EXIT_OK
    assert portcfg("test", "--format", "json").stdout == before


def test_a_request_without_a_recorded_answer_is_told_with_what_was_asked(small: Path) -> None:
    edit(small / "case.yaml", "    - last.json\n", "")
    done = portcfg("test")
    assert done.exit_code == EXIT_ERROR
    assert "  no recorded answer: GET /things query {'size': 2, 'page': 2}" in done.stdout
    assert "streams.things" in done.stdout and "no recorded answer is left" in done.stdout


def test_an_answer_that_nobody_asks_for_fails_the_case(small: Path) -> None:
    # The mapping no longer follows its pages.
    edit(Path("specs/mappings/things.yaml"), "total: .total", "more: 'false'")
    done = portcfg("test")
    assert done.exit_code == EXIT_ERROR
    assert "  recorded, but never asked for: last.json" in done.stdout


def test_properties_that_are_never_filled_are_named(small: Path) -> None:
    edit(small / "last.json", ', "note": "last"', "")
    done = portcfg("test")
    assert "coverage of things: 1 of the 2 fields it writes have a value somewhere" in done.stdout
    assert "    never filled: note" in done.stdout
    whole = portcfg("test", "--coverage").stdout
    assert re.search(r"^ +size +2/2 +number$", whole, re.MULTILINE)
    assert re.search(r"^ +note +0/2 +never filled$", whole, re.MULTILINE)


def test_on_github_what_differs_is_an_annotation_of_its_line(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(small / "expected.yaml", "note: last", "note: first")
    line = line_of(small / "expected.yaml", "note: first")
    place = f"tests/mappings/small/expected.yaml,line={line},col="
    done = portcfg("test", "--format", "github")
    assert done.exit_code == EXIT_ERROR
    first, *rest = done.stdout.splitlines()
    assert first.startswith(f"::error file={place}")
    assert 'thing acme-c properties.note: expected "first", made "last"' in first
    assert rest[0] == "FAILED  small (things)"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(Path.cwd().parent))
    assert f"file={Path.cwd().name}/{place}" in portcfg("test", "--format", "github").stdout
    edit(small / "case.yaml", "mapping: things", "mapping: thing")
    said = "/case.yaml,title=mapping test small::the specs have no mapping"
    assert said in portcfg("test", "--format", "github").stdout


def test_calculations_are_run_on_what_a_case_makes(small: Path) -> None:
    calculations = {
        "double": {"type": "number", "calculation": ".properties.size * 2"},
        "shout": {"type": "number", "calculation": '.properties.note + "!"'},
        "length": {"type": "number", "calculation": ".properties.note | tonumber"},
        "third": {"type": "number", "calculation": "1 / (.properties.size - 1)"},
        "other": {"type": "number", "calculation": ".properties.double | ascii_downcase"},
    }
    file = Path("specs/blueprints/thing.yaml")
    file.write_text(f"{file.read_text()}{dump({'calculationProperties': calculations})}", encoding="utf-8")
    done = portcfg("test")
    assert done.exit_code == EXIT_ERROR
    assert [line for line in done.stdout.splitlines() if "calculation" in line] == [
        '  the calculation thing.shout of acme-c: a number is due, not "last!"',
        '  the calculation thing.length of acme-c: fails on every entity: string ("last") cannot be parsed as a number',
    ]
    (case,) = json.loads(portcfg("test", "--format", "json").stdout)["cases"]
    assert [(each["blueprint"], each["name"], each["entity"]) for each in case["miscalculated"]] == [
        ("thing", "shout", "acme-c"),
        ("thing", "length", "acme-c"),
    ]


def test_variables_of_a_case_hold_wherever_the_specs_name_them(small: Path) -> None:
    edit(small / "case.yaml", "mapping: things", "mapping: things\nvars: {org: other}")
    edit(Path("specs/mappings/things.yaml"), "note: .note", """note: '"of ${vars.org}"'""")
    found = json.loads(portcfg("test", "--format", "json").stdout)["cases"][0]["differences"]
    made = {tuple(item["path"]): item.get("made") for item in found}
    assert made["entities", "thing", "other-a"] == {"properties": {"size": 1, "note": "of other"}}


def test_a_case_is_run_in_the_environment_that_is_asked_for(small: Path) -> None:
    edit(Path("specs/portcfg.yaml"), "vars:", "environments: {staging: {vars: {org: other}}}\nvars:")
    assert portcfg("test").exit_code == EXIT_OK
    assert "thing other-a" in portcfg("test", "--env", "staging").stdout


def test_json_has_each_difference_with_its_place(small: Path) -> None:
    edit(small / "expected.yaml", "note: last", "note: first")
    body = json.loads(portcfg("test", "--format", "json").stdout)
    assert (body["passed"], body["failed"]) == (0, 1)
    assert body["cases"][0]["differences"] == [
        {
            "file": "tests/mappings/small/expected.yaml",
            "line": line_of(small / "expected.yaml", "note: first"),
            "path": ["entities", "thing", "acme-c", "properties", "note"],
            "expected": "first",
            "made": "last",
        }
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("mapping: things", "mapping: thing", "the specs have no mapping 'thing' (did you mean 'things'?)"),
        ("mapping: things", "mapping: things\nvars: {orgs: x}", "no variable 'orgs' (did you mean 'org'?)"),
        ("mapping: things", "mapping: things\nport: {thin: [a]}", "no blueprint 'thin' (did you mean 'thing'?)"),
        ("mapping: things", "mapping: things\nday: 2026-03-03", "case.yaml:2:1: unknown key 'day'"),
        ("mapping: things", "mapping: things\ndays: yesterday", "case.yaml:2:1: 'yesterday' is no time"),
        ("GET /things", "things", "case.yaml:3:3: 'things' is no request (write a method and a path"),
        ("last.json", "lost.json", "there is no file tests/mappings/small/lost.json"),
    ],
)
def test_a_case_that_cannot_be_run_says_why(small: Path, old: str, new: str, told: str) -> None:
    edit(small / "case.yaml", old, new)
    done = portcfg("test")
    assert done.exit_code == EXIT_ERROR
    assert told in done.stdout


def test_a_refused_stream_is_part_of_what_is_expected(shipped: Path) -> None:
    edit(shipped / "cursor-people" / "case.yaml", "/commits: {status: 401}", "/commits: {status: 500}")
    done = portcfg("test", "cursor-people")
    assert done.exit_code == EXIT_ERROR
    assert "streams.commits" in done.stdout and "held" in done.stdout


@pytest.mark.parametrize(
    ("args", "hint"),
    [(("test", "nothing"), "there are: small"), (("test", "--cases", "specs"), "sync MAPPING --record DIR")],
)
def test_a_case_that_is_not_there_is_a_usage_error(small: Path, args: tuple[str, ...], hint: str) -> None:
    done = portcfg(*args)
    assert (done.exit_code, hint in done.stderr) == (EXIT_USAGE, True)


# ---- sync --record --------------------------------------------------------------------------------------------------


@contextmanager
def recorded(*args: str) -> Iterator[tuple[Path, Result]]:
    folder = Path("tests/mappings/live")
    with serving_cursor(USERS, 40, SEED) as url:
        # Two of any four days in a row are weekdays, on which people are at work.
        live = ("sync", "cursor", "--source-url", url, "--days", "4", "--record", str(folder), *args)
        yield folder, portcfg(*live, CURSOR_API_KEY=CURSOR_KEY)


def texts(folder: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()))


PRIVATE = ("email", "userEmail", "name", "userId", "id", "repoName", "branchName", "message", "commitHash", "fileName")


def private(value: Any, key: str = "") -> Iterator[str]:
    """Every text of an answer that says who somebody is, or what they work on."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else ((key, each) for each in value):
            yield from private(item, name)
    elif isinstance(value, str) and key in PRIVATE:
        yield value.strip().lower()


def test_a_recorded_case_holds_no_people_and_passes_at_once(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = []
    ask = SourceClient._ask

    def listening(source: SourceClient, request: Any) -> Any:
        answers.append(ask(source, request).value)
        return SourceAnswer(answers[-1])

    monkeypatch.setattr(SourceClient, "_ask", listening)
    with recorded() as (folder, done):
        assert done.exit_code == EXIT_OK, done.output
    people = {each for email, name in stand_in_people(USERS, SEED) for each in (email, name.lower())}
    found = {text for text in private(answers) if text}
    assert people & found and len(found) > 100
    written = texts(folder).lower()
    left = [text for text in sorted(people | found) if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", written)]
    # A text that the mapping itself names is no secret.
    assert left == ["unassigned"]
    assert "acme" not in written
    done = portcfg("test", "live")
    assert done.exit_code == EXIT_OK, done.output
    assert done.stdout.startswith("ok      live (cursor)\n")


def test_recorded_rows_are_few_counted_right_and_join_as_before(shipped: Path) -> None:
    with recorded("--record-rows", "9", "--record-keep", "model") as (folder, done):
        assert done.exit_code == EXIT_OK, done.output
    answers = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}
    events, commits, daily = answers["events"], answers["commits"], answers["daily"]
    assert len(events["usageEvents"]) == events["totalUsageEventsCount"] == 9
    assert len(commits["items"]) == commits["totalCount"] == 9
    assert len(daily["data"]) == 9 and daily["pagination"]["hasNextPage"] is False
    members = [item for group in answers["groups"]["groups"] for item in group["currentMembers"]]
    people = {item["email"].strip().lower(): item["userId"] for item in members}
    users = {row["userEmail"].lower(): row["userId"] for row in commits["items"] if row["userEmail"]}
    shared = set(people) & set(users)
    assert shared and all(people[email] == users[email] for email in shared)
    assert not any(str(row["model"]).startswith("model-") for row in events["usageEvents"])
    assert all(row["kind"] for row in events["usageEvents"])


def test_a_recorded_case_is_of_one_mapping_and_a_new_folder(shipped: Path) -> None:
    in_the_way = portcfg("sync", "cursor", "--record", "tests/mappings/tracker", CURSOR_API_KEY="x")
    assert in_the_way.exit_code == EXIT_USAGE and "not empty" in in_the_way.output
    part = portcfg("sync", "cursor", "--record", "tests/mappings/new", "--stream", "events", CURSOR_API_KEY="x")
    assert part.exit_code == EXIT_USAGE
    assert not Path("tests/mappings/new").exists()


def test_texts_whose_form_the_mapping_needs_are_asked_for(small: Path) -> None:
    async def things(_: Any) -> JSONResponse:
        return JSONResponse({"items": [{"id": "a", "size": "7 m"}], "total": 1})

    edit(Path("specs/mappings/things.yaml"), "size: .size", 'size: .size | split(" ")[0] | tonumber')
    with serving(Starlette(routes=[Route("/things", things)])) as url:
        live = ("sync", "things", "--source-url", url)
        plain = portcfg(*live, "--record", "tests/mappings/plain")
        kept = portcfg(*live, "--record", "tests/mappings/kept", "--record-keep", "size")
    assert (plain.exit_code, kept.exit_code) == (EXIT_OK, EXIT_OK), plain.output + kept.output
    assert "--record-keep FIELD" in plain.stderr and "--record-keep" not in kept.stderr
    assert "size: 7" in Path("tests/mappings/kept/expected.yaml").read_text()


def test_a_source_that_is_not_read_to_its_end_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = Tracker()
    tracker.broken = "projects/api/issues 1"
    with serving(tracker.app) as url:
        args = ("--specs", TRACKER_SPECS, "--source-url", f"{url}/api/v1", "--record", "cases/live")
        done = portcfg("sync", *args, TRACKER_KEY=TRACKER_KEY)
    assert done.exit_code == EXIT_INCOMPLETE
    assert "nothing was recorded: issues:" in done.output
    assert not list(tmp_path.rglob("*.json")) and not Path("cases/live").exists()


def test_a_source_with_links_and_paths_of_its_rows_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with serving(Tracker().app) as url:
        args = ("--specs", TRACKER_SPECS, "--source-url", f"{url}/api/v1", "--record", "cases/live")
        done = portcfg("sync", *args, "--record-rows", "3", TRACKER_KEY=TRACKER_KEY)
    assert done.exit_code == EXIT_OK, done.output
    written = texts(Path("cases/live"))
    assert "ann" not in re.findall(r"\w+", written) and "tracker.example.com" not in written
    assert TRACKER_KEY not in written
    done = portcfg("test", "--specs", TRACKER_SPECS, "--cases", "cases")
    assert done.exit_code == EXIT_OK, done.output
    assert "tracker_project: 3 entities" in done.stdout


def test_what_isnt_known_to_be_harmless_is_recorded_as_a_fake() -> None:
    disguise = Disguise(kept={"TAB"}, fields={"model"}, named={"timestamp", "kind", "rows", "email", "count"})
    rows = {
        "rows": [
            {"email": "Ann.Lee@corp.example", "login": "annlee", "kind": "TAB", "model": "gpt-5", "count": 17},
            {"email": " ann.lee@corp.example", "manager": "annlee", "kind": "secret-project", "userId": 4711},
            {"timestamp": "1772496000000", "phone": "4915112345678", "user_id": "4711", "at": "2026-03-03T10:00:00Z"},
            {"note": "ask ann.lee@corp.example", "page": "https://corp.example/?token=s3cret", "hash": "deadbeef42"},
        ],
        "by_person": {"ann.lee@corp.example": 3, "annlee": 4, "count": 7},
    }
    (shown,) = disguise.all([rows])
    assert shown == {
        "rows": [
            {"email": "Person-1@example.com", "login": "login-1", "kind": "TAB", "model": "gpt-5", "count": 17},
            {"email": " person-1@example.com", "manager": "login-1", "kind": "kind-1", "userId": 1001},
            {"timestamp": "1772496000000", "phone": "1002", "user_id": "1001", "at": "2026-03-03T10:00:00Z"},
            {"note": "note-1", "page": "https://example.com/1", "hash": "0000000001"},
        ],
        "by_person": {"person-1@example.com": 3, "login-1": 4, "count": 7},
    }
    assert disguise.path("/people/ann.lee%40corp.example/x", "/people/{email}/x") == "/people/person-1%40example.com/x"


def test_teams_known_by_number_are_recorded_so_that_they_are_found(shipped: Path) -> None:
    company = synthetic_company(users=USERS, days=40, seed=SEED, end=datetime.now(UTC).date())
    project = shipped.parents[1] / "specs" / "portcfg.yaml"
    edit(project, "cursor_api: teams", "cursor_api: organizations")
    edit(project, 'organization_id: ""', f"organization_id: {ORGANIZATION}")
    names = {str(number): name for name, number in TEAM_IDS.items()}
    edit(project, "team_names: {}", f"team_names: {json.dumps(names)}")
    folder = Path("tests/mappings/live")
    with serving(cursor_app(company, api_key="a-team-key", organization_key=CURSOR_KEY)) as url:
        args = ("--source-url", url, "--days", "1", "--record", str(folder))
        done = portcfg("sync", "cursor", *args, CURSOR_API_KEY=CURSOR_KEY)
    assert done.exit_code == EXIT_OK, done.output
    assert portcfg("test", "live").exit_code == EXIT_OK
    (rows,) = (json.loads(path.read_text())["data"] for path in folder.glob("daily.json"))
    teams = re.findall(r"^ +team: (\S+)$", (folder / "expected.yaml").read_text(), re.MULTILINE)
    assert rows and set(teams) <= {f"name-{n}" for n in range(1, 99)} | {"Unassigned"} and teams != ["Unassigned"]
    assert not any(name in texts(folder) for name in names.values())


def test_a_mapping_that_ocean_runs_is_tested_all_the_same(small: Path) -> None:
    resource = {
        "kind": "/things",
        "selector": {"query": "true", "data_path": ".items"},
        "port": {
            "entity": {
                "mappings": {"identifier": ".id", "blueprint": '"thing"', "properties": {"size": ".size", "note": ".n"}}
            }
        },
    }
    Path("specs/mappings/things.yaml").write_text(dump({"runner": "ocean", "resources": [resource]}))
    case = "mapping: things\nanswers:\n  GET /things: {json: {items: [{id: a, size: 1}]}}\n"
    (small / "case.yaml").write_text(case)
    (small / "expected.yaml").write_text("entities: {thing: {a: {properties: {size: 1}}}}\n")
    done = portcfg("test")
    assert done.exit_code == EXIT_OK, done.output
    assert "    never filled: note" in done.stdout


def test_update_takes_no_text_for_a_comment(small: Path) -> None:
    note = "first\n# second\nthird # and last"
    edit(small / "last.json", '"note": "last"', f'"note": {json.dumps(note)}')
    assert portcfg("test", "--update").exit_code == EXIT_OK
    once = (small / "expected.yaml").read_text()
    edit(small / "last.json", "2.50", "4")
    assert portcfg("test", "--update").exit_code == EXIT_OK
    assert (small / "expected.yaml").read_text() == once.replace("2.5", "4")
    assert once.count("# second") == 1
