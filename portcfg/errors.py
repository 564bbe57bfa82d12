"""One exception tree and one kind of finding.

PortcfgError (exit 1)
├── UsageError (64)           the command line or the settings don't make sense
├── InvalidSpecsError (1)     carries every Problem found in the specs
├── ApiError (1)              Port or a source answered with an error
│   ├── TerminalApiError      retrying can't help: 400, 401, 403, 404, 409, 413, 422, ...
│   ├── TransientApiError     429, 5xx, dropped connections; raised once the retries are used up
│   ├── AnswerError           an answer that isn't what the API documents (HTML, half a JSON, wrong shape)
│   └── HaltedError (130)     not sent, or not sent again, because the client was told to stop
├── GuardError (1)            a plan that would do more harm than it was told it may; nothing was written
├── MovedError (4)            Port holds something else than when the plan was reviewed; nothing was written
├── UntrustedPlanError (5)    a plan file that is damaged, forged, or made for something else
├── BusyError (1)             another apply is running on the same Port
├── IncompleteError (3)       a stream could not be read to its end; nothing of it was written
└── PartialError (6)          some writes were done, others failed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_CHANGES = 2
EXIT_INCOMPLETE = 3
EXIT_MOVED = 4
EXIT_UNTRUSTED = 5
EXIT_PARTIAL = 6
EXIT_USAGE = 64
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, order=True)
class Problem:
    """One finding in the specs. `line` and `column` count from 1; 0 means the whole file.

    `subject` is the resource and key that it is about, or the file; `environments` are those that show it, where
    the specs without any of them don't.
    """

    file: str
    line: int
    column: int
    id: str
    message: str
    hint: str = ""
    severity: str = field(default="error")
    subject: str = field(default="", compare=False)
    environments: tuple[str, ...] = field(default=(), compare=False)

    @property
    def where(self) -> str:
        """`file:line:column`, as editors and terminals link it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class PortcfgError(Exception):
    """An error that the user can act on. `hint` says what to do next."""

    exit_code = EXIT_ERROR

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PortcfgError):
    """The command line or the settings don't make sense."""

    exit_code = EXIT_USAGE


class InvalidSpecsError(PortcfgError):
    """The specs have errors. `problems` holds all of them, sorted by place; `texts` the files by name."""

    def __init__(self, problems: Sequence[Problem], texts: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{len(problems)} problem(s) in the specs")
        self.problems = tuple(problems)
        self.texts = texts or {}


class ApiError(PortcfgError):
    """An HTTP API answered with an error, or could not be reached."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        error: str = "",
        details: Any = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.error = error
        self.details = details


class TerminalApiError(ApiError):
    """Asking again can't help."""


class TransientApiError(ApiError):
    """Asking again may help; the client has already done so."""


class AnswerError(ApiError):
    """The answer isn't what the API documents: HTML, cut-off JSON, a missing key."""


class HaltedError(ApiError):
    """The client was told to stop, `why`. `sent` says that the request went out before, without an answer that
    counts."""

    exit_code = EXIT_INTERRUPTED

    def __init__(self, message: str, *, sent: bool, why: str) -> None:
        super().__init__(message)
        self.sent = sent
        self.why = why


class GuardError(PortcfgError):
    """A plan that would do more harm than it was told it may; nothing was written."""


class MovedError(PortcfgError):
    """Port holds something else than when the plan was reviewed; nothing was written."""

    exit_code = EXIT_MOVED


class UntrustedPlanError(PortcfgError):
    """A plan file that is damaged, forged, or made for something else; nothing was written."""

    exit_code = EXIT_UNTRUSTED


class BusyError(PortcfgError):
    """Another apply is running on the same Port; nothing was written."""


class IncompleteError(PortcfgError):
    """A stream could not be read to its end; nothing of it was written."""

    exit_code = EXIT_INCOMPLETE


class PartialError(PortcfgError):
    """Some writes were done and some failed; the report says which."""

    exit_code = EXIT_PARTIAL


REDIRECT_HINT = "Port's API doesn't redirect; is PORT_BASE_URL its address (https://api.port.io)?"
HINTS = {
    401: "check PORT_CLIENT_ID and PORT_CLIENT_SECRET, and that PORT_BASE_URL is their region",
    403: "the credentials lack the permission for this route",
    413: "the body is over Port's limit of 1 MiB",
}


def redirection(status: int, location: str) -> str:
    """What a 3xx says; '' for any other answer."""
    if not 300 <= status < 400:
        return ""
    to = f"it redirects to {location[:200]}" if location else "it redirects without saying where to"
    return f"{to}; redirects aren't followed, since the credentials are for one host"


def api_error(cls: type[ApiError], what: str, status: int, body: Any, reason: str = "") -> ApiError:
    """An ApiError out of Port's `{ok: false, error, message}`; `error` is an object on some newer routes.

    `reason` is what is told in the place of the body's message.
    """
    data = body if isinstance(body, dict) else {}
    error = data.get("error")
    if isinstance(error, dict):
        data = {**error, "error": error.get("name") or error.get("code")}
        error = data["error"]
    text = reason or data.get("message") or error or "no JSON message"
    return cls(
        f"{what}: {status} {error or ''}: {text}".replace(" : ", ": "),
        status=status,
        error=str(error or ""),
        details=data.get("details"),
        hint=REDIRECT_HINT if status < 400 else HINTS.get(status, ""),
    )
