"""portcfg's own labels on a pull request; all others are left alone.

Routes: https://docs.github.com/rest/issues/labels, version 2022-11-28.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import quote

from portcfg.errors import ApiError
from portcfg.github.api import GitHub
from portcfg.review import CHANGES, CONFLICT, DESTROY, INVALID

# (colour, what it says)
LABELS: Mapping[str, tuple[str, str]] = {
    CHANGES: ("0e8a16", "portcfg: merging this changes Port"),
    DESTROY: ("b60205", "portcfg: merging this deletes something in Port, or loses data"),
    CONFLICT: ("d93f0b", "portcfg: merging this overrules what somebody changed in Port"),
    INVALID: ("e4e669", "portcfg: the specs have errors"),
}


def set_labels(github: GitHub, number: int, deserved: Collection[str]) -> tuple[list[str], list[str]]:
    """Give a pull request the labels it deserves, and take the others of these from it: (given, taken).

    Raises ApiError.
    """
    has = {str(label["name"]) for label in github.pages(f"/issues/{number}/labels")}
    given = [name for name in LABELS if name in deserved and name not in has]
    taken = [name for name in LABELS if name in has and name not in deserved]
    if given:
        _make(github, given)
        github.send("POST", f"/issues/{number}/labels", {"labels": given})
    for name in taken:
        try:
            github.send("DELETE", f"/issues/{number}/labels/{quote(name, safe='')}")
        except ApiError as error:
            # Somebody was faster.
            if error.status != 404:
                raise
    return given, taken


def _make(github: GitHub, names: Collection[str]) -> None:
    """Make the labels that the repository lacks; GitHub itself would make them in grey."""
    known = {str(label["name"]).lower() for label in github.pages("/labels")}
    for name in names:
        if name.lower() not in known:
            colour, says = LABELS[name]
            try:
                github.send("POST", "/labels", {"name": name, "color": colour, "description": says})
            except ApiError as error:
                # Made meanwhile.
                if error.status != 422:
                    raise
