"""The name that was probably meant, for hints, and lists of names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

# So many names a hint lists, where none is near.
LISTED = 12
# From here on a name counts as alike: `total` for `total_cents`, but not `sec` for `service`. In another case it takes
# more: SECRET_KEY is no createdBy.
LIKE = 0.62
LIKE_IN_OTHER_CASE = 0.75


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like `name`, "" for none."""
    names = list(known)
    folded = {each.lower(): each for each in reversed(names)}
    found = difflib.get_close_matches(name, names, 1, LIKE)
    found = found or difflib.get_close_matches(name.lower(), folded, 1, LIKE_IN_OTHER_CASE)
    return folded.get(found[0], found[0]) if found else ""


def meant(name: str, known: Iterable[str], called: str) -> str:
    """`did you mean 'total'?`, or else what there is: `the relations are: a, b` where they are `called` relations."""
    names = list(known)
    if guess := nearest(name, names):
        return f"did you mean {guess!r}?"
    more = f", ... ({len(names)})" if len(names) > LISTED else ""
    return f"the {called} are: {', '.join(names[:LISTED]) or 'none'}{more}"


def listed(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`, where `most` are two."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"
