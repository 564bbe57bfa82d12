"""What a plan says of `migrate` and `renamed_from` while a move is half-way: none of them can go before it is over."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from portcfg.lock import release
from portcfg.pipeline import apply_specs, plan_specs, read_specs
from tests.cli.now import NOW
from tests.support import CREDENTIALS, PATIENT, Bench, Server
from tests.test_move import NUMBER, TEXT, _Killed, blueprint, done, entities, fill, folder, names

BEFORE = blueprint({"level": TEXT, "n": TEXT})
TIER = {**NUMBER, "renamed_from": "level", "migrate": ".properties.level | tonumber"}
AFTER = blueprint({"tier": TIER, "n": {**NUMBER, "migrate": ".properties.n | tonumber"}}, renamed_from="old")


def halted(bench: Bench, root: Path, at: int) -> bool:
    """Apply the specs, killed before a write; whether it came to an end before."""
    port = _Killed(bench.url, CREDENTIALS, PATIENT)
    port.at = at
    specs = read_specs(root)
    with closing(port):
        try:
            apply_specs(specs, plan_specs(specs, port), port, clock=NOW)
        except KeyboardInterrupt:
            with closing(bench.writer()) as other:
                release(other)
            return False
    return port.writes <= at


def test_nothing_can_go_half_way(server: Server, tmp_path: Path) -> None:
    half_way = 0
    for at in range(100):
        bench = server.bench()
        done(bench.apply(folder(tmp_path, old=BEFORE)))
        fill(bench, "old", {"properties": {"level": "1", "n": "2"}})
        root = folder(tmp_path, new=AFTER)
        ended = halted(bench, root, at)
        notes = " ".join(note for change in bench.plan(root).changes for note in change.notes)
        assert ("can go" in notes) == ("old" not in names(bench)), (at, notes)
        half_way += names(bench) == ["new", "old"]
        if ended:
            break
    assert half_way > 3
    assert entities(bench, "new") == {"e0": {"tier": 1, "n": 2}}
    assert notes.count("renamed_from can go") == 2
    assert notes.count("migrate can go") == 2
