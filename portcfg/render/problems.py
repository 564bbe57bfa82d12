"""Problems -> text or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from portcfg.errors import Problem
from portcfg.render.safe import code, plain

FORMAT = "portcfg/problems/1"


def problems_text(problems: Sequence[Problem], checked: int) -> str:
    """One finding a paragraph, as compilers print them, and a last line that counts."""
    lines = []
    for problem in problems:
        lines.append(f"{plain(problem.where)}: {problem.severity} {problem.id}: {plain(problem.message)}")
        if problem.hint:
            lines.append(f"    {plain(problem.hint)}")
    return "\n".join([*lines, _count(problems, checked)])


def _count(problems: Sequence[Problem], checked: int) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    return f"{checked} resource(s) checked: {errors} error(s), {warnings} warning(s)"


def problems_json(problems: Sequence[Problem], checked: int) -> str:
    """`{format, checked, problems: [{file, line, column, id, message, hint, severity}]}`."""
    body = {"format": FORMAT, "checked": checked, "problems": [asdict(problem) for problem in problems]}
    return json.dumps(body, indent=2, ensure_ascii=False)


def problems_markdown(problems: Sequence[Problem], checked: int) -> str:
    """A list for a pull request comment."""
    lines = [f"**{_count(problems, checked)}**", ""]
    for problem in problems:
        hint = f" — {code(problem.hint)}" if problem.hint else ""
        lines.append(f"- {code(problem.where)} {problem.severity} {problem.id}: {code(problem.message)}{hint}")
    return "\n".join(lines)
