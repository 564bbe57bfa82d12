"""Tokens: shaped like Port's JWTs, signed with the client's secret, and good until they expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from portcfg.emulator.body_checks import require, validator
from portcfg.emulator.wire_errors import WireError
from portcfg.model import Body

LOGIN = validator(
    {
        "type": "object",
        "required": ["clientId", "clientSecret"],
        "additionalProperties": False,
        "properties": {"clientId": {"type": "string"}, "clientSecret": {"type": "string"}},
    }
)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass(frozen=True)
class Gate:
    """Who may come in. Tokens are stateless, so they outlive a restart on the same credentials."""

    client_id: str
    client_secret: str = field(repr=False)
    expires_in: int = 3600

    def login(self, body: Any, now: float) -> Body:
        """`{ok, accessToken, expiresIn, tokenType}` for the right credentials."""
        require(LOGIN, body)
        if (body["clientId"], body["clientSecret"]) != (self.client_id, self.client_secret):
            raise WireError(401, "invalid_credentials", "Invalid credentials supplied")
        token = self._token(now)
        return {"ok": True, "accessToken": token, "expiresIn": self.expires_in, "tokenType": "Bearer"}

    def check(self, authorization: str, now: float) -> None:
        """401 unless the header holds a token of ours that hasn't expired; the word Bearer may be left out."""
        token = authorization.removeprefix("Bearer ").strip()
        unsigned, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(unsigned).encode()):
            raise WireError(401, "unauthorized", "The access token is missing or not valid")
        payload = unsigned.rpartition(".")[2]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if now >= claims["exp"]:
            raise WireError(401, "unauthorized", "The access token has expired")

    def _token(self, now: float) -> str:
        head = {"alg": "HS256", "typ": "JWT"}
        claims = {"sub": self.client_id, "isMachine": True, "iat": now, "exp": now + self.expires_in}
        unsigned = ".".join(_encode(json.dumps(part).encode()) for part in (head, claims))
        return f"{unsigned}.{self._signature(unsigned)}"

    def _signature(self, unsigned: str) -> str:
        return _encode(hmac.new(self.client_secret.encode(), unsigned.encode(), hashlib.sha256).digest())
