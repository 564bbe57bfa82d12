"""Requests written down as YAML steps, sent to a Port, and what came back compared with what the step expects.

A step: `{request: "POST /v1/...", body?, status, error?, message?, answer?, save?}`. `answer` is a subset of the body:
`<any>` stands for any value and `<absent>` for no value. `save: {name: key}` keeps a value of the answer, which later
steps write as `{name}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

Step = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """A step with its answer."""

    step: Step
    status: int
    body: Any

    @property
    def name(self) -> str:
        """What the step shows, or else its request."""
        return str(self.step.get("name", self.step["request"]))


@dataclass
class Port:
    """A session with a Port: the embedded one, a recorded one or a real one."""

    base: str
    client_id: str = "local"
    client_secret: str = "local"
    saved: dict[str, str] = field(default_factory=dict)
    session: requests.Session = field(default_factory=requests.Session)

    def login(self) -> None:
        """Fetch a token and use it from now on."""
        body = {"clientId": self.client_id, "clientSecret": self.client_secret}
        answer = self.session.post(f"{self.base}/v1/auth/access_token", json=body, timeout=30)
        answer.raise_for_status()
        self.session.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"

    def send(
        self, request: str, body: Any = None, headers: Mapping[str, str | bytes] | None = None
    ) -> requests.Response:
        """One request written as `METHOD /path`."""
        method, _, path = request.partition(" ")
        return self.session.request(method, self.base + path, json=body, headers=headers, timeout=30)

    def do(self, step: Step) -> Exchange:
        """Send one step and keep what it saves."""
        request = re.sub(r"\{(\w+)\}", lambda name: self.saved[name[1]], step["request"])
        response = self.send(request, step.get("body"), step.get("headers"))
        body = response.json()
        for name, key in step.get("save", {}).items():
            self.saved[name] = str(body[key])
        return Exchange(step, response.status_code, body)


def check(exchange: Exchange) -> None:
    """Assert that the answer is what its step expects; without a status, any 2xx is."""
    step, body = exchange.step, exchange.body
    wanted = step.get("status")
    assert exchange.status == wanted if wanted else exchange.status < 300, (exchange.name, exchange.status, body)
    expected = {**step.get("answer", {})}
    if "error" in step:
        expected.update(ok=False, error=step["error"])
    assert list(differences(expected, body)) == [], (exchange.name, body)
    assert step.get("message", "") in str(body.get("message", "")), (exchange.name, body)


def differences(expected: Any, actual: Any, place: str = "answer") -> Iterator[str]:
    """Where `actual` lacks something of `expected`. Objects may have more keys; lists have the same length."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if value == "<absent>":
                if key in actual:
                    yield f"{place}/{key} is there"
            elif key not in actual:
                yield f"{place}/{key} is missing"
            else:
                yield from differences(value, actual[key], f"{place}/{key}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, value in enumerate(expected):
            yield from differences(value, actual[index], f"{place}/{index}")
    elif expected != "<any>" and (expected != actual or isinstance(expected, bool) is not isinstance(actual, bool)):
        yield f"{place}: {actual!r} is not {expected!r}"


def load(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))
