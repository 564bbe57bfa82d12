"""What secrets look like in a text: the forms that vendors give theirs, and random texts behind keys that say so."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from portcfg.errors import Problem


@dataclass(frozen=True)
class Secret:
    """A place in a text, from `start` to before `end`; `what` it is. A `guess` goes by randomness alone."""

    start: int
    end: int
    what: str
    guess: bool = False


@dataclass(frozen=True)
class _Form:
    """One of the `cues` begins it, which makes looking for it cheap. A group of the pattern is the secret."""

    what: str
    cues: tuple[str, ...]
    pattern: re.Pattern[str]


def _form(what: str, cues: str, pattern: str) -> _Form:
    return _Form(what, tuple(cues.split()), re.compile(pattern))


_FORMS = (
    _form("a GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{30,255}\b"),
    _form("a GitHub token", "github_pat_", r"github_pat_\w{22,255}\b"),
    _form("a GitLab token", "glpat-", r"glpat-[\w-]{20,}"),
    _form("a Slack token", "xox", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    _form("the address of a Slack webhook", "hooks.slack.com/", r"hooks\.slack\.com/services/(T\w+/B\w+/\w{16,})"),
    _form("an AWS access key", "AKIA ASIA", r"A[KS]IA[A-Z0-9]{16}\b"),
    _form("a Google API key", "AIza", r"AIza[\w-]{35}\b"),
    _form("an API key", "sk- sk_", r"sk[-_](?:[a-z]+[-_])*[A-Za-z0-9]{20,}\b"),
    # cursor-api.md §1: `key_` with 64 hexadecimal digits, later `crsr_`.
    _form("a Cursor API key", "crsr_", r"crsr_[A-Za-z0-9]{24,}\b"),
    _form("a Cursor API key", "key_", r"key_[0-9a-f]{32,}\b"),
    _form("a JSON web token", "eyJ", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    _form("a private key", "-----BEGIN", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    _form("a password in a URL", "://", r"://[^\s/:@'\"<>{}$]+:([^\s/@'\"<>{}$*]{3,})@"),
    _form(
        "the value of an Authorization header",
        "authorization Authorization AUTHORIZATION",
        r"(?i:authorization)['\"]*\s*[:=]\s*['\"]*(?i:basic|bearer|token)\s+([\w.~+/-]{8,}=*)",
    ),
)
_CUES = ("secret", "token", "passw", "passphrase", "credential", "key", "_env")
# Of keys only those that open something, not the key of an issue; a variable's name (token_env) may be a value, too.
_NAMED = re.compile(
    r"(?i:secret|token|passw|passphrase|credential|(?<=api)key|(?<=api[-_])key|(?<=access[-_])key|(?<=private[-_])key|_env)"
    r"[\w-]*[\"']*\s*[:=]\s*[\"']*(?P<value>[A-Za-z0-9+/=_~-]{16,})[\"']*\s*(?=[,}\]#\n\r]|$)"
)
# Most texts have none of them, in whatever case.
_ANY_CUE = re.compile("|".join(sorted({re.escape(cue.lower()) for form in _FORMS for cue in form.cues} | {*_CUES})))
# What stands for a secret in examples.
_STANDS_FOR = re.compile(
    r"(?i)example|placeholder|changeme|dummy|redacted|your[-_]|xxxx|\*\*\*|^(?:pass(?:word)?|secret|token|pw)$"
)
# Changes between letters and digits, and bits a character, from which a text isn't made of words.
_CHANGES = 4
_BITS = 3.0
# Shorter texts are part of too many words.
_SHORTEST = 8


def secrets_in(text: str) -> Iterator[Secret]:
    """Every secret in a text, those of a known form first."""
    if not _ANY_CUE.search(text.lower()):
        return
    for form in _FORMS:
        for found in _matches(form, text):
            group = 1 if form.pattern.groups else 0
            if not _stands_for(found[group]):
                yield Secret(*found.span(group), form.what)
    cues = (case for cue in _CUES for case in (cue, cue.title(), cue.upper()))
    named = (_NAMED.match(text, start) for cue in cues for start in _places(text, cue))
    for start, end in dict.fromkeys(found.span("value") for found in named if found):
        if _is_random(text[start:end]):
            yield Secret(start, end, "what looks like a secret", guess=True)


def _matches(form: _Form, text: str) -> Iterator[re.Match[str]]:
    """Where it doesn't begin inside a word."""
    for cue in form.cues:
        for start in _places(text, cue):
            inside = start and cue[0].isalnum() and (text[start - 1].isalnum() or text[start - 1] == "_")
            found = None if inside else form.pattern.match(text, start)
            if found:
                yield found


def _places(text: str, cue: str) -> Iterator[int]:
    start = text.find(cue)
    while start >= 0:
        yield start
        start = text.find(cue, start + 1)


def starred(text: str) -> str:
    """`text`, as long as it was, with stars in place of every secret but for its first letters."""
    for secret in secrets_in(text):
        text = text[: secret.start] + _stars(text[secret.start : secret.end]) + text[secret.end :]
    return text


def _stars(secret: str) -> str:
    kept = min(4, len(secret) // 4)
    return secret[:kept] + "*" * (len(secret) - kept)


def hushed(problems: Iterable[Problem], texts: Mapping[str, str]) -> Iterator[Problem]:
    """The findings without the secrets of the files that they are in: what is wrong is often told with its value."""
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    for file, own in by_file.items():
        text = texts.get(file, "")
        whole = [text[each.start : each.end] for each in secrets_in(text)]
        # A hint may spell the value in another way, with other marks between its parts.
        parts = [part for secret in whole for part in re.findall(r"[A-Za-z0-9]+", secret)]
        secrets = [secret for secret in (*whole, *parts) if len(secret) >= _SHORTEST]
        for each in own:
            yield replace(each, message=_without(each.message, secrets), hint=_without(each.hint, secrets))


def _without(said: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        said = said.replace(secret, _stars(secret))
    return said


def _stands_for(value: str) -> bool:
    return bool(_STANDS_FOR.search(value)) or len(set(value)) < 4


def _is_random(value: str) -> bool:
    if _stands_for(value):
        return False
    plain = re.sub(r"[^A-Za-z0-9]", "", value)
    changes = sum(one.isdigit() != other.isdigit() for one, other in pairwise(plain))
    shares = [count / len(value) for count in Counter(value).values()]
    return changes >= _CHANGES and -sum(share * math.log2(share) for share in shares) >= _BITS
