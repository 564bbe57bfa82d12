"""What stands at a place of the specs -> text."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

from portcfg.concealed import concealed
from portcfg.explaining import Explained, Explanation
from portcfg.load import INCLUDE
from portcfg.model import MISSING
from portcfg.render.lineage import link_lines
from portcfg.render.problems import problem_lines
from portcfg.render.safe import dotted, plain, shortened, shown
from portcfg.render.source import masked

# Of more resources that include one fragment, and more lines of JSON, the rest is counted; longer lines are cut.
MAX_RESOURCES = 5
MAX_LINES = 40
MAX_TEXT = 100


def place_text(explanation: Explanation) -> str:
    """The line, then each resource that has it, then what was found there."""
    lines = [
        f"{plain(explanation.file)}:{explanation.line}: {shortened(plain(masked(explanation.text.strip())), MAX_TEXT)}"
    ]
    if not explanation.nodes:
        included = INCLUDE in explanation.text
        lines.append("the keys of that file stand here" if included else "no resource has anything here")
    for node in explanation.nodes[:MAX_RESOURCES]:
        lines.extend(_node_lines(node))
    if len(explanation.nodes) > MAX_RESOURCES:
        rest = ", ".join(plain(str(node.ref)) for node in explanation.nodes[MAX_RESOURCES:])
        lines.append(f"and the same in {rest}")
    for name, value in explanation.variables.items():
        known = "is no variable" if value is MISSING else f"is {shown(concealed(value, (name,)))}"
        lines.append(f"${{{plain(name)}}} {known}")
    for problem in explanation.problems:
        lines.extend(problem_lines(problem, explanation.text))
    lines.extend(
        f"ignored: {each.problem.id}: {plain(each.problem.message)} ({plain(each.reason)})"
        for each in explanation.ignored
    )
    return "\n".join(lines)


def _node_lines(node: Explained) -> Iterator[str]:
    where = dotted(node.path) or "the whole of it"
    yield f"\n{plain(str(node.ref))}  {where}"
    if node.origin:
        yield f"  {plain(node.origin)}"
    if node.body is MISSING:
        yield "  what it compiles to is known once the specs have no errors"
    elif not node.body_path:
        yield f"  compiled: portcfg compile {plain(str(node.ref))}"
    else:
        yield f"  compiled, {dotted(node.body_path)}:"
        yield textwrap.indent(_json(concealed(node.body, node.body_path)), "    ")
    for part, described in node.parts:
        yield f"  {plain(str(part))}{f' ({plain(described)})' if described else ''}"
        yield from (f"    {line}" for line in link_lines(part))


def _json(value: object) -> str:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    if len(lines) > MAX_LINES:
        lines = [*lines[:MAX_LINES], f"... {len(lines) - MAX_LINES} more lines"]
    return "\n".join(map(plain, lines))
