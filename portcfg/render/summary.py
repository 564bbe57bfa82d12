"""Review -> the job summary: all of the plan, within GitHub's limit of 1 MiB."""

from __future__ import annotations

from portcfg.render.comment import body
from portcfg.review import Review


def summary(review: Review) -> str:
    """The review in full, at most 1 MiB."""
    return body(review)
