"""portcfg's own labels on a pull request; all others are left alone.

Routes: https://docs.github.com/rest/issues/labels, version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from portcfg.errors import ApiError, TransientApiError
from portcfg.github.api import GitHub
from portcfg.review import CHANGES, CONFLICT, DESTROY, INVALID

# Each in lower case: (colour, what it says)
LABELS: Mapping[str, tuple[str, str]] = {
    CHANGES: ("0e8a16", "portcfg: merging this changes Port"),
    DESTROY: ("b60205", "portcfg: merging this deletes something in Port, or loses data"),
    CONFLICT: ("d93f0b", "portcfg: merging this overrules what somebody changed in Port"),
    INVALID: ("e4e669", "portcfg: the specs have errors"),
}


@dataclass(frozen=True)
class Labelled:
    """What was done to the labels of a pull request. `missing` are deserved, but aren't there, nor can they be made."""

    given: tuple[str, ...]
    taken: tuple[str, ...]
    missing: tuple[str, ...] = ()


def set_labels(github: GitHub, number: int, deserved: Collection[str]) -> Labelled:
    """Give a pull request the labels it deserves, and take the others of these from it. Raises ApiError."""
    # To GitHub, a name is the same in any case.
    there = [str(label["name"]) for label in github.pages(f"/issues/{number}/labels")]
    has = {name.lower(): name for name in there}
    due = [name for name in LABELS if name in deserved and name not in has]
    taken = tuple(has[name] for name in LABELS if name in has and name not in deserved)
    missing = make_labels(github, due) if due else ()
    given = tuple(name for name in due if name not in missing)
    if given:
        github.send("POST", f"/issues/{number}/labels", {"labels": list(given)})
    for name in taken:
        try:
            github.send("DELETE", f"/issues/{number}/labels/{quote(name, safe='')}")
        except ApiError as error:
            # Somebody was faster.
            if error.status != 404:
                raise
    return Labelled(given, taken, missing)


def make_labels(github: GitHub, names: Collection[str] = tuple(LABELS)) -> tuple[str, ...]:
    """Make those of the labels that the repository lacks; those that the token may not make. Raises ApiError.

    That takes `issues: write`; for putting labels on a pull request, `pull-requests: write` is enough.
    """
    known = {str(label["name"]).lower() for label in github.pages("/labels")}
    return tuple(name for name in names if name not in known and not _made(github, name))


def _made(github: GitHub, name: str) -> bool:
    colour, says = LABELS[name]
    try:
        github.send("POST", "/labels", {"name": name, "color": colour, "description": says})
    except ApiError as error:
        # Made meanwhile.
        if error.status == 422:
            return True
        if isinstance(error, TransientApiError) or error.status not in (403, 404):
            raise
        return False
    return True
