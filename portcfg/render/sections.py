"""The sections of a comment, as much of each as there is room for."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from portcfg.findings import SEVERITIES, Findings
from portcfg.kinds.risk_base import Risk
from portcfg.model import Action, Cause, Change, Ref
from portcfg.render.blocks import WIDTH, details, files_address, finding, folded, lines_for, opened, verb
from portcfg.render.budget import BETWEEN, fitted, middle_cut, size, widest
from portcfg.render.cycles import cycles_of
from portcfg.render.mermaid import diagram
from portcfg.render.safe import fenced, plain
from portcfg.review import Review, cause, conflicts, destroys

# Bytes for the headings of all sections, and for what they say of what is left out.
FRAMES = 3_000
# Bytes that the names of what may hurt leave to refusals and findings.
RESERVED = 4_000
# Narrower, names say nothing: what has no room then is only counted.
LEAST_NAME = 8
SHORT = 300
# Texts and findings of a sort; more are only counted.
MAX_TEXTS = 500
# As they stand below each other; what gets its room first is another order.
ORDER = ("refusals", "critical", "errors", "others", "diagram", "warnings", "notes")
LEGEND = "Green is new, yellow changed, red deleted; a thick arrow is a new relation, a dotted one goes away."


@dataclass(frozen=True)
class Part:
    """A section. `items` have their forms from short to long; `write` makes the text of it, given the chosen forms."""

    items: Sequence[Sequence[str]]
    write: Callable[[Sequence[int]], str]


def told(review: Review, head: Sequence[str], foot: Sequence[str], room: int, elsewhere: str) -> str:
    """`head`, the sections in at most what they leave of `room` bytes, and `foot`."""
    left = room - sum(map(size, (*head, *foot))) - FRAMES
    files = files_address(review.run_link, review.head)
    findings = Findings(review.problems, texts=review.texts)
    parts = {
        "refusals": _refusals(review),
        "errors": _findings(findings, files, errors=True),
        "critical": _critical(review, files, left - RESERVED, elsewhere),
        "diagram": _diagram(review),
        "others": _others(review, files, elsewhere),
        "warnings": _findings(findings, files, errors=False),
        "notes": _notes(review),
    }
    levels = iter(fitted([forms for part in parts.values() for forms in part.items], left))
    texts = {name: part.write([next(levels) for _ in part.items]) for name, part in parts.items()}
    return "\n\n".join(filter(None, (*head, *(texts[name] for name in ORDER), *foot)))


def _shown(review: Review) -> list[Change]:
    return [change for change in (review.plan.pending if review.plan else ()) if not change.moved_away]


def _hurts(change: Change) -> bool:
    return destroys(change) or conflicts(change)


def _critical(review: Review, files: str, room: int, elsewhere: str) -> Part:
    changes = sorted(filter(_hurts, _shown(review)), key=_weight)
    most = max(room, 0) // (LEAST_NAME + BETWEEN)
    beyond, changes = changes[most:], changes[:most]
    items = [(name, *opened(change, files)) for name, change in zip(_names(changes, room), changes, strict=True)]

    def write(levels: Sequence[int]) -> str:
        blocks = [forms[level] for forms, level in zip(items, levels, strict=True) if level]
        bare = [(change, forms[0]) for change, forms, level in zip(changes, items, levels, strict=True) if not level]
        parts = [
            "#### Deletes, destructive changes and conflicts",
            *blocks,
            *_named(bare, elsewhere),
            _left_out(beyond, elsewhere),
        ]
        return "\n\n".join(filter(None, parts)) if changes else ""

    return Part(items, write)


def _weight(change: Change) -> tuple[bool, str, Ref]:
    """What may hurt most first: a delete need not harm anybody."""
    harmless = change.risk != Risk.DESTRUCTIVE and not conflicts(change)
    return harmless, _what(change), change.ref


def _names(changes: Sequence[Change], room: int) -> list[str]:
    """The identifiers, with their middle left out where all of them wouldn't fit."""
    full = [_name(change) for change in changes]
    width = max(widest(map(size, full), room) - BETWEEN, LEAST_NAME)
    return [middle_cut(name, width) for name in full]


def _name(change: Change) -> str:
    old = f"{plain(change.move.old.identifier)} -> " if change.move else ""
    return f"{old}{plain(change.ref.identifier)}".replace("```", "ˋˋˋ") or "?"


def _what(change: Change) -> str:
    """The heading that a change is named under; in this order."""
    if change.action is Action.DELETE:
        return "delete"
    return f"destructive {verb(change)}" if destroys(change) else f"{verb(change)} in conflict"


def _named(bare: Sequence[tuple[Change, str]], elsewhere: str) -> Iterator[str]:
    """The names of what there is no room for more of."""
    if not bare:
        return
    groups: dict[str, list[str]] = {}
    for change, name in bare:
        what = _what(change) if _hurts(change) else verb(change)
        groups.setdefault(f"{what} {plain(change.ref.kind)}", []).append(name)
    lines = [f"{what} ({len(names):,}): {', '.join(names)}" for what, names in groups.items()]
    wrap = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False).wrap
    yield f"{counted(len(bare), 'more change')} by name; {elsewhere} has the details:"
    yield fenced("\n".join(text for line in lines for text in wrap(line)), "text")


def _left_out(changes: Iterable[Change], elsewhere: str) -> str:
    counts = Counter(_what(change) if _hurts(change) else verb(change) for change in changes)
    number = sum(counts.values())
    told = ", ".join(f"{count:,} to {what}" for what, count in sorted(counts.items()))
    return f"_{counted(number, 'more change')} ({told}): {elsewhere} has them._" if number else ""


def _others(review: Review, files: str, elsewhere: str) -> Part:
    order = list(Risk)[::-1]
    rest = [change for change in _shown(review) if not _hurts(change)]
    changes = sorted(rest, key=lambda each: (order.index(Risk(each.risk)), cause(each) is not Cause.DRIFT, each.action))
    items = [("", _name(change), *folded(change, files)) for change in changes]

    def write(levels: Sequence[int]) -> str:
        chosen = list(zip(changes, items, levels, strict=True))
        blocks = [forms[level] for _, forms, level in chosen if level > 1]
        bare = [(change, forms[1]) for change, forms, level in chosen if level == 1]
        left_out = _left_out((change for change, _, level in chosen if not level), elsewhere)
        heading = "#### Changes" if len(changes) == len(_shown(review)) else "#### Other changes"
        parts = [heading, *blocks, *_named(bare, elsewhere), left_out]
        return "\n\n".join(filter(None, parts)) if changes else ""

    return Part(items, write)


def _refusals(review: Review) -> Part:
    texts = review.plan.refusals if review.plan else ()
    heading = "> [!CAUTION]\n> `portcfg apply` refuses this plan:"
    return _texts(texts, heading, "more reason", str)


def _notes(review: Review) -> Part:
    if review.plan is None:
        return _texts((), "", "", str)
    texts = [f"{cycle.heading}: {', '.join(cycle.refs)}" for cycle in cycles_of(review.plan)]
    texts += review.plan.notes
    idle = (change for change in review.plan.changes if change.action is Action.NOOP)
    texts += [f"{change.ref}: {note}" for change in idle for note in change.notes]
    return _texts(texts, "", "more note", lambda text: details(counted(len(texts), "note"), text))


def _texts(texts: Sequence[str], heading: str, rest: str, around: Callable[[str], str]) -> Part:
    """Texts for people, in one fence."""
    items = [("", lines_for(text, SHORT), lines_for(text)) for text in texts[:MAX_TEXTS]]

    def write(levels: Sequence[int]) -> str:
        lines = [forms[level] for forms, level in zip(items, levels, strict=True) if level]
        if len(lines) < len(texts):
            lines.append(f"and {counted(len(texts) - len(lines), rest)}")
        return "\n\n".join(filter(None, (heading, around(fenced("\n".join(lines), "text")))))

    return Part(items, lambda levels: write(levels) if items else "")


def _diagram(review: Review) -> Part:
    text = diagram(review.plan.changes) if review.plan else ""
    block = details("Blueprints touched, and their relations", f"{fenced(text, 'mermaid')}\n\n{LEGEND}", opened=True)
    items = [("", "", block)] if text else []
    return Part(items, lambda levels: "".join(items[0][level] for level in levels))


def _findings(findings: Findings, files: str, *, errors: bool) -> Part:
    found = [problem for problem in findings.problems if (problem.severity == "error") is errors]
    items = [("", *finding(problem, findings.line(problem), files)) for problem in found[:MAX_TEXTS]]
    numbers = ((severity, sum(each.severity == severity for each in found)) for severity in reversed(SEVERITIES))
    title = f"{', '.join(counted(number, severity) for severity, number in numbers if number)} in the specs"

    def write(levels: Sequence[int]) -> str:
        blocks = [forms[level] for forms, level in zip(items, levels, strict=True) if level]
        if len(blocks) < len(found):
            blocks.append(f"_{counted(len(found) - len(blocks), 'more finding')}: `portcfg validate` prints them._")
        if not blocks:
            return ""
        text = "\n\n".join(blocks)
        return f"#### {title}\n\n{text}" if errors else details(title, text)

    return Part(items, write)


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
