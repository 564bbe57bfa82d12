"""jq that doesn't compile: shared by the rules that look at jq."""

from __future__ import annotations

import jq


def jq_mistake(text: str) -> str:
    """Why `text` doesn't compile, in one line; empty if it does."""
    try:
        jq.compile(text)
    except ValueError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[0].removeprefix("jq: error: ") if lines else "jq can't compile it"
    return ""
