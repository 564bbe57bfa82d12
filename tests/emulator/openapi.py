"""Port's published OpenAPI, for checking bodies against. It isn't part of the project: tests find it by environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import regex  # type: ignore[import-untyped]
from jsonschema import Draft7Validator, validators
from jsonschema.exceptions import ValidationError

ROOT = Path(__file__).parents[2]
REFERENCE = Path(os.environ.get("PORTCFG_REFERENCE_DIR", ROOT.parent / "shared")) / "facts" / "port-openapi.json"
needs_reference = pytest.mark.skipif(not REFERENCE.exists(), reason=f"no published OpenAPI at {REFERENCE.name}")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    # `\p{L}` is ECMAScript; Python's own `re` doesn't have it.
    if isinstance(instance, str) and not regex.search(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _type(validator: Any, types: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if instance is None and schema.get("nullable"):
        return
    yield from Draft7Validator.VALIDATORS["type"](validator, types, instance, schema)


Checker: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft7Validator, {"pattern": _pattern, "type": _type}
)


@dataclass(frozen=True)
class Finding:
    """One place where a body isn't as published. `what` is `place: keyword`, with the key it is about."""

    route: str
    side: str
    what: str


class OpenApi:
    """The published routes and their schemas."""

    def __init__(self, path: Path = REFERENCE) -> None:
        self._spec = json.loads(path.read_text(encoding="utf-8"))

    def route(self, method: str, path: str) -> str:
        """`METHOD template` of a request's path, or "" if it isn't published."""
        parts = path.partition("?")[0].split("/")
        matches = []
        for template, operations in self._spec["paths"].items():
            names = template.split("/")
            if len(names) == len(parts) and method.lower() in operations and _fits(names, parts):
                matches.append((sum(name.startswith("{") for name in names), template))
        return f"{method} {min(matches)[1]}" if matches else ""

    def routes(self) -> list[str]:
        """Every published `METHOD template`, but for the token's."""
        return [
            f"{method.upper()} {template}"
            for template, operations in self._spec["paths"].items()
            for method in operations
            if template != "/v1/auth/access_token"
        ]

    def request_findings(self, route: str, body: Any) -> Iterator[Finding]:
        """Where a request's body isn't as published."""
        schema = self._schema(self._operation(route).get("requestBody", {}))
        yield from self._findings(route, "request", schema, body)

    def accepts(self, route: str, body: Any) -> bool:
        """Whether a request's body is as published."""
        return next(self.request_findings(route, body), None) is None

    def response_findings(self, route: str, status: int, body: Any) -> Iterator[Finding]:
        """Where an answer isn't as published, its status included."""
        responses = self._operation(route)["responses"]
        if str(status) not in responses:
            yield Finding(route, "response", f"status {status}")
            return
        for finding in self._findings(route, "response", self._schema(responses[str(status)]), body):
            yield Finding(route, "response", f"{status} {finding.what}")

    def _operation(self, route: str) -> Any:
        method, _, template = route.partition(" ")
        return self._spec["paths"][template][method.lower()]

    def _schema(self, holder: Any) -> Any:
        return holder.get("content", {}).get("application/json", {}).get("schema", {})

    def _findings(self, route: str, side: str, schema: Any, body: Any) -> Iterator[Finding]:
        checker = Checker({**schema, "components": self._spec["components"]})
        for error in checker.iter_errors(body):
            place = "/".join("*" if isinstance(part, int) else str(part) for part in error.absolute_path)
            for about in _about(error):
                yield Finding(route, side, f"{place or '.'}: {about}")


def _about(error: ValidationError) -> list[str]:
    if error.validator != "additionalProperties":
        return [str(error.validator)]
    schema: Any = error.schema
    instance: Any = error.instance
    return [f"additionalProperties {key}" for key in sorted(set(instance) - set(schema.get("properties", {})))]


def _fits(names: list[str], parts: list[str]) -> bool:
    return all(name.startswith("{") or name == unquote(part) for name, part in zip(names, parts, strict=True))
