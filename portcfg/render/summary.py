"""Review -> the job summary: the plan in full, as far as GitHub takes it."""

from __future__ import annotations

from portcfg.render.comment import body
from portcfg.review import Review

# GitHub refuses summaries over 1 MiB for a step, which may have more to tell.
LIMIT = 1_000_000


def summary(review: Review) -> str:
    """The review, in at most a million bytes."""
    return body(review, LIMIT, "the artifact" if review.artifact else "`portcfg plan`")
