"""`sync --send-examples`: raw rows for Port's mapping editor, without secrets, and only when asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portcfg.cli.main import main
from portcfg.emulator.server import serving
from portcfg.errors import EXIT_OK, EXIT_USAGE, UsageError
from portcfg.sync.examples import MASK, masked
from tests.support import Bench
from tests.sync.support import KEY, blueprint, embedded_port, mapping_of, options, run_sync, source_app
from tests.sync.test_tracker_example import COUNTS, Sync, issue, portcfg, tracker

__all__ = ["portcfg", "tracker"]

ROUTE = "/v1/integration/tracker/kinds/{}/examples"


def sent(bench: Bench) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = bench.app.state.examples("tracker")
    return found


def test_the_first_five_rows_of_each_stream_are_sent_when_asked_for(portcfg: Sync, bench: Bench) -> None:
    assert portcfg().exit_code == EXIT_OK
    assert sent(bench) == {}
    bench.clear()
    done = portcfg("--send-examples")
    assert done.exit_code == EXIT_OK
    assert "sent raw rows to Port as examples: projects (4), issues (5)" in done.stdout
    assert {name: len(rows) for name, rows in sent(bench).items()} == {"projects": len(COUNTS), "issues": 5}
    # As the source gave them, with the parameter of their path.
    assert sent(bench)["issues"] == [{**issue(number), "__key": "web"} for number in range(1, 6)]
    assert [entry for entry in bench.writes if "/kinds/" in entry[1]] == [
        ("POST", ROUTE.format("projects"), 200),
        ("POST", ROUTE.format("issues"), 200),
    ]


def test_a_dry_run_sends_none_and_says_so(portcfg: Sync, bench: Bench) -> None:
    done = portcfg("--send-examples", "--dry-run")
    assert done.exit_code == EXIT_USAGE
    assert "a dry run sends nothing to Port" in done.stderr
    assert sent(bench) == {}


def run(rows: list[Any], **config: Any) -> tuple[list[Any], Any]:
    """The examples that Port has of a small mapping, and the report."""
    resource = {
        "kind": "/rows",
        "selector": {"query": "true"},
        "port": {"entity": {"mappings": {"identifier": ".id", "blueprint": '"thing"'}}},
    }
    with serving(source_app({"/rows": lambda _: rows})) as url, embedded_port(blueprint("thing")) as port:
        source = {"base_url": url, "auth": {"type": "bearer", "token_env": "SOURCE_KEY"}}
        mapping = mapping_of({"identifier": "small", "source": source, "resources": [resource], **config})
        env = {"SOURCE_KEY": KEY, "PRIVACY_KEY": "0123456789abcdef0123456789abcdef"}
        taken: list[Any] = []
        send = port.send
        port.send = lambda method, path, *rest: (
            (  # type: ignore[method-assign]
                taken.append((path, rest[0])) if path.endswith("/examples") else None
            )
            or send(method, path, *rest)
        )
        report = run_sync(mapping, env, port, options(send_examples=True))
        return taken, report


def test_a_port_that_does_not_take_them_is_a_notice() -> None:
    taken, report = run([{"id": "a"}])
    assert (len(taken), report.exit_code, report.blueprints[0].created) == (1, EXIT_OK, 1)
    assert any("/rows: its examples are not in Port: " in notice and "404" in notice for notice in report.notices)


def test_secrets_are_masked_and_rows_that_are_too_large_left_out() -> None:
    rows = [{"id": "a", "note": f"used {KEY} here", "api_key": "x"}, {"id": "b", "big": "x" * 200_000}, {"id": "c"}]
    ((path, body),), _ = run(rows)
    assert path == "/integration/small/kinds/%2Frows/examples"
    assert body == {"examples": [{"id": "a", "note": f"used {MASK} here", "api_key": MASK}, {"id": "c"}]}


def test_of_a_mapping_that_keeps_people_out_of_port_none_are_sent() -> None:
    with pytest.raises(UsageError, match="keeps people out of Port"):
        run([{"id": "a", "email": "ann@example.com"}], privacy={"pseudonymise": True, "key_env": "PRIVACY_KEY"})


SECRETS = {
    "a JSON web token": "eyJhbGciOi.eyJzdWIiOiIx.c2lnbmF0dXJl",
    "a token of a code host": "ghp_" + "a1B2" * 9,
    "a cloud's key": "AKIA" + "ABCD1234" * 2,
    "a Cursor key": "key_" + "0f" * 32,
    "a bearer header": "Bearer abcdef0123456789",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "a password in a URL": "ann:hunter22",
}


@pytest.mark.parametrize("name", SECRETS)
def test_a_text_that_looks_like_a_secret_is_masked_wherever_it_stands(name: str) -> None:
    secret = SECRETS[name]
    text = f"see https://{secret}@host/x" if "URL" in name else f"see {secret} there"
    shown = json.dumps(masked({"note": [text], text: 1}))
    assert secret not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "key", ["api_key", "apiKey", "X-Api-Key", "password", "clientSecret", "Authorization", "token"]
)
def test_texts_below_a_key_that_says_so_are_masked(key: str) -> None:
    assert masked({"a": {key: "plain", "other": "plain"}}) == {"a": {key: MASK, "other": "plain"}}
    assert masked({key: ["plain", {"n": 1}]}) == {key: [MASK, {"n": 1}]}


def test_what_only_sounds_like_a_secret_stays() -> None:
    row = {
        "inputTokens": 5,
        "tokenUsage": {"totalCents": 1.5},
        "totalTokens": "many",
        "hasPassword": True,
        "key": "WEB",
    }
    assert masked(row) == row


def test_the_flag_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sync", "run", "--help"])
    assert "--send-examples" in capsys.readouterr().out
