"""Undoing an apply, and applies that meet."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from portcfg import ledger, lock
from portcfg.cli.main import main
from portcfg.kinds.base import STAMPS
from portcfg.lock import locked
from portcfg.model import Owner
from portcfg.observe import observe
from portcfg.yamlread import dump
from tests.support import Bench

THING: dict[str, Any] = {
    "identifier": "thing",
    "title": "Thing",
    "schema": {"properties": {"a": {"type": "string", "title": "A"}}},
    "relations": {},
}
OWNER = Owner("default", "")


@pytest.fixture
def cli(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    env = {"PORT_BASE_URL": bench.url, "PORT_CLIENT_ID": "local", "PORT_CLIENT_SECRET": "local"}
    return lambda *args: CliRunner().invoke(main, list(args), env=env)


def write(*bodies: dict[str, Any]) -> None:
    folder = Path("specs/blueprints")
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*"):
        file.unlink()
    for body in bodies:
        (folder / f"{body['identifier']}.yaml").write_text(dump(body))


def newest() -> str:
    return str(sorted(Path(".portcfg/journal").iterdir())[-1])


def contents(bench: Bench) -> dict[str, Any]:
    """What Port holds, and what the ledger lists, without stamps."""
    with closing(bench.reader()) as port:
        live = observe(port).items()
        bodies = {str(ref): {k: v for k, v in part.body.items() if k not in STAMPS} for ref, part in live}
        return {**bodies, "ledger": {str(ref): entry.applied for ref, entry in ledger.entries(port).items()}}


def undone(cli: Any) -> Result:
    result: Result = cli("rollback", newest(), "--auto-approve")
    return result


def test_creates_updates_and_deletes_are_undone(cli: Any, bench: Bench) -> None:
    link = {"other": {"target": "thing", "required": False, "many": False}}
    write(THING, {**THING, "identifier": "gone", "relations": link})
    assert cli("apply", "--auto-approve").exit_code == 0
    bench.send("PATCH", "/blueprints/thing", {"description": "by hand"})
    before = contents(bench)
    write({**THING, "title": "New"}, {**THING, "identifier": "new"})
    assert cli("apply", "--auto-approve", "--prune").exit_code == 0
    assert contents(bench) != before
    done = undone(cli)
    assert done.exit_code == 0, done.output
    assert contents(bench) == before
    again = undone(cli)
    assert again.exit_code == 0


def test_the_ledger_says_again_which_file_it_was(cli: Any, bench: Bench) -> None:
    write(THING, {**THING, "identifier": "gone"})
    assert cli("apply", "--auto-approve").exit_code == 0
    before = contents(bench)
    write()
    Path("specs/blueprints/elsewhere.yaml").write_text(dump({**THING, "title": "New"}))
    assert cli("apply", "--auto-approve", "--prune").exit_code == 0
    assert undone(cli).exit_code == 0
    assert contents(bench) == before
    shown = cli("ledger", "show")
    assert "thing.yaml" in shown.output
    assert "gone.yaml" in shown.output


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_what_ends_a_line_elsewhere_doesnt_cut_a_journal(cli: Any, bench: Bench, character: str) -> None:
    write(THING, {**THING, "identifier": "z"})
    assert cli("apply", "--auto-approve").exit_code == 0
    before = contents(bench)
    write({**THING, "title": f"a{character}b"}, {**THING, "identifier": "z", "title": "New"})
    assert cli("apply", "--auto-approve").exit_code == 0
    assert undone(cli).exit_code == 0
    assert contents(bench) == before


def test_a_rollback_can_be_rolled_back(cli: Any, bench: Bench) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    write({**THING, "title": "New"})
    cli("apply", "--auto-approve")
    after = contents(bench)
    undone(cli)
    assert contents(bench) != after
    assert undone(cli).exit_code == 0
    assert {key: body for key, body in contents(bench).items() if key != "ledger"} == {
        key: body for key, body in after.items() if key != "ledger"
    }


def test_an_apply_without_the_ledger_is_undone_without_it(cli: Any, bench: Bench) -> None:
    write(THING)
    assert cli("apply", "--auto-approve", "--no-ledger").exit_code == 0
    before = contents(bench)
    write({**THING, "title": "New"}, {**THING, "identifier": "new"})
    assert cli("apply", "--auto-approve", "--no-ledger").exit_code == 0
    bench.clear()
    assert undone(cli).exit_code == 0
    assert contents(bench) == before
    assert not [path for method, path, _ in bench.writes if ledger.LEDGER_BLUEPRINT in path]
    assert undone(cli).exit_code == 0
    assert not [path for method, path, _ in bench.writes if ledger.LEDGER_BLUEPRINT in path]


def test_a_cycle_is_undone(cli: Any, bench: Bench) -> None:
    to_b = {"b": {"target": "b", "required": False, "many": False}}
    to_a = {"a": {"target": "a", "required": False, "many": False}}
    write(THING)
    cli("apply", "--auto-approve")
    before = contents(bench)
    write(THING, {**THING, "identifier": "a", "relations": to_b}, {**THING, "identifier": "b", "relations": to_a})
    assert cli("apply", "--auto-approve").exit_code == 0
    assert undone(cli).exit_code == 0
    assert contents(bench) == before


def test_lost_values_are_named(cli: Any, bench: Bench) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    write({**THING, "schema": {"properties": {"b": {"type": "string"}}}})
    cli("apply", "--auto-approve")
    done = undone(cli)
    assert "blueprint/thing: a come(s) back without values" in done.stderr


def test_nothing_to_undo_writes_nothing(cli: Any, bench: Bench) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    undone(cli)
    bench.clear()
    journal = sorted(Path(".portcfg/journal").iterdir())[0]
    assert cli("rollback", str(journal), "--auto-approve").exit_code == 0
    assert bench.writes == []


def test_a_journal_of_another_port_is_refused(cli: Any) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    done = cli("rollback", newest(), "--auto-approve", "--env", "local")
    assert done.exit_code == 64


def test_a_cut_journal_undoes_what_it_knows(cli: Any, bench: Bench) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    journal = Path(newest())
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join(lines[:-1]) + '\n{"done": "blue')
    assert undone(cli).exit_code == 0
    assert "blueprint/thing" not in contents(bench)


def test_a_journal_that_was_cut_off_within_a_letter_is_read(cli: Any, bench: Bench) -> None:
    write({**THING, "title": "Ä"})
    cli("apply", "--auto-approve")
    journal = Path(newest())
    lines = journal.read_bytes().splitlines()
    journal.write_bytes(b"\n".join(lines[:-1]) + b'\n{"done": "blueprint/\xc3')
    assert undone(cli).exit_code == 0
    assert "blueprint/thing" not in contents(bench)


def test_what_the_apply_could_not_create_and_somebody_else_did_is_not_deleted(cli: Any, bench: Bench) -> None:
    write(THING, {**THING, "identifier": "other", "relations": {"to": {"target": "thing"}}})
    cli("apply", "--auto-approve")
    journal = Path(newest())
    # As if thing had been refused, and other, which refers to it, been blocked.
    journal.write_text(journal.read_text().replace('"status": "done"', '"status": "blocked"'))
    bench.send("DELETE", "/blueprints/other")
    bench.send("POST", "/blueprints", {**THING, "identifier": "other", "title": "Theirs"})
    assert undone(cli).exit_code == 0
    assert contents(bench)["blueprint/other"]["title"] == "Theirs"


def test_what_somebody_else_made_in_between_is_not_deleted(cli: Any, bench: Bench) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    journal = Path(newest())
    # As if the apply had been killed before its first write.
    journal.write_text("\n".join(line for line in journal.read_text().splitlines() if '"done"' not in line))
    bench.send("DELETE", "/blueprints/thing")
    bench.send("POST", "/blueprints", {**THING, "title": "Theirs"})
    assert undone(cli).exit_code == 0
    assert contents(bench)["blueprint/thing"]["title"] == "Theirs"


def test_two_applies_dont_mix(cli: Any, bench: Bench) -> None:
    write(THING)
    with closing(bench.writer()) as port, locked(port, OWNER, "another", lambda: datetime.now(UTC)):
        done = cli("apply", "--auto-approve")
        assert done.exit_code == 1
        assert "is running since" in done.stderr
        assert "blueprint/thing" not in contents(bench)
    assert cli("apply", "--auto-approve").exit_code == 0


@pytest.mark.parametrize("ended", ["by time", "by hand"])
def test_a_lock_that_was_left_behind_ends(cli: Any, bench: Bench, ended: str) -> None:
    write(THING)
    age = timedelta(hours=1) if ended == "by time" else timedelta()
    with closing(bench.writer()) as port:
        ledger.ensure_blueprint(port)
        lock._take(port, OWNER, "killed", datetime.now(UTC) - age)
        if ended == "by hand":
            assert cli("apply", "--auto-approve").exit_code == 1
            assert cli("unlock").exit_code == 0
        assert cli("apply", "--auto-approve").exit_code == 0


def test_a_journal_holds_no_secret(cli: Any) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    lines = [json.loads(line) for line in Path(newest()).read_text().splitlines()]
    assert Path(newest()).stat().st_mode & 0o077 == 0
    assert lines[0]["format"] == "portcfg/journal/1"
    assert "local" not in json.dumps([line for line in lines if "action" in line and line["before"] is None])


def test_what_was_changed_since_is_left_alone(cli: Any, bench: Bench) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    write({**THING, "title": "New"})
    cli("apply", "--auto-approve")
    later = {"properties": {"later": {"type": "string"}}}
    bench.send("PATCH", "/blueprints/thing", {"schema": later})
    done = undone(cli)
    assert done.exit_code == 0
    assert "was changed since the apply" in done.stderr
    assert contents(bench)["blueprint/thing"]["title"] == "New"
    taken = cli("rollback", newest(), "--auto-approve", "--overwrite")
    assert "schema.properties.later" in taken.stderr
    assert contents(bench)["blueprint/thing"]["title"] == "Thing"


def test_what_changed_in_port_while_the_question_was_open_stops_the_rollback(
    cli: Any, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    write({**THING, "title": "New"})
    cli("apply", "--auto-approve")
    journal = newest()

    def answer(*_: Any) -> None:
        bench.send("PATCH", "/blueprints/thing", {"title": "By hand"})

    with monkeypatch.context() as patch:
        patch.setattr("portcfg.cli.writes.ask", answer)
        done = cli("rollback", journal)
    assert done.exit_code == 4
    assert "Port has moved since the plan: blueprint/thing" in done.stderr
    assert newest() == journal
    assert contents(bench)["blueprint/thing"]["title"] == "By hand"
    monkeypatch.setattr("portcfg.cli.writes.ask", lambda *_: None)
    assert cli("rollback", journal, "--overwrite").exit_code == 0
    assert contents(bench)["blueprint/thing"]["title"] == "Thing"


def test_a_rollback_destroys_only_what_is_named(cli: Any, bench: Bench) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    bench.send("POST", "/blueprints/thing/entities", {"identifier": "e", "properties": {"a": "x"}})
    refused = undone(cli)
    assert refused.exit_code == 1
    # What the project file allows is for what the specs want.
    assert "pass --allow-destructive blueprint/thing" in refused.output
    assert "guards" not in refused.output
    assert "blueprint/thing" in contents(bench)
    done = cli("rollback", newest(), "--auto-approve", "--allow-destructive", "blueprint/thing")
    assert done.exit_code == 0, done.output
    assert "blueprint/thing" not in contents(bench)


def test_a_rollback_shows_what_it_sets_back(cli: Any) -> None:
    write(THING)
    cli("apply", "--auto-approve")
    write({**THING, "title": "New"})
    cli("apply", "--auto-approve")
    assert 'title: "New" -> "Thing"' in undone(cli).stderr
