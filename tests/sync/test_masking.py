"""A source or a Port that says back what it was sent: keys and passwords are in nothing that the sync tells."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from portcfg.client import Credentials, PortReader
from portcfg.emulator.server import serving
from portcfg.errors import ApiError, TerminalApiError
from portcfg.masking import Mask, without_login
from portcfg.render.sync import sync_json, sync_markdown, sync_text
from portcfg.sync.quarantine import Quarantine
from portcfg.sync.report import Progress
from tests.sync.support import blueprint, embedded_port, entities, mapping_of, options, retry, run_sync, source_app

PASSWORD = "super/secret ü+"
LOGIN = base64.b64encode(f"robot-7:{PASSWORD}".encode()).decode()
SENT = base64.b64encode(f"robot-7:{PASSWORD}".encode("latin-1")).decode()
FORMS = (PASSWORD, LOGIN, SENT, quote(PASSWORD, safe=""), "super/secret \\u00fc+")
THING = blueprint("thing", n="number")
PERSON = "bob@example.com"
AUTH = {"type": "basic", "username_env": "SOURCE_USER", "password_env": "SOURCE_PASSWORD"}
ENV = {"SOURCE_USER": "robot-7", "SOURCE_PASSWORD": PASSWORD, "HASH_KEY": "0123456789abcdef" * 2}
GOOD = {"rows": [{"id": "a", "n": 1}]}
SAID = f"key Basic {LOGIN} or {SENT} of robot-7:{PASSWORD} ({quote(PASSWORD, safe='')}) bad for {PERSON}"


def run(answer: Any, tmp_path: Path, privacy: bool) -> str:
    """Everything that a run tells: reports, progress, what it raises, the quarantine file, the run's record in Port."""
    told: list[str] = []

    def progress(item: Progress) -> None:
        told.append(repr(item))

    resource = {
        "kind": "/a",
        "selector": {"data_path": ".rows"},
        "port": {"entity": {"mappings": {"identifier": ".id", "blueprint": '"thing"', "properties": {"n": ".n + 1"}}}},
    }
    good = {**resource, "kind": "/good"}
    handlers = {"/a": lambda _: answer, "/good": lambda _: GOOD}
    more = {"privacy": {"key_env": "HASH_KEY"}} if privacy else {}
    with serving(source_app(handlers)) as url, embedded_port(THING) as port:
        source = {"base_url": url, "auth": AUTH}
        body = {"source": source, "resources": [resource, good], "record_run": True, "identifier": "m", **more}
        kept = Quarantine(tmp_path / "kept.ndjson")
        report = run_sync(mapping_of(body), ENV, port, options(), progress, quarantine=kept)
        told += [repr(report), *(render(report) for render in (sync_json, sync_markdown, sync_text))]
        told.append(repr(entities(port, "portcfg_sync_run")))
    return "\n".join([*told, *(file.read_text() for file in tmp_path.iterdir())])


ANSWERS: dict[str, Any] = {
    "a refusal": lambda: JSONResponse({"message": SAID}, 400),
    "out of plan": lambda: JSONResponse({"error": SAID}, 403),
    "a failure": lambda: JSONResponse({"message": SAID}, 503),
    "a redirect": lambda: JSONResponse({}, 302, {"location": f"https://x.test/?{quote(PASSWORD, safe='')}"}),
    "a row": lambda: {"rows": [{"id": "b", "n": SAID}]},
    "a row whose identifier it is": lambda: {"rows": [{"id": SAID, "n": 1}, {"id": SAID, "n": "x"}]},
}


@pytest.mark.parametrize("privacy", [False, True])
@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_source_says_back_is_not_told(name: str, privacy: bool, tmp_path: Path) -> None:
    told = run(ANSWERS[name](), tmp_path, privacy)
    assert [form for form in FORMS if form in told] == []
    if "row" not in name:
        assert "***" in told
    assert privacy is (PERSON not in told) or name == "a redirect"


@pytest.mark.parametrize("status", [400, 503])
def test_what_port_says_back_is_not_told(status: int) -> None:
    told: list[str] = []

    async def answer(request: Request) -> JSONResponse:
        if request.url.path.endswith("access_token"):
            return JSONResponse({"ok": True, "accessToken": "tok-en.1234", "expiresIn": 3600})
        return JSONResponse(
            {"ok": False, "error": "e", "message": "tok-en.1234 and port-secret", "details": ["port-secret"]}, status
        )

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    with serving(app) as url:

        def tell(_: float, error: ApiError) -> None:
            told.append(error.message)

        port = PortReader(url, Credentials("id", "port-secret"), retry(), tell)
        with pytest.raises(ApiError) as caught:
            port.get("/blueprints")
        port.close()
    shown = [*told, str(caught.value), caught.value.message, repr(caught.value.details)]
    assert not any(secret in text for text in shown for secret in ("tok-en.1234", "port-secret"))
    assert "*** and ***" in caught.value.message


def test_a_login_in_a_url_is_not_shown() -> None:
    assert without_login("https://user:pass@host.test/x") == "https://***@host.test/x"
    assert without_login("https://host.test/x@y") == "https://host.test/x@y"


def test_short_values_stand_in_too_many_words() -> None:
    mask = Mask(["ab"], [("a", "")])
    assert mask.text("about a table") == "about a table"


def test_errors_are_masked_in_place() -> None:
    error = TerminalApiError("no abcdef", hint="abcdef", details={"abcdef": ["abcdef", 5]})
    Mask(["abcdef"]).error(error)
    assert (error.message, str(error), error.hint, error.details) == ("no ***", "no ***", "***", {"***": ["***", 5]})
