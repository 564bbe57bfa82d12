"""People under pseudonyms: a mapping's `privacy`.

A stream's `rows`, its lookups and its dedupe see the source's rows as they are, so that team maps and aliases work.
Between that and everything else (grouping, entities, quarantine, messages) every e-mail address, wherever it stands in
a row, becomes a keyed hash, as do those in the variables and lookup tables that expressions of resources see: the same
person has one pseudonym in all streams and runs. Without the key nobody can tell whose it is, not even by
trying addresses.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portcfg.errors import UsageError
from portcfg.model import Path
from portcfg.sync.aliases import tidy
from portcfg.sync.findings import Finding, as_mapping
from portcfg.sync.fragments import Entity

# 96 bits: of ten million people no two meet.
_HEX_DIGITS = 24
_SHORTEST_KEY = 16
# A domain that can't exist (RFC 2606), so that a pseudonym still has the form of an address.
DOMAIN = "pseudonym.invalid"
_WHOLE = re.compile(r"[^\s@]+@[\w-]+(?:\.[\w-]+)*")
_WITHIN = re.compile(r"[^\s@<>()\[\]{},;:\"'`|\\]+@[\w-]+(?:\.[\w-]+)+")
USERS = "_user"
_OUT_OF_PORT = (
    "leave it out here and keep it under `vars` of portcfg.yaml, which expressions see as well (aliases: $aliases)"
)


@dataclass(frozen=True)
class PrivacySpec:
    """`key_env` names the environment variable with the key; `fields` and `drop` are names of keys at any depth of a
    row, whose values are replaced as well or become null."""

    key_env: str
    keep_domain: bool = False
    fields: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


class Pseudonyms:
    """What replaces people, by one key."""

    def __init__(self, spec: PrivacySpec, key: str) -> None:
        self._spec = spec
        self._key = key.encode()
        self._known: dict[str, str] = {}

    @property
    def fingerprint(self) -> str:
        """What tells two keys, or two ways to use one, apart."""
        return self._code(f"portcfg {self._spec.keep_domain}")[:8]

    def row(self, value: Any) -> Any:
        """A row, or a list of them, without people."""
        return self._walk(value, self._spec.fields, self._spec.drop)

    def addresses(self, value: Any) -> Any:
        """Any JSON value with its addresses replaced, in keys, too."""
        return self._walk(value, (), ())

    def text(self, text: str) -> str:
        """A text with the addresses in it replaced."""
        if "@" not in text:
            return text
        if _WHOLE.fullmatch(text.strip()):
            return self._address(text)
        return _WITHIN.sub(lambda match: self._address(match[0]), text)

    def _walk(self, value: Any, fields: tuple[str, ...], drop: tuple[str, ...]) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self._walk(item, fields, drop) for item in value]
        if isinstance(value, dict):
            return {self.text(key): self._member(key, item, fields, drop) for key, item in value.items()}
        return value

    def _member(self, key: str, value: Any, fields: tuple[str, ...], drop: tuple[str, ...]) -> Any:
        if key in drop:
            return None
        if key in fields and isinstance(value, str | int | float) and not _is_address(value):
            return self._code(str(value))
        return self._walk(value, fields, drop)

    def _address(self, text: str) -> str:
        address = tidy(text)
        if address not in self._known:
            domain = address.rpartition("@")[2] if self._spec.keep_domain else DOMAIN
            self._known[address] = f"{self._code(address)}@{domain}"
        return self._known[address]

    def _code(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hexdigest()[:_HEX_DIGITS]


def _is_address(value: str | float) -> bool:
    return isinstance(value, str) and _WHOLE.fullmatch(value.strip()) is not None


def is_private(body: Mapping[str, Any]) -> bool:
    """Whether a mapping's body asks for pseudonyms."""
    return "privacy" in body and as_mapping(body["privacy"]).get("pseudonymise", True) is not False


def privacy_problems(body: Mapping[str, Any]) -> Iterator[Finding]:
    """Addresses in what Port stores of a mapping that pseudonymises; `body` with its own `vars` alone."""
    own: dict[Path, Any] = {("vars", str(name)): value for name, value in as_mapping(body.get("vars")).items()}
    own["aliases",] = body.get("aliases")
    for path, value in own.items() if is_private(body) else ():
        if _WITHIN.search(json.dumps(value, ensure_ascii=False)):
            name = ".".join(map(str, path))
            message = f"`{name}` holds addresses, which `apply` would put into Port with the mapping"
            yield path, message, _OUT_OF_PORT


def pseudonyms_of(spec: PrivacySpec | None, env: Mapping[str, str]) -> Pseudonyms | None:
    """None where the mapping asks for no privacy; raises UsageError without a key that can't be guessed."""
    if spec is None:
        return None
    key = env.get(spec.key_env, "")
    if len(key) < _SHORTEST_KEY:
        problem = f"has fewer than {_SHORTEST_KEY} characters" if key else "is not set"
        raise UsageError(
            f"the mapping pseudonymises people by the key in {spec.key_env}, which {problem}",
            "make one with `openssl rand -hex 32` and keep it: with another key the same people get other pseudonyms",
        )
    return Pseudonyms(spec, key)


def without_users(entity: Entity, blueprint: Mapping[str, Any]) -> Entity:
    """The entity without relations to Port's users, whom a pseudonym doesn't name."""
    relations = blueprint.get("relations") or {}
    ours = {name for name in entity.relations if relations.get(name, {}).get("target") == USERS}
    return replace(entity, relations={**entity.relations, **dict.fromkeys(ours)}) if ours else entity
