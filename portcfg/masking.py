"""Secrets in texts that others wrote: a server may say back what it was sent, and URLs may hold a login."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any
from urllib.parse import quote, quote_plus

from portcfg.errors import ApiError

MASK = "***"
# Shorter texts are part of too many words.
SHORTEST = 4
_LOGIN = re.compile(r"(?<=://)[^/\s@]+(?=@)")


class Mask:
    """Puts *** in the place of secrets, however they are spelled: plain, in base64, in a URL, in JSON.

    `logins` are user names with their passwords, which HTTP sends together.
    """

    def __init__(self, secrets: Iterable[str], logins: Iterable[tuple[str, str]] = ()) -> None:
        known = [*secrets, *map(":".join, logins)]
        found = {form for secret in known if len(secret) >= SHORTEST for form in _forms(secret)}
        # The longest first: a secret may be part of another.
        self._pattern = re.compile("|".join(map(re.escape, sorted(found, key=lambda form: (-len(form), form)))))
        self._empty = not found

    def text(self, text: str) -> str:
        """The text without them."""
        return text if self._empty else self._pattern.sub(MASK, text)

    def value(self, value: Any) -> Any:
        """A JSON value, or dataclasses and tuples of them, without them in any text."""
        if self._empty:
            return value
        if isinstance(value, str):
            # Enumerations that are texts stay what they are.
            return self.text(value) if type(value) is str else value
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(item) for item in value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{item.name: self.value(getattr(value, item.name)) for item in fields(value)})
        return value

    def error(self, error: ApiError) -> None:
        """Take them out of an error that is on its way."""
        error.message, error.hint, error.error = map(self.text, (error.message, error.hint, error.error))
        error.details = self.value(error.details)
        error.args = (error.message,)


def without_login(url: str) -> str:
    """A URL to show."""
    return _LOGIN.sub(MASK, url)


def _forms(secret: str) -> set[str]:
    texts = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    # HTTP clients encode a login in the one or the other.
    return texts | {base64.b64encode(secret.encode(name, "replace")).decode() for name in ("utf-8", "latin-1")}
