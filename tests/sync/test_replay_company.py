"""The shipped mapping with a mistake in it, over the synthetic company; then mended and replayed: as if never made."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from portcfg.sync.parse import parse_mapping
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.replay import replay
from portcfg.sync.run import run_sync
from portcfg.sync.spec import SyncMapping
from tests.sync.support import KEY, at, embedded_port, options, shipped_bodies
from tests.sync.test_company import RANGE, company, everything, run


def mapping(kind: str = "", name: str = "", expression: str = "", **keys: Any) -> SyncMapping:
    """The shipped mapping, one expression of one resource changed."""
    config = deepcopy(shipped_bodies("mapping")["cursor"]["config"]) | keys
    for resource in config["resources"]:
        if resource["kind"] == kind:
            resource["port"]["entity"]["mappings"]["properties"][name] = expression
    return parse_mapping({"identifier": "cursor", **config})


MISTAKES = {
    "an expression fails for all": mapping("people events", "total_cents", ".total_cents | ascii_downcase"),
    "and for some": mapping(
        "people daily usage", "total_accepts", 'if .email < "g" then error("no") else .total_accepts end'
    ),
    "a type is wrong": mapping("team events", "total_cents", ".total_cents | tostring"),
    "what is required has no value": mapping("/analytics/ai-code/commits", "branchName", "null"),
    "targets are demanded": mapping(missing_relations="quarantine"),
    "an organization's day": mapping("organization events", "breakdown", ".breakdown | tostring"),
}


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    with embedded_port() as port:
        assert run(port).exit_code == 0
        return everything(port)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_that_is_mended_and_replayed_leaves_nothing_behind(
    mistake: str, truth: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "q.ndjson"
    with embedded_port() as port:
        with company() as url:
            wrong = at(MISTAKES[mistake], url)
            report = run_sync(wrong, {"CURSOR_API_KEY": KEY}, port, options(**RANGE), quarantine=Quarantine(file))
        assert report.exit_code == 6
        assert everything(port) != truth
        again = replay(mapping(), file, port, Quarantine())
        assert (again.exit_code, again.rejects) == (0, ())
        assert everything(port) == truth
        assert replay(mapping(), file, port, Quarantine()).writes == 0
