"""The command that installs Port's Ocean for a mapping with `runner: ocean`. Pure.

Facts: ocean.md §2-5, and the installation part of Port's Cursor guide. The guide's Docker command passes the key in
variables that Ocean doesn't read (`OCEAN__INTEGRATION__SECRETS__...`; only the Helm chart renames them), so here they
are `OCEAN__INTEGRATION__CONFIG__...`. No command holds a secret: the shell puts in what its variables hold.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from portcfg.model import Body

CHART_REPOSITORY = "https://port-labs.github.io/helm-charts"
CHART = "port-labs/port-ocean"
IMAGE = "ghcr.io/port-labs/port-ocean-{type}:latest"
RESYNC_MINUTES = 120
# portcfg's auth types -> Ocean's, and the settings that hold the values: Ocean's name -> the key of `source.auth`.
AUTH: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "basic": ("basic", {"username": "username_env", "password": "password_env"}),
    "bearer": ("bearer_token", {"apiToken": "token_env"}),
    "header": ("api_key", {"apiKey": "token_env"}),
    "none": ("none", {}),
}
# What of a resource's selector only portcfg understands.
OURS = ("stream", "pagination", "window", "group_by", "aggregate", "dedupe")


@dataclass(frozen=True)
class Installation:
    """How an Ocean is to be installed. `secrets` maps Ocean's settings to names of environment variables."""

    identifier: str
    type: str
    port_base_url: str
    config: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    event_listener: str = "POLLING"
    resync_minutes: int = RESYNC_MINUTES
    initialize_port_resources: bool = False
    send_raw_data_examples: bool = True


def installation(spec: Body, source: Body, port_base_url: str) -> Installation:
    """The installation of a mapping's spec, whose `source` is given apart, since it may be the project's.

    portcfg makes blueprints and mapping itself, so Ocean is told not to, unless the spec's `ocean` says otherwise.
    """
    wanted = spec.get("ocean") or {}
    auth = source.get("auth") or {"type": "none"}
    name, secrets = AUTH[auth["type"]]
    config = {"baseUrl": source.get("base_url", ""), "authType": name, "paginationType": "none"}
    if auth["type"] == "header":
        config["apiKeyHeader"] = auth["header"]
    return Installation(
        identifier=spec["identifier"],
        type=spec.get("type", "custom"),
        port_base_url=port_base_url,
        config={**config, **(wanted.get("config") or {})},
        secrets={setting: auth[key] for setting, key in secrets.items() if auth.get(key)},
        event_listener=wanted.get("event_listener", "POLLING"),
        resync_minutes=wanted.get("resync_minutes", RESYNC_MINUTES),
        initialize_port_resources=wanted.get("initialize_port_resources", False),
        send_raw_data_examples=spec.get("sendRawDataExamples", True),
    )


def helm(wanted: Installation) -> str:
    """The commands that install it in a Kubernetes cluster."""
    settings = [
        ("port.clientId", _variable("PORT_CLIENT_ID")),
        ("port.clientSecret", _variable("PORT_CLIENT_SECRET")),
        ("port.baseUrl", _helm_text(wanted.port_base_url)),
        ("initializePortResources", _flag(wanted.initialize_port_resources)),
        ("sendRawDataExamples", _flag(wanted.send_raw_data_examples)),
        ("scheduledResyncInterval", str(wanted.resync_minutes)),
        ("integration.identifier", _helm_text(wanted.identifier)),
        ("integration.type", _helm_text(wanted.type)),
        ("integration.eventListener.type", _helm_text(wanted.event_listener)),
        *((f"integration.config.{name}", _helm_text(_text(value))) for name, value in wanted.config.items()),
        *((f"integration.secrets.{name}", _variable(variable)) for name, variable in wanted.secrets.items()),
    ]
    install = f"helm upgrade --install {shlex.quote(wanted.identifier)} {CHART}"
    texts = ("port.", "integration.")
    sets = [f"--set{'-string' if name.startswith(texts) else ''} {name}={value}" for name, value in settings]
    repository = f"helm repo add --force-update port-labs {CHART_REPOSITORY}"
    return f"{repository}\n{_lines([install, *sets])}"


def docker(wanted: Installation) -> str:
    """The command that runs it in a container."""
    listener = {"type": wanted.event_listener}
    variables = [
        ("OCEAN__EVENT_LISTENER", shlex.quote(json.dumps(listener, separators=(",", ":")))),
        ("OCEAN__INITIALIZE_PORT_RESOURCES", _flag(wanted.initialize_port_resources)),
        ("OCEAN__SEND_RAW_DATA_EXAMPLES", _flag(wanted.send_raw_data_examples)),
        *((("OCEAN__SCHEDULED_RESYNC_INTERVAL", str(wanted.resync_minutes)),) if _stays(wanted) else ()),
        ("OCEAN__INTEGRATION__IDENTIFIER", shlex.quote(wanted.identifier)),
        ("OCEAN__INTEGRATION__TYPE", shlex.quote(wanted.type)),
        *((_config_name(name), shlex.quote(_text(value))) for name, value in wanted.config.items()),
        *((_config_name(name), _variable(variable)) for name, variable in wanted.secrets.items()),
        ("OCEAN__PORT__CLIENT_ID", _variable("PORT_CLIENT_ID")),
        ("OCEAN__PORT__CLIENT_SECRET", _variable("PORT_CLIENT_SECRET")),
        ("OCEAN__PORT__BASE_URL", shlex.quote(wanted.port_base_url)),
    ]
    run = "docker run -d --restart unless-stopped" if _stays(wanted) else "docker run -i --rm"
    settings = [f"-e {name}={value}" for name, value in variables]
    return _lines([f"{run} --platform=linux/amd64", *settings, shlex.quote(IMAGE.format(type=wanted.type))])


def warnings(spec: Body, wanted: Installation) -> Iterator[str]:
    """What Ocean will make of this otherwise than it looks, as it behaves since version 0.48 (ocean.md §2-5, §9)."""
    if wanted.config.get("authType") == "basic" and "password" not in wanted.secrets:
        yield (
            "Ocean sends no Authorization header when the password of basic auth is empty: name a variable with any "
            "text in it as source.auth.password_env, if the source takes that"
        )
    for index, resource in enumerate(spec.get("resources") or []):
        where, selector = f"resources[{index}] ({resource.get('kind')})", resource.get("selector") or {}
        if isinstance(selector.get("body"), str):
            yield f"{where}: Ocean doesn't evaluate `body` as jq; it sends the text as a JSON string"
        if ours := [key for key in OURS if key in selector]:
            yield f"{where}: Ocean doesn't know {', '.join(ours)}; only `runner: portcfg` reads them"
    if spec.get("entityDeletionThreshold", 0.9):
        yield (
            "Ocean deletes entities that a run didn't bring, also those of failed pages and days outside its window, "
            "up to entityDeletionThreshold; 0 stops that"
        )


def _stays(wanted: Installation) -> bool:
    return wanted.event_listener != "ONCE"


def _config_name(name: str) -> str:
    return "OCEAN__INTEGRATION__CONFIG__" + re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).upper()


def _variable(name: str) -> str:
    return f'"${name}"'


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _helm_text(value: str) -> str:
    # Helm takes a comma as the beginning of the next setting, and braces as a list.
    return shlex.quote(re.sub(r"([,{}\\])", r"\\\1", value))


def _lines(parts: list[str]) -> str:
    return " \\\n  ".join(parts)
