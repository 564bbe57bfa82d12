"""Tokens: shaped like Port's JWTs, signed with the client's secret, and good until they expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
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


def _signature(unsigned: str, secret: str) -> str:
    return _encode(hmac.new(secret.encode(), unsigned.encode(), hashlib.sha256).digest())


@dataclass(frozen=True)
class Gate:
    """Who may come in: secrets by client id. Tokens are stateless, so they outlive a restart on the same secrets."""

    clients: Mapping[str, str] = field(repr=False)
    expires_in: int = 3600

    def login(self, body: Any, now: float) -> Body:
        """`{ok, accessToken, expiresIn, tokenType}` for the right credentials."""
        require(LOGIN, body)
        client = body["clientId"]
        if self.clients.get(client) != body["clientSecret"]:
            raise WireError(401, "invalid_credentials", "Invalid credentials supplied")
        token = self._token(client, now)
        return {"ok": True, "accessToken": token, "expiresIn": self.expires_in, "tokenType": "Bearer"}

    def check(self, authorization: str, now: float) -> str:
        """The client id in a token of ours that hasn't expired, else 401; the word Bearer may be left out."""
        token = authorization.removeprefix("Bearer ").strip()
        unsigned, _, signature = token.rpartition(".")
        for client, secret in self.clients.items():
            if hmac.compare_digest(signature.encode(), _signature(unsigned, secret).encode()):
                payload = unsigned.rpartition(".")[2]
                claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
                # Two clients may have the same secret.
                if claims["sub"] != client:
                    continue
                if now >= claims["exp"]:
                    raise WireError(401, "unauthorized", "The access token has expired")
                return client
        raise WireError(401, "unauthorized", "The access token is missing or not valid")

    def _token(self, client: str, now: float) -> str:
        head = {"alg": "HS256", "typ": "JWT"}
        claims = {"sub": client, "isMachine": True, "iat": now, "exp": now + self.expires_in}
        unsigned = ".".join(_encode(json.dumps(part).encode()) for part in (head, claims))
        return f"{unsigned}.{_signature(unsigned, self.clients[client])}"
