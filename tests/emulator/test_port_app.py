"""The embedded Port around its routes: tokens, sizes, limits, faults, the state file, many clients at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from portcfg.client import Credentials, PortWriter
from portcfg.emulator.port_app import NOT_EMULATED, Chaos, port_app
from portcfg.emulator.port_routes import EMULATED
from portcfg.emulator.server import serving
from portcfg.errors import AnswerError, TransientApiError, UsageError
from portcfg.retry import RetryPolicy
from tests.emulator.exchange import Port
from tests.emulator.switch import Switch

THING = {"identifier": "thing", "title": "Thing", "schema": {"properties": {"n": {"type": "number"}}}}
Start = Callable[..., Port]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Switch, str]]:
    switch = Switch()
    with serving(switch) as base:
        yield switch, base


@pytest.fixture
def start(server: tuple[Switch, str]) -> Iterator[Start]:
    """Puts a fresh embedded Port behind the server and logs in to it."""
    switch, base = server
    ports: list[Port] = []

    def begin(login: bool = True, **options: Any) -> Port:
        switch.inner = port_app(**options)
        ports.append(Port(base))
        if login:
            ports[-1].login()
        return ports[-1]

    yield begin
    for port in ports:
        port.session.close()


def client(port: Port, **options: Any) -> PortWriter:
    retry = RetryPolicy(sleep=lambda seconds: None, **options)
    return PortWriter(port.base, Credentials("local", "local"), retry)


# Tokens.


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({"clientId": "local", "clientSecret": "wrong"}, 401, "invalid_credentials"),
        ({"clientId": "local"}, 422, "invalid_request"),
        ({"clientId": "local", "clientSecret": "local", "more": 1}, 422, "invalid_request"),
        ([], 422, "invalid_request"),
    ],
)
def test_refused_logins(start: Start, body: Any, status: int, error: str) -> None:
    answer = start(login=False).send("POST /v1/auth/access_token", body)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_token_answer(start: Start) -> None:
    body = {"clientId": "local", "clientSecret": "local"}
    answer = start(login=False, expires_in=60).send("POST /v1/auth/access_token", body).json()
    assert (answer["ok"], answer["expiresIn"], answer["tokenType"]) == (True, 60, "Bearer")
    assert answer["accessToken"].count(".") == 2


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Bearer é", "Basic bG9jYWw6bG9jYWw="])
def test_no_route_without_a_token(start: Start, header: str) -> None:
    port = start(login=False)
    answer = port.send("GET /v1/blueprints", headers={"Authorization": header.encode()})
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")


def test_token_without_the_word_bearer(start: Start) -> None:
    port = start()
    token = str(port.session.headers["Authorization"]).removeprefix("Bearer ")
    assert port.send("GET /v1/blueprints", headers={"Authorization": token}).status_code == 200


def test_tokens_expire_and_the_client_fetches_another(start: Start) -> None:
    now = [1_000_000.0]
    port = start(clock=lambda: now[0], expires_in=100)
    mine = client(port, wall=lambda: 0.0)
    mine.get("/blueprints")
    now[0] += 99
    assert port.send("GET /v1/blueprints").status_code == 200
    now[0] += 1
    assert port.send("GET /v1/blueprints").status_code == 401
    assert mine.get("/blueprints")["ok"] is True
    mine.close()


def test_tokens_outlive_a_restart_but_not_another_secret(start: Start) -> None:
    old = start()
    token = {"Authorization": old.session.headers["Authorization"]}
    assert start(login=False).send("GET /v1/blueprints", headers=token).status_code == 200
    assert start(login=False, client_secret="other").send("GET /v1/blueprints", headers=token).status_code == 401


def test_clients_are_told_apart(start: Start) -> None:
    mine = start(clients={"other": "secret", "twin": "secret"})
    mine.send("POST /v1/blueprints", THING)
    for name in ("other", "twin"):
        theirs = Port(mine.base, name, "secret")
        theirs.login()
        theirs.send("PATCH /v1/blueprints/thing", {"title": "Theirs"})
        found = mine.send("GET /v1/blueprints/thing").json()["blueprint"]
        assert (found["createdBy"], found["updatedBy"]) == ("local", name)
        theirs.send("POST /v1/pages", {"identifier": name})
        assert mine.send(f"GET /v1/pages/{name}").json()["page"]["updatedBy"] == name
        theirs.session.close()
    wrong = {"clientId": "other", "clientSecret": "local"}
    assert mine.send("POST /v1/auth/access_token", wrong).status_code == 401


def test_the_audit_log_tells_who_made_a_change(start: Start) -> None:
    mine = start(clients={"other": "secret"})
    theirs = Port(mine.base, "other", "secret")
    theirs.login()
    mine.send("POST /v1/blueprints", THING)
    theirs.send("PATCH /v1/blueprints/thing", {"title": "Theirs"})
    audits = mine.send("GET /v1/audit-log?blueprint=thing&resources=blueprint").json()["audits"]
    assert [(entry["action"], entry["trigger"]["by"]["userId"]) for entry in audits] == [
        ("UPDATE", "other"),
        ("CREATE", "local"),
    ]
    one = mine.send(f"GET /v1/audit-log?identifier={audits[0]['identifier']}").json()["audits"]
    assert one == audits[:1]
    for wrong in ("limit=x", "limit=-1", "from=yesterday"):
        assert mine.send(f"GET /v1/audit-log?{wrong}").status_code == 422
    theirs.session.close()


def test_a_client_that_is_gone_has_no_token_any_more(start: Start) -> None:
    base = start(clients={"other": "local"}).base
    theirs = Port(base, "other", "local")
    theirs.login()
    start(login=False)
    assert theirs.send("GET /v1/blueprints").status_code == 401
    theirs.session.close()


# Sizes, shapes, headers.


def test_body_over_a_mebibyte(start: Start) -> None:
    port = start()
    fitting = {**THING, "description": "x", "padding": "x" * (1024 * 1024 - 1000)}
    assert port.send("POST /v1/blueprints", fitting).status_code == 201
    answer = port.send("PUT /v1/blueprints/thing", {**fitting, "padding": "x" * 1024 * 1024})
    assert (answer.status_code, answer.json()["ok"]) == (413, False)


@pytest.mark.parametrize("text", ["{", "{'a': 1}", '{"a": NaN}', "[" * 100_000, "\xff"])
def test_body_that_is_not_json(start: Start, text: str) -> None:
    port = start()
    url = f"{port.base}/v1/blueprints"
    answer = port.session.post(url, data=text.encode("latin-1"), timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_rate_limit_headers_on_every_answer(start: Start) -> None:
    port = start()
    headers = [port.send(f"GET {path}").headers for path in ("/v1/blueprints", "/v1/nothing", "/v1/blueprints")]
    assert all(header["x-ratelimit-limit"] == "15000" and header["x-ratelimit-period"] == "300" for header in headers)
    left = [int(header["x-ratelimit-remaining"]) for header in headers]
    assert left == [left[0], left[0] - 1, left[0] - 2]


def test_routes_that_are_not_emulated_say_so(start: Start) -> None:
    port = start()
    for route in NOT_EMULATED:
        request = route.replace("{", "").replace("}", "")
        answer = port.send(request, {})
        assert (answer.status_code, answer.json()["error"]) == (501, "not_implemented"), route
        assert "embedded Port" in answer.json()["message"]


def test_no_route_is_both_emulated_and_not() -> None:
    assert not {name for name, _ in EMULATED} & set(NOT_EMULATED)


@pytest.mark.parametrize("request_", ["GET /v1/nothing", "GET /v2/blueprints", "POST /v1/blueprints/x", "GET /v1"])
def test_routes_that_port_does_not_have(start: Start, request_: str) -> None:
    answer = start().send(request_)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_unknown_query_parameters_are_ignored(start: Start) -> None:
    answer = start().send("POST /v1/blueprints?ocean_info_resync_id=1&create_catalog_page=false", THING)
    assert answer.status_code == 201


def test_front_page_says_how_to_connect(start: Start) -> None:
    port = start(login=False)
    answer = port.send("GET /")
    assert answer.headers["content-type"].startswith("text/plain")
    assert f"PORT_BASE_URL={port.base}\n" in answer.text


def test_request_log(server: tuple[Switch, str], start: Start) -> None:
    port = start()
    log = server[0].inner.state.log  # type: ignore[attr-defined]
    log.clear()
    port.send("GET /v1/blueprints/a%2Fb")
    port.send("POST /v1/blueprints", THING)
    assert list(log) == [("GET", "/v1/blueprints/a/b", 404), ("POST", "/v1/blueprints", 201)]


def test_resyncs_are_counted(server: tuple[Switch, str], start: Start) -> None:
    port = start()
    port.send("POST /v1/integration", {"installationId": "i", "installationAppType": "t"})
    port.send("PATCH /v1/integration/i", {})
    port.send("PATCH /v1/integration/i/config", {"config": {}})
    port.send("PATCH /v1/integration/i/config", {"config": {}}, {"x-skip-resync": "true"})
    resyncs = server[0].inner.state.resyncs  # type: ignore[attr-defined]
    assert (resyncs("i"), resyncs("nothing")) == (2, 0)


def test_datasource_is_the_writers_user_agent(start: Start) -> None:
    port = start()
    port.send("POST /v1/blueprints", THING)
    for name in ("mine", "theirs"):
        port.send("POST /v1/blueprints/thing/entities", {"identifier": name}, {"User-Agent": f"tool/{name}"})
    rule = {"property": "$datasource", "operator": "=", "value": "tool/mine"}
    found = port.send("POST /v1/entities/search", {"combinator": "and", "rules": [rule]}).json()
    assert [entity["identifier"] for entity in found["entities"]] == ["mine"]


def test_long_lists_time_out_and_pages_do_not(start: Start) -> None:
    port = start()
    port.send("POST /v1/blueprints", THING)
    for first in range(0, 10_020, 20):
        entities = [{"identifier": f"e{index:05}"} for index in range(first, first + 20)]
        port.send("POST /v1/blueprints/thing/entities/bulk", {"entities": entities}).raise_for_status()
    assert port.send("GET /v1/blueprints/thing/entities").status_code == 504
    mine = client(port)
    names = [entity["identifier"] for entity in mine.entities("thing", include=["$identifier"])]
    assert names == [f"e{index:05}" for index in range(10_020)]
    mine.close()


# Faults.


def test_429_in_bursts_asks_to_wait(start: Start) -> None:
    port = start(login=False, chaos=Chaos(too_many=0.2, burst=3, seed=1))
    port.login()
    answers = [port.send("GET /v1/blueprints") for _ in range(60)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert 0 < len(limited) < 60
    assert all(float(answer.headers["x-ratelimit-reset"]) == 0.01 for answer in limited)
    assert all(answer.headers["x-ratelimit-remaining"] == "0" for answer in limited)
    text = "".join("x" if answer.status_code == 429 else "." for answer in answers).strip("x")
    assert all(len(run) >= 3 for run in text.split(".") if run)


def test_reset_as_epoch(start: Start) -> None:
    port = start(chaos=Chaos(too_many=1, retry_after=30, reset_as_epoch=True), clock=lambda: 1_000_000.0)
    answer = port.send("GET /v1/blueprints")
    assert float(answer.headers["x-ratelimit-reset"]) == 1_000_030 and "retry-after" not in answer.headers


def statuses(port: Port) -> list[int]:
    return [port.send("GET /v1/blueprints").status_code for _ in range(30)]


def test_faults_repeat_for_a_seed(start: Start) -> None:
    runs = [statuses(start(chaos=Chaos(server_errors=0.5, seed=seed))) for seed in (7, 7, 8)]
    assert runs[0] == runs[1] != runs[2]
    assert {500, 502, 503, 504} >= set(runs[0]) - {200} != set()


def test_server_errors_do_nothing(start: Start) -> None:
    port = start(chaos=Chaos(server_errors=1))
    assert port.send("POST /v1/blueprints", THING).status_code >= 500


def test_cut_answers_have_done_their_work(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "port.db"
    port = start(data=state, chaos=Chaos(drops=1))
    with pytest.raises(requests.RequestException):
        port.send("POST /v1/blueprints", THING)
    assert start(data=state).send("GET /v1/blueprints/thing").status_code == 200


def test_the_client_gets_through_chaos(start: Start) -> None:
    mine = client(start(chaos=Chaos(too_many=0.1, server_errors=0.1, drops=0.1, shuffle=True, seed=3)), attempts=20)
    mine.send("PUT", "/blueprints/_user", mine.get("/blueprints/_user")["blueprint"])
    for _ in range(30):
        assert len(mine.get("/blueprints")["blueprints"]) == 5
    mine.close()


def test_shuffled_lists(start: Start) -> None:
    port = start(chaos=Chaos(shuffle=True))
    orders = {
        tuple(blueprint["identifier"] for blueprint in port.send("GET /v1/blueprints").json()["blueprints"])
        for _ in range(20)
    }
    assert len(orders) > 1 and len({tuple(sorted(order)) for order in orders}) == 1


def test_shuffled_pages_of_a_search_lose_nothing(start: Start) -> None:
    port = start(chaos=Chaos(shuffle=True))
    port.send("POST /v1/blueprints", THING)
    port.send("POST /v1/blueprints/thing/entities/bulk", {"entities": [{"identifier": f"e{n}"} for n in range(9)]})
    names, body = [], {"limit": 2}
    while True:
        page = port.send("POST /v1/blueprints/thing/entities/search", body).json()
        names += [entity["identifier"] for entity in page["entities"]]
        if "next" not in page:
            break
        body["from"] = page["next"]
    assert sorted(names) == [f"e{n}" for n in range(9)]


def test_web_page_instead_of_an_api(start: Start) -> None:
    port = start(login=False, chaos=Chaos(html=True))
    answer = port.send("GET /v1/blueprints")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    mine = client(port)
    with pytest.raises(AnswerError, match="text/html"):
        mine.get("/blueprints")
    mine.close()


def test_retries_end(start: Start) -> None:
    port = start(chaos=Chaos(server_errors=1))
    mine = client(port, attempts=3)
    with pytest.raises(TransientApiError):
        mine.get("/blueprints")
    assert mine.requests_made == 4
    mine.close()


def test_latency(start: Start) -> None:
    assert start(chaos=Chaos(latency=0.05)).send("GET /v1/blueprints").elapsed.total_seconds() >= 0.05


def test_migrations_take_polls(start: Start) -> None:
    port = start(chaos=Chaos(migration_polls=3))
    port.send("POST /v1/blueprints", THING)
    port.send("POST /v1/blueprints/thing/entities", {"identifier": "a"})
    migration = port.send("DELETE /v1/blueprints/thing/all-entities").json()["migrationId"]
    seen = []
    for _ in range(3):
        count = port.send("GET /v1/blueprints/thing/entities-count").json()["count"]
        status = port.send(f"GET /v1/migrations/{migration}").json()["migration"]["status"]
        seen.append((count, status))
    assert seen == [(1, "RUNNING"), (1, "RUNNING"), (1, "COMPLETED")]
    assert port.send("GET /v1/blueprints/thing/entities-count").json()["count"] == 0


def test_a_cancelled_migration_deletes_nothing(start: Start) -> None:
    port = start(chaos=Chaos(migration_polls=3))
    port.send("POST /v1/blueprints", THING)
    port.send("POST /v1/blueprints/thing/entities", {"identifier": "a"})
    migration = port.send("DELETE /v1/blueprints/thing/all-entities").json()["migrationId"]
    answer = port.send(f"POST /v1/migrations/{migration}/cancel", {"reason": "no"})
    assert answer.json()["migration"]["status"] == "CANCELLED"
    for _ in range(5):
        port.send(f"GET /v1/migrations/{migration}")
    assert port.send("GET /v1/blueprints/thing/entities-count").json()["count"] == 1


def test_a_migration_does_its_work_at_its_last_poll(start: Start) -> None:
    port = start(chaos=Chaos(migration_polls=2), clients={"other": "other"})
    port.send("POST /v1/blueprints", THING)
    port.send("POST /v1/blueprints/thing/entities", {"identifier": "a", "properties": {"n": 1}})
    body = {"sourceBlueprint": "thing", "mapping": {"entity": {"properties": {"n": ".properties.n + 1"}}}}
    theirs = Port(port.base, "other", "other")
    theirs.login()
    migration = theirs.send("POST /v1/migrations", body).json()["migration"]
    seen = [(migration["status"], migration["successCount"])]
    for _ in range(3):
        value = port.send("GET /v1/blueprints/thing/entities/a").json()["entity"]["properties"]["n"]
        listed = port.send("GET /v1/migrations").json()["migrations"]
        found = port.send(f"GET /v1/migrations/{migration['id']}").json()["migration"]
        assert [entry["status"] for entry in listed] == [seen[-1][0]]
        seen.append((found["status"], found["successCount"]))
        assert value == (1 if len(seen) < 4 else 2)
    assert seen == [("PENDING", 0), ("RUNNING", 0), ("COMPLETED", 1), ("COMPLETED", 1)]
    # It is the work of the one that asked for it, whoever polls.
    entity = port.send("GET /v1/blueprints/thing/entities/a").json()["entity"]
    assert (entity["createdBy"], entity["updatedBy"]) == ("local", "other")
    theirs.session.close()


def test_a_migration_whose_source_is_gone_fails(start: Start) -> None:
    port = start(chaos=Chaos(migration_polls=1))
    port.send("POST /v1/blueprints", THING)
    body = {"sourceBlueprint": "thing", "mapping": {"entity": {}}}
    migration = port.send("POST /v1/migrations", body).json()["migration"]["id"]
    port.send("DELETE /v1/blueprints/thing")
    assert port.send(f"GET /v1/migrations/{migration}").json()["migration"]["status"] == "FAILURE"


@pytest.mark.parametrize("forgetful", [False, True])
def test_what_is_applied_too_early_is_refused_or_forgotten(start: Start, forgetful: bool) -> None:
    port = start(chaos=Chaos(forgetful=forgetful))
    team = {"identifier": "team", "title": "Team", "schema": {"properties": {}}}
    count = {"title": "C", "target": "thing", "calculationSpec": {"func": "count", "calculationBy": "entities"}}
    paths = [{"path": ["team"], "fromBlueprint": "thing"}]
    early = {"aggregationProperties": {"things": {**count, "pathFilter": paths}}}
    port.send("POST /v1/blueprints", team)
    port.send("POST /v1/blueprints", THING)
    statuses = [
        port.send("PATCH /v1/blueprints/team", early).status_code,
        port.send("PATCH /v1/blueprints/thing", {"ownership": {"type": "Inherited", "path": "team"}}).status_code,
        port.send("POST /v1/blueprints", {**team, "identifier": "late", **early}).status_code,
    ]
    assert statuses == ([200, 200, 201] if forgetful else [422, 422, 422])
    if forgetful:
        found = port.send("GET /v1/blueprints/team").json()["blueprint"]["aggregationProperties"]["things"]
        assert found["target"] == "thing" and "pathFilter" not in found
        assert "ownership" not in port.send("GET /v1/blueprints/thing").json()["blueprint"]
    # In time, both stay.
    port.send("PATCH /v1/blueprints/team", {"ownership": {"type": "Direct"}})
    relation = {"relations": {"team": {"target": "team"}}}
    port.send("PATCH /v1/blueprints/thing", {**relation, "ownership": {"type": "Inherited", "path": "team"}})
    assert port.send("GET /v1/blueprints/thing").json()["blueprint"]["ownership"]["path"] == "team"
    assert port.send("PATCH /v1/blueprints/team", early).status_code == 200
    found = port.send("GET /v1/blueprints/team").json()["blueprint"]["aggregationProperties"]["things"]
    assert found["pathFilter"] == paths
    assert (
        port.send("PATCH /v1/blueprints/team", {"aggregationProperties": {"x": {**count, "target": "no"}}}).status_code
        == 404
    )


# The state file.


def test_state_outlives_a_restart(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "port.db"
    first = start(data=state)
    first.send("POST /v1/blueprints", THING)
    first.send("POST /v1/blueprints/thing/entities", {"identifier": "a", "properties": {"n": 1}})
    second = start(data=str(state))
    assert second.send("GET /v1/blueprints/thing/entities/a").json()["entity"]["properties"] == {"n": 1}
    assert second.send("GET /v1/pages/things").status_code == 200


def test_pages_of_a_state_without_a_sidebar_get_their_places(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "port.db"
    port = start(data=state)
    for name, parent in (("a", None), ("b", "c"), ("c", None)):
        port.send("POST /v1/pages", {"identifier": name, "title": name})
        db = sqlite3.connect(state)
        sql = "UPDATE documents SET body = json_set(body, '$.parent', ?) WHERE kind = 'page' AND identifier = ?"
        db.execute(sql, (parent, name))
        db.execute("DELETE FROM documents WHERE kind = 'sidebar'")
        db.commit()
        db.close()
    items = start(data=state).send("GET /v1/sidebars/catalog").json()["sidebar"]["items"]
    places = [(item["identifier"], item.get("parent"), item.get("after")) for item in items]
    assert places == [("a", None, None), ("c", None, "a"), ("b", "c", None)]


def test_state_in_a_new_folder(start: Start, tmp_path: Path) -> None:
    start(data=tmp_path / "a" / "b" / "port.db")
    assert (tmp_path / "a" / "b" / "port.db").exists()


def test_a_file_that_holds_something_else(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("not a database, and not to be overwritten", encoding="utf-8")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        port_app(other)
    assert other.read_text(encoding="utf-8").startswith("not a database")


def test_two_embedded_ports_on_one_file(tmp_path: Path) -> None:
    state = tmp_path / "port.db"
    with serving(port_app(state)) as one, serving(port_app(state)) as other:
        ports = [Port(one), Port(other)]
        for port in ports:
            port.login()
        ports[0].send("POST /v1/blueprints", THING)
        assert ports[1].send("PATCH /v1/blueprints/thing", {"title": "New"}).status_code == 200
        assert ports[0].send("GET /v1/blueprints/thing").json()["blueprint"]["title"] == "New"
        for port in ports:
            port.session.close()


def test_a_failed_request_leaves_nothing(start: Start, tmp_path: Path) -> None:
    state = tmp_path / "port.db"
    port = start(data=state)
    port.send("POST /v1/blueprints", THING)
    body = {"identifier": "a", "properties": {"n": "x"}}
    assert port.send("POST /v1/blueprints/thing/entities", body).status_code == 422
    db = sqlite3.connect(state)
    assert db.execute("SELECT count(*) FROM entities").fetchone() == (0,)
    db.close()


def test_many_clients_write_at_once(start: Start) -> None:
    port = start()
    port.send("POST /v1/blueprints", THING)
    failures: list[int] = []

    def write(worker: int) -> None:
        own = Port(port.base)
        own.login()
        for batch in range(20):
            entities = [{"identifier": f"{worker}-{batch}-{n}", "properties": {"n": n}} for n in range(20)]
            answer = own.send("POST /v1/blueprints/thing/entities/bulk?upsert=true", {"entities": entities})
            failures.extend([answer.status_code] if answer.status_code != 200 else [])
        own.session.close()

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert port.send("GET /v1/blueprints/thing/entities-count").json()["count"] == 4 * 20 * 20
