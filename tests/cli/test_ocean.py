"""`ocean render`: what the shell hands to helm and docker when the printed command is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from portcfg.cli.main import main
from tests.support import write_files

SPEC = """
runner: ocean
source:
  base_url: https://api.example.com/v2?a=1&b=2
  auth: {type: %s}
ocean:
  resync_minutes: 60
  config: {paginationType: page, hasMorePath: "items, {it's}", pageSize: 100}
resources:
  - kind: /things
    selector: {query: 'true', data_path: .data%s}
    port: {entity: {mappings: {identifier: .id, blueprint: '"_user"', properties: {}}}}
"""
SECRETS = {"PORT_CLIENT_ID": "an $id", "PORT_CLIENT_SECRET": 'a "secret"', "KEY": "k=y", "PASSWORD": "p w"}
BASIC = "basic, username_env: KEY, password_env: PASSWORD"
# What both ways of installing must set, by the name that Ocean has for it.
EXPECTED = {
    "identifier": "things",
    "type": "custom",
    "config.baseUrl": "https://api.example.com/v2?a=1&b=2",
    "config.paginationType": "page",
    "config.hasMorePath": "items, {it's}",
    "config.pageSize": "100",
}
AUTHS = {
    BASIC: {"config.authType": "basic", "username": "k=y", "password": "p w"},
    "bearer, token_env: KEY": {"config.authType": "bearer_token", "apiToken": "k=y"},
    "header, token_env: KEY, header: X-Key": {
        "config.authType": "api_key",
        "config.apiKeyHeader": "X-Key",
        "apiKey": "k=y",
    },
    "none": {"config.authType": "none"},
}
# The names that Ocean reads from its environment.
VARIABLES = {
    "identifier": "IDENTIFIER",
    "type": "TYPE",
    "config.baseUrl": "CONFIG__BASE_URL",
    "config.paginationType": "CONFIG__PAGINATION_TYPE",
    "config.hasMorePath": "CONFIG__HAS_MORE_PATH",
    "config.pageSize": "CONFIG__PAGE_SIZE",
    "config.authType": "CONFIG__AUTH_TYPE",
    "config.apiKeyHeader": "CONFIG__API_KEY_HEADER",
    "username": "CONFIG__USERNAME",
    "password": "CONFIG__PASSWORD",
    "apiToken": "CONFIG__API_TOKEN",
    "apiKey": "CONFIG__API_KEY",
}


@pytest.fixture
def portcfg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def run(spec: str, *args: str) -> Any:
        write_files(tmp_path, {"specs/mappings/things.yaml": spec})
        return CliRunner().invoke(main, ["ocean", "render", *args], env={**SECRETS, "PORT_BASE_URL": ""})

    return run


def given(command: str, tool: str, tmp_path: Path) -> list[str]:
    """The last arguments that the shell gives to `tool` when it runs the command."""
    fake = tmp_path / tool
    fake.write_text('#!/bin/sh\nfor part in "$@"; do printf "%s\\0" "$part"; done > args\n', encoding="utf-8")
    fake.chmod(0o755)
    env = {**SECRETS, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    subprocess.run(["bash", "-euc", command], cwd=tmp_path, env=env, check=True)
    return (tmp_path / "args").read_text(encoding="utf-8").split("\0")[:-1]


def helm_values(args: list[str]) -> dict[str, str]:
    pairs = [value.split("=", 1) for flag, value in pairwise(args) if flag.startswith("--set")]
    assert all(not re.search(r"(?<!\\)[,{}]", value) for name, value in pairs if "secret" not in name.lower())
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}


@pytest.mark.parametrize("auth", AUTHS)
def test_helm_gets_every_setting(portcfg: Any, tmp_path: Path, auth: str) -> None:
    done = portcfg(SPEC % (auth, ""))
    assert done.exit_code == 0, done.output
    assert not any(secret in done.output for secret in SECRETS.values())
    values = helm_values(given(done.stdout, "helm", tmp_path))
    for name, value in {**EXPECTED, **AUTHS[auth]}.items():
        under = "" if name in EXPECTED or name.startswith("config.") else "secrets."
        assert values[f"integration.{under}{name}"] == value
    assert values["port.clientId"] == SECRETS["PORT_CLIENT_ID"]
    assert values["port.clientSecret"] == SECRETS["PORT_CLIENT_SECRET"]
    assert values["port.baseUrl"] == "https://api.port.io"
    assert values["scheduledResyncInterval"] == "60"
    assert values["initializePortResources"] == "false"
    assert values["sendRawDataExamples"] == "true"
    assert values["integration.eventListener.type"] == "POLLING"


@pytest.mark.parametrize("auth", AUTHS)
def test_docker_gets_every_setting(portcfg: Any, tmp_path: Path, auth: str) -> None:
    done = portcfg(SPEC % (auth, ""), "--docker")
    assert done.exit_code == 0, done.output
    assert not any(secret in done.output for secret in SECRETS.values())
    args = given(done.stdout, "docker", tmp_path)
    values = dict(value.split("=", 1) for flag, value in pairwise(args) if flag == "-e")
    for name, value in {**EXPECTED, **AUTHS[auth]}.items():
        assert values[f"OCEAN__INTEGRATION__{VARIABLES[name]}"] == value
    assert json.loads(values["OCEAN__EVENT_LISTENER"]) == {"type": "POLLING"}
    assert values["OCEAN__PORT__CLIENT_SECRET"] == SECRETS["PORT_CLIENT_SECRET"]
    assert values["OCEAN__SCHEDULED_RESYNC_INTERVAL"] == "60"
    assert args[-1] == "ghcr.io/port-labs/port-ocean-custom:latest"


def test_docker_runs_once_where_the_listener_says_so(portcfg: Any, tmp_path: Path) -> None:
    spec = (SPEC % ("none", "")).replace("resync_minutes: 60", "event_listener: ONCE")
    args = given(portcfg(spec, "--docker").stdout, "docker", tmp_path)
    assert args[:3] == ["run", "-i", "--rm"]
    assert not any("RESYNC" in value for value in args)


def test_what_ocean_does_otherwise_is_said(portcfg: Any) -> None:
    done = portcfg(SPEC % ("basic, username_env: KEY", ", method: POST, body: '{a: now}', window: {days: 3}"))
    assert "no Authorization header" in done.stderr
    assert "doesn't evaluate `body`" in done.stderr
    assert "doesn't know window" in done.stderr
    assert "entityDeletionThreshold" in done.stderr
    quiet = portcfg(f"entityDeletionThreshold: 0{SPEC % (BASIC, '')}")
    assert quiet.stderr == ""


def test_a_mapping_that_portcfg_runs_is_refused(portcfg: Any) -> None:
    done = portcfg((SPEC % ("none", "")).replace("runner: ocean", "runner: portcfg"), "things")
    assert done.exit_code == 64
    assert "no mapping 'things' that Ocean runs" in done.output
    assert portcfg(SPEC % ("none", ""), "other").exit_code == 64


def test_the_settings_are_not_sent_to_port(portcfg: Any) -> None:
    portcfg(SPEC % ("none", ""))
    compiled = CliRunner().invoke(main, ["compile", "mapping/things"])
    assert "resync_minutes" not in compiled.output
    assert '"runner": "ocean"' in compiled.output
