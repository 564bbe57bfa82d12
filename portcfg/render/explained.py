"""What findings mean: one entry for a terminal, all of them as docs/rules.md."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from tabulate import tabulate

from portcfg.render.safe import code, fenced
from portcfg.rules.catalog import Entry, Example

WIDTH = 100
BAR = "    | "
INTRODUCTION = """# Findings

What `portcfg validate` finds, by id. `portcfg explain PC202` prints one of these, and
`portcfg explain specs/blueprints/service.yaml:12` says what a line of your specs is, becomes and is read by.

An **error** can't work, or Port refuses it: no plan is made. A **warning** is almost surely wrong, or silently shows
nothing: a plan is made and tells it. An **info** is a thing to know.

What is meant is ignored with a reason, by a comment on its line or on the line above,

```yaml
required: [tier]  # portcfg: ignore PC202 (the import job adds it)
```

or in `specs/portcfg.yaml` (JSON files have no comments; `*` stands for any text, slashes too):

```yaml
ignore:
  - rule: PC202
    files: [blueprints/legacy-*.yaml]
    reason: the import job adds it
```

This holds for `plan`, `apply` and every other command. What can't be read or compiled (PC0xx, PC1xx, PC401), what would
break portcfg's record of what it manages (PC701, PC703), and what Port itself says (PC8xx) can't be ignored.

A repo that begins with many findings makes them its baseline: `portcfg validate --write-baseline` writes
`specs/.portcfg-baseline.json`, and from then on only what is new is told. A finding is known by its id, what it is
about and what it says, so that lines may move. A plan doesn't tell the baseline's warnings either; its errors stand
against a plan all the same.

This file is written by `portcfg explain --format markdown`."""


def entries_text(entries: Sequence[Entry]) -> str:
    """A line an id."""
    rows = [(each.id, each.severity, each.title) for each in entries]
    return tabulate(rows, tablefmt="plain")


def entry_text(entry: Entry) -> str:
    """One entry for a terminal."""
    parts = [f"{entry.id} ({entry.severity}): {entry.title}"]
    for heading, text in (("Finds", entry.finds), ("Why it matters", entry.why), ("What to do", entry.fix)):
        parts.append(f"{heading}\n{_wrapped(text)}")
    parts.extend(f"Found\n{_example_text(each)}" for each in entry.bad)
    parts.extend(f"Fine\n{_example_text(each)}" for each in entry.good)
    return "\n\n".join(parts)


def _wrapped(text: str) -> str:
    paragraphs = text.split("\n\n")
    return "\n\n".join(textwrap.indent(textwrap.fill(each, WIDTH), "  ") for each in paragraphs)


def _example_text(example: Example) -> str:
    files = (
        f"  {name}\n{textwrap.indent(text.rstrip(), '    | ', lambda _: True)}" for name, text in example.files.items()
    )
    return "\n".join([*files, *(f"  -> {problem}" for problem in example.problems)])


def entry_markdown(entry: Entry, level: int = 1) -> str:
    """One entry as markdown, its heading of this level."""
    parts = [f"{'#' * level} {entry.id}: {entry.title}", f"*{entry.severity}.* {entry.finds}", entry.why, entry.fix]
    for heading, examples in (("Found:", entry.bad), ("Fine:", entry.good)):
        for example in examples:
            parts.append(heading)
            parts.extend(_example_markdown(example))
    return "\n\n".join(parts)


def _example_markdown(example: Example) -> Iterator[str]:
    for name, text in example.files.items():
        yield fenced(f"# {name}\n{text.rstrip()}" if not name.endswith(".json") else text.rstrip(), "yaml")
    if example.problems:
        yield "\n".join(f"- {code(problem)}" for problem in example.problems)


def entries_markdown(entries: Sequence[Entry]) -> str:
    """docs/rules.md."""
    parts = [INTRODUCTION]
    for topic, members in groupby(entries, key=lambda each: each.topic):
        found = list(members)
        rows = [(f"[{each.id}](#{each.id.lower()})", each.severity, each.title) for each in found]
        parts.append(f"## {topic}")
        parts.append(tabulate(rows, headers=["id", "severity", "finds"], tablefmt="github"))
        parts.extend(f'<a id="{each.id.lower()}"></a>\n\n{entry_markdown(each, 3)}' for each in found)
    return "\n\n".join(parts) + "\n"
