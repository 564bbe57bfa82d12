"""Places inside texts: whatever the style of a scalar, the n-th character is found where it stands in the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portcfg.load import load_specs
from portcfg.rules.inside import place_inside
from tests.support import write_files

# Each has an X, which is looked for.
TEXTS = {
    "plain": "title: .a + X",
    "plain over two lines": "title: .a\n  + X",
    "single quotes": "title: '.a + \"it''s\" + X'",
    "single quotes over two lines": "title: '.a +\n\n  ''b'' + X'",
    "double quotes": 'title: ".a + \\"\\u00e9\\n\\t\\" + X"',
    "double quotes over two lines": 'title: ".a \\\n   + \\"b\\"\n  + X"',
    "literal": "title: |\n  .a\n    + X\n",
    "literal with an indentation": "title: |2-\n    .a\n  + X\n",
    "folded": "title: >-\n  .a\n  + b\n\n  + X\n",
    "in a flow mapping": "{title: .a + X, b: 1}",
    "repeated": "description: &a |\n  .b + X\ntitle: *a",
    "characters of several bytes": 'title: \'"日本" + "é" + X\'',
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_character_is_found_in_every_style(name: str, tmp_path: Path) -> None:
    root = write_files(tmp_path, {"blueprints/b.yaml": TEXTS[name]})
    loaded = load_specs(root, {})
    (document,) = loaded.documents
    value = document.body["title"]
    place = place_inside(document, ("title",), value, value.index("X"), loaded.texts)
    assert TEXTS[name].split("\n")[place.line - 1][place.column - 1] == "X"


def test_what_variables_made_has_the_place_of_its_key(tmp_path: Path) -> None:
    root = write_files(tmp_path, {"blueprints/b.yaml": "title: ${vars.a} + X"})
    loaded = load_specs(root, {"a": "long"})
    (document,) = loaded.documents
    place = place_inside(document, ("title",), document.body["title"], 7, loaded.texts)
    assert (place.line, place.column) == (1, 1)


@given(st.text("aé日\"\\\n\t'x ", max_size=20))
def test_json_is_read_as_yaml_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    root = tmp_path_factory.mktemp("specs")
    source = json.dumps({"identifier": "b", "title": text + "X"}, indent=1)
    loaded = load_specs(write_files(root, {"blueprints/b.json": source}), {})
    (document,) = loaded.documents
    place = place_inside(document, ("title",), text + "X", len(text), loaded.texts)
    assert source.split("\n")[place.line - 1][place.column - 1] == "X"
