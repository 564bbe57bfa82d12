"""Review -> the comment on a pull request."""

from __future__ import annotations

from portcfg.findings import Findings
from portcfg.render.plan import plan_markdown
from portcfg.render.problems import problems_markdown
from portcfg.render.safe import code
from portcfg.review import Review

# GitHub refuses comments over 65,536 characters.
LIMIT = 65_000


def comment(review: Review) -> str:
    """The comment, with the hidden lines by which it is found again; at most 65,000 bytes."""
    return f"{marker(review.environment)}\n<!-- portcfg review {review.digest} {review.head} -->\n{body(review)}"


def marker(environment: str) -> str:
    """The hidden line by which the comment of an environment is found."""
    return f"<!-- portcfg:{''.join(map(_unambiguous, environment))} -->"


def _unambiguous(character: str) -> str:
    """A character as it may stand in an HTML comment, and in no two ways."""
    plain = character.isascii() and (character.isalnum() or character in "._-")
    return character if plain else f"%{ord(character):x};"


def body(review: Review) -> str:
    """What people see of a review."""
    if review.plan is None:
        told = f"### portcfg: no plan\n\n{code(review.failure)}" if review.failure else "### portcfg: no plan"
        return f"{told}\n\n{problems_markdown(Findings(review.problems))}" if review.problems else told
    return plan_markdown(review.plan)
