"""Asking again: one policy, one loop and one kind of session for every HTTP API that portcfg talks to."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar

import requests
import requests.adapters
import tenacity

from portcfg import __version__
from portcfg.errors import ApiError

USER_AGENT = f"portcfg/{__version__}"
TRANSIENT_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
MAX_WAIT_SECONDS = 120.0
# A reset above this is an epoch, below it seconds to wait.
EPOCH_FROM = 10_000
# The most connections that workers keep to one host.
CONNECTIONS = 64

Result = TypeVar("Result")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently to ask again. Seconds; the clocks are injected so that tests don't wait.

    `told` hears of each wait before it begins, and of the error that is the reason.
    """

    attempts: int = 6
    base_seconds: float = 0.5
    cap_seconds: float = 32.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    told: Callable[[float, ApiError], None] = lambda _, __: None


class WaitingError(Exception):
    """A transient failure on its way through the loop, with the seconds that the server asked to wait, if it did."""

    def __init__(self, cause: ApiError, wait: float | None = None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.wait = wait


def with_retries(policy: RetryPolicy, work: Callable[[], Result]) -> Result:
    """`work()`, again for as long as it raises WaitingError and the policy allows; then the error's cause is raised."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(WaitingError),
        stop=tenacity.stop_after_attempt(policy.attempts),
        wait=lambda state: _seconds(policy, state),
        sleep=policy.sleep,
        before_sleep=lambda state: _tell(policy, state),
        reraise=True,
    )
    try:
        return retrying(work)
    except WaitingError as waiting:
        raise waiting.cause from None


def _tell(policy: RetryPolicy, state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, WaitingError):
        policy.told(state.upcoming_sleep, error.cause)


def _seconds(policy: RetryPolicy, state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, WaitingError) and error.wait is not None:
        return error.wait
    backoff = min(policy.base_seconds * 2 ** (state.attempt_number - 1), policy.cap_seconds)
    # Jitter, so that several runs that were refused together don't come back together.
    return float(backoff * random.uniform(0.5, 1.0))


def asked_wait(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a 429 or 503 asks us to wait, at most MAX_WAIT_SECONDS; None if it doesn't.

    A 503 that says how many requests remain until when has another reason than these.
    """
    asked = _asked(status, headers, now)
    return None if asked is None else min(asked, MAX_WAIT_SECONDS)


def wait_hint(status: int, headers: Mapping[str, str], now: float) -> str:
    """What to do about a 429 or 503 that asks us to wait longer than we do; '' for any other answer."""
    asked = _asked(status, headers, now) or 0.0
    return f"it asked for a wait of {asked:,.0f} seconds; run again after that" if asked > MAX_WAIT_SECONDS else ""


def _asked(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """`x-ratelimit-reset` is epoch seconds in Port's docs and seconds-to-wait in Port's own clients, so a value over
    10,000 is read as an epoch; `Retry-After` is seconds or an HTTP date."""
    if status not in (429, 503):
        return None
    after, reset = headers.get("retry-after", "").strip(), headers.get("x-ratelimit-reset", "").strip()
    if (seconds := _number(after)) is not None:
        return max(seconds, 0.0)
    if (moment := _date(after)) is not None:
        return max(moment - now, 0.0)
    remaining = _number(headers.get("x-ratelimit-remaining", "").strip())
    seconds = _number_or_date(reset)
    if seconds is None or (status == 503 and (remaining is None or remaining > 0)):
        return None
    return max(seconds - now if seconds > EPOCH_FROM else seconds, 0.0)


def spent_wait(headers: Mapping[str, str], now: float, under_way: int) -> float:
    """Seconds until a budget of requests is renewed that those `under_way` use up, as the headers say; 0 else."""
    remaining = _number_or_date(headers.get("x-ratelimit-remaining", "").strip())
    reset = _number_or_date(headers.get("x-ratelimit-reset", "").strip())
    if remaining is None or reset is None or remaining > under_way:
        return 0.0
    return min(max(reset - now if reset > EPOCH_FROM else reset, 0.0), MAX_WAIT_SECONDS)


class Pause:
    """A wait that a server asked one of several workers for, and that holds for all of them.

    `told` hears of waits of a second and more, once where several workers wait for the same.
    """

    def __init__(self, monotonic: Callable[[], float], told: Callable[[float, ApiError], None]) -> None:
        self._monotonic = monotonic
        self._told = told
        self._lock = threading.Lock()
        self._until = 0.0
        self._told_until = 0.0

    @property
    def left(self) -> float:
        """Seconds to wait before the next request; none is left where it isn't positive."""
        return self._until - self._monotonic()

    def hold(self, wait: Callable[[float], None]) -> None:
        """Wait until it ends; one that waited may find that another was asked for more."""
        waited = 0.0
        while (left := self.left) > 0 and self._until > waited:
            waited = self._until
            wait(left)

    def extend(self, seconds: float) -> None:
        """Let nobody ask before so many seconds from now."""
        with self._lock:
            self._until = max(self._until, self._monotonic() + seconds)

    def tell(self, seconds: float, error: ApiError) -> None:
        """Tell of a wait, unless another that was told of ends no sooner."""
        until = self._monotonic() + seconds
        with self._lock:
            new = seconds >= 1.0 and until > self._told_until + 1.0
            self._told_until = until if new else self._told_until
        if new:
            self._told(seconds, error)


def _number_or_date(text: str) -> float | None:
    number = _number(text)
    return _date(text) if number is None else number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def new_session() -> requests.Session:
    """A session that names portcfg, and that doesn't put a ~/.netrc entry in the place of our own credentials.

    Several threads may use it: with cookies refused, requests only reads it, and urllib3's pools are made for that.
    """
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("https://", "http://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=CONNECTIONS))
    session.headers["User-Agent"] = USER_AGENT
    session.auth = lambda request: request
    return session
