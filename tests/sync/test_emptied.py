"""A run that would empty a property of many entities at once writes none of that blueprint, until that is meant."""

from __future__ import annotations

from typing import Any

from portcfg.client import PortWriter
from tests.sync.support import blueprint, embedded_port
from tests.sync.test_run import body, resource, rows, run

THING = blueprint("thing", n="number", s="string")
OTHER = blueprint("other", n="number", s="string")
ROWS = [{"id": f"x{number}", "n": number, "s": "good"} for number in range(20)]
TYPO = {"n": ".n", "s": ".ss"}


def values(port: PortWriter, name: str = "thing") -> list[Any]:
    return [entity["properties"].get("s") for entity in port.entities(name)]


def test_a_typo_in_a_path_doesnt_wipe_what_is_there() -> None:
    with embedded_port({**THING, **OTHER}) as port:
        both = body(resource(), resource("b", "other"))
        run(port, both, {"/a": rows(*ROWS), "/b": rows(*ROWS)})
        typo = body(resource(properties=TYPO), resource("b", "other"))
        changed = [{**row, "n": 100} for row in ROWS]
        for dry_run in (True, False):
            report = run(port, typo, {"/a": rows(*changed), "/b": rows(*changed)}, dry_run=dry_run)
            other, thing = report.blueprints
            assert (report.exit_code, thing.updated, other.updated) == (6, 0, 20)
            assert thing.held == (
                "`s` has a value in 20 of its entities that this run reads, and would have one in 0; is it still what "
                "the rows call it? If it is meant: --allow-nulls thing.s"
            )
        assert values(port) == ["good"] * 20
        assert all(entity["properties"]["n"] < 100 for entity in port.entities("thing"))


def test_the_values_go_where_that_is_meant() -> None:
    with embedded_port(THING) as port:
        run(port, body(resource()), {"/a": rows(*ROWS)})
        report = run(port, body(resource(properties=TYPO)), {"/a": rows(*ROWS)}, allow_nulls=("thing.s",))
        assert (report.exit_code, report.blueprints[0].updated, values(port)) == (0, 20, [None] * 20)


def test_a_relation_counts_too() -> None:
    related = blueprint("thing", {"to": {"target": "other", "many": True}}, n="number", s="string")
    with embedded_port({**related, **OTHER}) as port:
        port.send("POST", "/blueprints/other/entities", {"identifier": "o"})
        run(port, body(resource(relations={"to": "[.to]"})), {"/a": rows(*({**row, "to": "o"} for row in ROWS))})
        report = run(port, body(resource(relations={"to": "[.too[]?]"})), {"/a": rows(*ROWS)})
        assert "--allow-nulls thing.to" in report.blueprints[0].held


def test_a_first_run_and_what_sources_do_are_no_alarm() -> None:
    with embedded_port(THING) as port:
        # Nothing is there yet.
        assert run(port, body(resource(properties=TYPO)), {"/a": rows(*ROWS)}).exit_code == 0
        run(port, body(resource()), {"/a": rows(*ROWS)})
        # Nine of twenty lose theirs.
        fewer = [{**row, "s": None} if row["n"] < 9 else row for row in ROWS]
        assert run(port, body(resource()), {"/a": rows(*fewer)}).exit_code == 0
        # Eleven lose theirs, and nine get one: a value moves on.
        moved = [{**row, "s": "good" if row["n"] < 9 else None} for row in ROWS]
        assert run(port, body(resource()), {"/a": rows(*moved)}).exit_code == 0
        # Fill says what silence means.
        assert run(port, body(resource(properties=TYPO), fill={"thing": {"s": ""}}), {"/a": rows(*ROWS)}).exit_code == 0


def test_few_values_may_go() -> None:
    with embedded_port(THING) as port:
        run(port, body(resource()), {"/a": rows(*ROWS[:9])})
        assert run(port, body(resource(properties=TYPO)), {"/a": rows(*ROWS[:9])}).exit_code == 0
        assert values(port) == [None] * 9


def test_a_property_that_the_mapping_no_longer_writes_is_left_alone() -> None:
    with embedded_port(THING) as port:
        run(port, body(resource()), {"/a": rows(*ROWS)})
        assert run(port, body(resource(properties={"n": ".n"})), {"/a": rows(*ROWS)}).exit_code == 0
        assert values(port) == ["good"] * 20
