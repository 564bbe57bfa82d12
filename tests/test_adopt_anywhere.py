"""Specs typed in every way, edited in Port at random: what is adopted is gone from the plan; no other line moves."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from portcfg.kinds.base import STAMPS
from portcfg.spelling import quoted
from tests.strategies import TEXT
from tests.support import Bench, Server, write_files
from tests.test_adopt import adopted, texts

Path = tuple[str, ...]
PROPERTIES: Path = ("schema", "properties")
WORD = re.compile(r"[A-Za-z]+( [A-Za-z]+)*")
KEYWORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
VALUES = TEXT.map(lambda text: text.replace("$", "S")) | st.sampled_from(
    ["Thing", "It's", 'say "x"', "a: b", "#x", "no"]
)
ITEMS = ("one", "two", "three", "four")


@dataclass(frozen=True)
class Line:
    """A line of a spec, the path of what it says, and whether it says all of that (brackets) or only begins it."""

    text: str
    path: Path
    whole: bool = False


@dataclass
class Pen:
    """Writes a blueprint as somebody may have typed it."""

    draw: st.DrawFn
    lines: list[Line] = field(default_factory=list)
    remarks: int = 0

    def remark(self) -> str:
        self.remarks += 1
        return f"# remark {self.remarks}"

    def line(self, depth: int, text: str, path: Path, whole: bool = False) -> None:
        indent = "  " * depth
        if self.draw(st.booleans()):
            self.lines.append(Line(self.draw(st.sampled_from(["", f"{indent}{self.remark()}"])), path[:-1]))
        behind = f"  {self.remark()}" if self.draw(st.booleans()) else ""
        self.lines.append(Line(f"{indent}{text}{behind}", path, whole))

    def scalar(self, value: str) -> str:
        styles = [quoted(value), *(["'" + value.replace("'", "''") + "'"] if value.isprintable() else [])]
        plain = WORD.fullmatch(value) and value.lower() not in KEYWORDS
        return self.draw(st.sampled_from([*styles, *([value] if plain else [])]))

    def block(self, depth: int, key: str, parts: list[str], path: Path) -> None:
        self.lines.append(Line("  " * depth + f"{key}: {self.draw(st.sampled_from(['|', '|-', '>-', '>']))}", path))
        self.lines.extend(Line("  " * (depth + 1) + part, path) for part in parts)

    def property(self, name: str, anchor: str = "", depth: int = 2) -> None:
        path = (*PROPERTIES, name)
        title, enum = self.scalar(self.draw(VALUES)), self.draw(st.lists(st.sampled_from(ITEMS), unique=True))
        if self.draw(st.booleans()):
            items = f", enum: [{', '.join(enum)}]" if enum else ""
            self.line(depth, f"{name}: {anchor}{{type: string, title: {title}{items}}}", path, whole=True)
            return
        self.line(depth, f"{name}: {anchor}".rstrip(), path)
        self.line(depth + 1, "type: string", (*path, "type"))
        self.line(depth + 1, f"title: {title}", (*path, "title"))
        if enum and self.draw(st.booleans()):
            self.line(depth + 1, f"enum: [{', '.join(enum)}]", (*path, "enum"), whole=True)
        elif enum:
            self.line(depth + 1, "enum:", (*path, "enum"))
            for item in enum:
                self.line(depth + self.draw(st.just(2)), f"- {item}", (*path, "enum", item))
        if self.draw(st.booleans()):
            self.block(depth + 1, "description", ["Some text", "on two lines."], (*path, "description"))


@st.composite
def typed(draw: st.DrawFn) -> dict[str, list[Line]]:
    """A blueprint, maybe another one, and maybe a fragment that one or both include."""
    files: dict[str, list[Line]] = {}
    fragment = draw(st.booleans())
    for name in ["thing", *(["other"] if draw(st.booleans()) else [])]:
        pen = Pen(draw)
        pen.line(0, f"title: {pen.scalar(draw(VALUES))}", ("title",))
        if draw(st.booleans()):
            pen.line(0, "icon: Box", ("icon",))
        if draw(st.booleans()):
            pen.block(0, "description", ["It is", "a thing."], ("description",))
        pen.line(0, "schema:", ("schema",))
        pen.line(1, "properties:", PROPERTIES)
        if fragment:
            pen.line(2, "$include: ../fragments/f.yaml", (*PROPERTIES, "$include"))
        count = draw(st.integers(2, 4))
        shared = draw(st.booleans())
        for number in range(count):
            pen.property(f"p{number}", "&first " if shared and not number else "")
        if shared:
            pen.line(2, "q: *first", (*PROPERTIES, "q"), whole=True)
        if draw(st.booleans()):
            pen.line(1, "required: [p1]", ("schema", "required"), whole=True)
        files[f"blueprints/{name}.yaml"] = pen.lines
    if fragment:
        pen = Pen(draw)
        pen.property("f0", depth=0)
        pen.property("f1", depth=0)
        files["fragments/f.yaml"] = pen.lines
    return files


WHAT = (
    *("title", "icon", "description", "no icon", "no description", "required"),
    *("p title", "p description", "p add", "p remove", "p no enum", "p front", "p back", "p less", "p turn"),
)
EDIT = st.tuples(st.sampled_from(["thing", "other"]), st.sampled_from(WHAT), VALUES, st.integers(0, 9))
EDITS = st.lists(EDIT, min_size=1, max_size=5)


def change(body: dict[str, Any], what: str, value: str, number: int) -> Path | None:
    """Make an edit, as somebody does in Port; the path that it touches, or None where it can't be made."""
    properties = body["schema"]["properties"]
    names = sorted(properties)
    name = names[number % len(names)]
    enum = properties[name].get("enum") or []
    path: Path | None = (*PROPERTIES, name)
    if what in ("title", "icon", "description"):
        body[what] = value
        return (what,)
    if what in ("no icon", "no description"):
        body[what[3:]] = ""
        return (what[3:],)
    if what == "required":
        body["schema"]["required"] = [name]
        return ("schema", "required")
    if what == "p add":
        properties[f"new{number}"] = {"type": "string", "title": value, "enum": ["a", "b"]}
        return (*PROPERTIES, f"new{number}")
    if what == "p remove":
        if len(names) < 3 or name in body["schema"].get("required", []):
            return None
        del properties[name]
        return path
    if what in ("p title", "p description"):
        properties[name][what[2:]] = value
        return (*PROPERTIES, name, what[2:])
    if not enum:
        return None
    turned = {
        "p no enum": None, "p front": ["zero", *enum], "p back": [*enum, value],
        "p less": enum[1:] or None, "p turn": enum[::-1],
    }[what]  # fmt: skip
    if turned is None:
        del properties[name]["enum"]
    else:
        properties[name]["enum"] = list(dict.fromkeys(turned))
    return (*PROPERTIES, name, "enum")


def untouched(line: Line, edits: list[Path]) -> bool:
    inside = any(line.path[: len(edit)] == edit for edit in edits)
    return not inside and not (line.whole and any(edit[: len(line.path)] == line.path for edit in edits))


def in_order(lines: list[str], text: str) -> bool:
    rest = iter(text.splitlines())
    return all(line in rest for line in lines)


@settings(phases=[Phase.explicit, Phase.generate])
@given(typed(), EDITS, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_whatever_is_adopted_no_other_line_moves(
    server: Server,
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, list[Line]],
    edits: list[tuple[str, str, str, int]],
    newline: str,
    ended: bool,
) -> None:
    bench = server.bench()
    before = {
        name: newline.join(line.text for line in lines) + (newline if ended else "") for name, lines in files.items()
    }
    root = write_files(tmp_path_factory.mktemp("adopt") / "specs", before)
    assert bench.apply(root).failed == ()
    touched: list[Path] = []
    for name, what, value, number in edits:
        if f"blueprints/{name}.yaml" in files:
            body = live(bench, name)
            path = change(body, what, value, number)
            if path:
                touched.append(path)
                bench.send("PUT", f"/blueprints/{name}", body)
    drift = {(change.ref, field.path) for change in bench.plan(root).pending for field in change.fields}
    done = adopted(bench, root)
    after = texts(root)
    for left in done.left:
        assert "as Port has it" not in left.reason, (before, after, done.left)
    open_fields = {(change.ref, field.path) for change in bench.plan(root).pending for field in change.fields}
    named = {(left.ref, left.path) for left in done.left}
    assert open_fields <= named, (after, done.left)
    assert len(done.edits) + len(done.left) == len(drift)
    for name, lines in files.items():
        kept = [line.text for line in lines if untouched(line, touched)]
        assert in_order(kept, after[name]), (touched, before[name], after[name])
        assert ("\r\n" in after[name]) == ("\r\n" in before[name])
        assert "\r\n" not in after[name] or "\n" not in after[name].replace("\r\n", "")


def live(bench: Bench, identifier: str) -> dict[str, Any]:
    with closing(bench.reader()) as port:
        body = port.get(f"/blueprints/{identifier}")["blueprint"]
    return {key: value for key, value in body.items() if key not in STAMPS}
