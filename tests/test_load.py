"""specs/ -> Documents: what was typed stays, every mistake has its place, nothing hostile gets through."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portcfg import yamlread
from portcfg.errors import Problem
from portcfg.load import MAX_NODES, Loaded, load_specs
from portcfg.model import Position
from portcfg.pipeline import read_specs
from tests.support import cases, write_files

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def loaded(tmp_path: Path, files: dict[str, str], **variables: Any) -> Loaded:
    return load_specs(write_files(tmp_path / "specs", files), variables)


def value_of(tmp_path: Path, text: str, suffix: str = ".yaml", **variables: Any) -> Any:
    """What the value of the key `a` is read as."""
    result = loaded(tmp_path, {f"blueprints/x{suffix}": text}, **variables)
    assert result.problems == ()
    return result.documents[0].body["a"]


def shown(problem: Problem, root: Path) -> str:
    """`file:line:col id message (hint)`, the file below the specs folder."""
    return f"{problem.where} {problem.id} {problem.message} ({problem.hint})".replace(f"{root}{os.sep}", "")


def expect_problems(problems: tuple[Problem, ...], expected: list[str], root: Path) -> None:
    """Each expected line is `file:line:col id` and any text that the rest must hold."""
    found = [shown(problem, root) for problem in problems]
    assert [line.split(" ")[:2] for line in found] == [line.split(" ")[:2] for line in expected], found
    for line, wanted in zip(found, expected, strict=True):
        assert " ".join(wanted.split(" ")[2:]) in line


@pytest.mark.parametrize("case", cases("load"))
def test_problems_have_their_place(case: dict[str, Any], tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", case["files"])
    result = load_specs(root, case.get("vars", {}))
    expect_problems(result.problems, case.get("problems", []), tmp_path / "specs")
    if "bodies" in case:
        assert [document.body for document in result.documents] == case["bodies"]


@pytest.mark.parametrize(
    "typed, value",
    [
        *[pytest.param(text, text, id=text) for text in ("on", "off", "yes", "no", "y", "n", "=", "<<", "1.10", "007")],
        *[
            pytest.param(text, text, id=text)
            for text in ("0x1F", "0o17", "1e3", "1_000", "+1", ".5", "1.", "-0", "12:30:45")
        ],
        *[pytest.param(text, text, id=text) for text in ("2026-03-02", "2026-03-02T10:00:00Z", ".inf", ".nan", "tRuE")],
        *[pytest.param(text, None, id=text or "nothing") for text in ("~", "null", "Null", "NULL", "")],
        *[pytest.param(text, text == "true", id=text) for text in ("true", "false")],
        pytest.param("1", 1, id="1"),
        pytest.param("-12", -12, id="-12"),
        pytest.param("1.5", 1.5, id="1.5"),
        pytest.param("1e-05", 1e-05, id="1e-05"),
        pytest.param("'1'", "1", id="quoted number"),
        pytest.param('"true"', "true", id="quoted keyword"),
        pytest.param("'null'", "null", id="quoted null"),
        pytest.param("9" * 5000, "9" * 5000, id="5,000 digits"),
        pytest.param("|\n  one\n  two", "one\ntwo", id="block"),
        pytest.param(">-\n  one\n  two", "one two", id="folded"),
    ],
)
def test_a_plain_scalar_is_what_was_typed(typed: str, value: Any, tmp_path: Path) -> None:
    read = value_of(tmp_path, f"a: {typed}")
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    "text, value",
    [
        pytest.param('{\n\t"a":\t1}', 1, id="tabs"),
        pytest.param('{"a": "\\ud83d\\ude00"}', "😀", id="surrogate pair"),
        pytest.param('{"a": 1.10}', 1.1, id="1.10 is a number in JSON"),
        pytest.param('{"a": 1E3}', 1000.0, id="exponent"),
        pytest.param('{"a": "on"}', "on", id="text"),
        pytest.param('{"a": "x\\/y"}', "x/y", id="escaped slash"),
        pytest.param('{"a": "x\u2028y\u0085z\x7f"}', "x\u2028y\u0085z\x7f", id="line separators of YAML"),
        pytest.param('\ufeff{"a": null}', None, id="byte order mark"),
        pytest.param('{"a": "# no comment: [x]"}', "# no comment: [x]", id="signs of YAML"),
    ],
)
def test_json_is_read_as_json(text: str, value: Any, tmp_path: Path) -> None:
    read = value_of(tmp_path, text, ".json")
    assert (type(read), read) == (type(value), value)


@given(JSON)
@example([1e-05, -1e21, 1.5e-300, 5e-324, 0.1, 1.0])
def test_dumped_yaml_and_json_read_back_the_same(value: Any) -> None:
    (yaml_node,) = yamlread.parse(yamlread.dump(value).encode(), is_json=False)
    (json_node,) = yamlread.parse(json.dumps(value).encode(), is_json=True)
    assert plain(yaml_node) == value
    assert plain(json_node) == value


def plain(node: yamlread.Node) -> Any:
    if isinstance(node, yamlread.MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, yamlread.ScalarNode):
        return yamlread.scalar(node)
    return [plain(item) for item in node.value]


@pytest.mark.parametrize(
    "typed, value",
    [
        pytest.param("${vars.org}", "acme", id="text"),
        pytest.param("${vars.count}", 3, id="a whole scalar keeps its type"),
        pytest.param("${vars.teams}", {"a@b": "x"}, id="a whole scalar may be a mapping"),
        pytest.param("x-${vars.count}-${vars.org}", "x-3-acme", id="inside text"),
        pytest.param("x-${vars.flag}", "x-true", id="a flag inside text is JSON's"),
        pytest.param("$${vars.org}", "${vars.org}", id="escaped"),
        pytest.param("x $${vars.org} ${vars.org}", "x ${vars.org} acme", id="escaped beside a variable"),
        pytest.param("cost ${ and $ {vars.org}", "cost ${ and $ {vars.org}", id="no variable"),
    ],
)
def test_variables(typed: str, value: Any, tmp_path: Path) -> None:
    known = {"org": "acme", "count": 3, "teams": {"a@b": "x"}, "flag": True}
    assert value_of(tmp_path, f"a: '{typed}'", **known) == value


def test_keys_keep_their_order_and_included_ones_stand_where_the_include_stands(tmp_path: Path) -> None:
    files = {
        "blueprints/x.yaml": "z: 1\n$include: ../fragments/f.yaml\nb: 2\na: 3\n",
        "fragments/f.yaml": "m: 4\nb: 5\nk: 6\n",
    }
    body = loaded(tmp_path, files).documents[0].body
    assert list(body.items()) == [("identifier", "x"), ("z", 1), ("m", 4), ("b", 2), ("k", 6), ("a", 3)]


def test_an_included_key_has_its_place_in_the_fragment_and_a_local_one_here(tmp_path: Path) -> None:
    files = {
        "blueprints/x.yaml": "schema:\n  $include: ../fragments/f.yaml\n  deep: {local: 1}\n",
        "fragments/f.yaml": "# a comment\nfirst:\n  inner: 1\ndeep:\n  other: 2\n",
    }
    (document,) = loaded(tmp_path, files).documents
    root = tmp_path / "specs" / "blueprints"
    fragment = tmp_path / "specs" / "fragments" / "f.yaml"
    assert document.place(("schema", "first", "inner")) == Position(str(fragment), 3, 3)
    assert document.place(("schema", "deep", "local")) == Position(str(root / "x.yaml"), 3, 10)
    assert document.place(("schema", "deep", "other")) == Position(str(root / "x.yaml"), 3, 3)
    assert document.body["schema"]["deep"] == {"local": 1}


def test_the_kind_is_the_folder_and_the_identifier_the_files_name(tmp_path: Path) -> None:
    files = {
        "blueprints/team.service.yaml": "title: A",
        "blueprints/deep/er/b.yml": "identifier: named\ntitle: B",
        "dashboards/c.JSON": '{"title": "C"}',
        "fragments/f.yaml": "x: 1",
    }
    found = [(document.kind, document.body["identifier"]) for document in loaded(tmp_path, files).documents]
    assert found == [("blueprint", "named"), ("blueprint", "team.service"), ("dashboard", "c")]


def test_a_file_may_hold_several_documents_or_a_list(tmp_path: Path) -> None:
    files = {
        "blueprints/a.yaml": "identifier: one\n---\nidentifier: two\n---\n",
        "blueprints/b.json": '[{"identifier": "three"},\n {"identifier": "four"}]',
    }
    documents = loaded(tmp_path, files).documents
    assert [document.body["identifier"] for document in documents] == ["one", "two", "three", "four"]
    assert documents[1].place(("identifier",)).line == 3
    assert documents[3].place(("identifier",)).line == 2


def test_the_same_files_in_another_order_of_creation_read_the_same(tmp_path: Path) -> None:
    files = {f"blueprints/{name}.yaml": f"title: {name}" for name in ("b", "a", "c")}
    first = loaded(tmp_path / "1", files)
    second = loaded(tmp_path / "2", dict(reversed(files.items())))
    assert [document.body for document in first.documents] == [document.body for document in second.documents]


def test_hidden_files_and_a_project_within_are_passed_over(tmp_path: Path) -> None:
    files = {
        "blueprints/a.yaml": "title: A",
        "blueprints/.hidden.yaml": "title: B",
        "blueprints/.git/c.yaml": "title: C",
        "examples/portcfg.yaml": "version: 1",
        "examples/blueprints/d.yaml": "title: D",
    }
    result = loaded(tmp_path, files)
    assert [document.body["identifier"] for document in result.documents] == ["a"]
    assert result.problems == ()


@pytest.mark.parametrize(
    "data, message",
    [
        pytest.param(b"\x89PNG\r\n\x1a\n\xff", "byte 0 isn't UTF-8", id="binary"),
        pytest.param("title: A".encode("utf-16"), "isn't UTF-8", id="UTF-16"),
        pytest.param(b"title: A\0B", "NUL", id="NUL"),
        pytest.param(b"[" * 1_000_000, "nested too deeply", id="a million brackets"),
        pytest.param(b"- " * 1_000_000, "nested too deeply", id="a million dashes"),
        pytest.param(b'{"a":' * 500_000, "nested too deeply", id="half a million braces"),
    ],
)
@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_what_is_no_text_is_refused(data: bytes, message: str, suffix: str, tmp_path: Path) -> None:
    file = write_files(tmp_path / "specs", {"blueprints/ok.yaml": "title: A"}) / "blueprints" / f"x{suffix}"
    file.write_bytes(data)
    result = load_specs(tmp_path / "specs", {})
    assert [problem.id for problem in result.problems] == ["PC002"]
    assert message in result.problems[0].message or suffix == ".json"
    assert [document.body["identifier"] for document in result.documents] == ["ok"]


def test_a_file_of_50_mb_is_refused_without_reading_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_files(tmp_path / "specs", {"blueprints/big.yaml": ""}) / "blueprints" / "big.yaml"
    os.truncate(file, 50 * 1024 * 1024)
    sizes = []
    monkeypatch.setattr(
        yamlread, "parse", lambda data, is_json, real=yamlread.parse: sizes.append(len(data)) or real(data, is_json)
    )
    (problem,) = load_specs(tmp_path / "specs", {}).problems
    assert "the most that a spec may have" in problem.message
    assert sizes == [yamlread.MAX_BYTES + 1]


def test_what_is_no_file_of_the_specs_is_told_and_not_read(tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", {"blueprints/ok.yaml": "title: A", "fragments/f.yaml": "title: F"})
    write_files(tmp_path, {"outside.yaml": "title: private", "elsewhere/x.yaml": "title: private"})
    folder = root / "blueprints"
    (folder / "inside.yaml").symlink_to("../fragments/f.yaml")
    (folder / "outside.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / "circle.yaml").symlink_to("circle.yaml")
    (folder / "gone.yaml").symlink_to("nowhere.yaml")
    os.mkfifo(folder / "pipe.yaml")
    (root / "mappings").symlink_to(tmp_path / "elsewhere")
    result = load_specs(root, {})
    assert [(problem.id, Path(problem.file).name, problem.message) for problem in result.problems] == [
        ("PC001", "circle.yaml", "this link leads nowhere, or in a circle"),
        ("PC001", "gone.yaml", "this link leads nowhere, or in a circle"),
        ("PC001", "outside.yaml", "this link leads outside specs/"),
        ("PC001", "pipe.yaml", "this is no file, but a folder, a pipe, a socket or a device"),
        ("PC001", "x.yaml", "this link leads outside specs/"),
    ]
    assert [document.body["identifier"] for document in result.documents] == ["inside", "ok"]
    assert "private" not in str(result.texts)


def test_a_project_file_that_is_no_file_of_the_specs_is_not_read(tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", {"blueprints/ok.yaml": "title: A\nschema: {properties: {}}"})
    file = root / "portcfg.yaml"
    write_files(tmp_path, {"outside.yaml": "version: 1\nvars: {private: private}"})
    for target, message in (
        (tmp_path / "outside.yaml", "this link leads outside specs/"),
        (tmp_path / "nowhere.yaml", "this link leads nowhere, or in a circle"),
    ):
        file.symlink_to(target)
        specs = read_specs(root)
        assert [(problem.id, problem.message) for problem in specs.problems] == [("PC001", message)]
        assert "private" not in str((specs.texts, specs.project))
        file.unlink()
    file.mkdir()
    assert [problem.id for problem in read_specs(root).problems] == ["PC001"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that everybody may open and nobody read")
def test_a_file_that_cant_be_read_is_a_problem_of_its_own(tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", {"blueprints/ok.yaml": "title: A"})
    (root / "blueprints" / "bad.yaml").symlink_to("/proc/self/mem")
    result = load_specs(root, {})
    assert [(problem.id, Path(problem.file).name) for problem in result.problems] == [("PC001", "bad.yaml")]
    assert len(result.documents) == 1


def test_an_alias_bomb_stops_at_a_limit(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = loaded(tmp_path, {"blueprints/x.yaml": "\n".join(lines)}).problems
    assert (problem.id, problem.line) == ("PC003", 1)
    assert MAX_NODES < 10**9


def test_includes_that_multiply_stop_at_the_same_limit(tmp_path: Path) -> None:
    files = {"blueprints/x.yaml": "$include: [" + ", ".join(["../fragments/f0.yaml"] * 100) + "]"}
    for number in range(4):
        names = ", ".join([f"f{number + 1}.yaml"] * 100)
        files[f"fragments/f{number}.yaml"] = f"$include: [{names}]"
    (problem,) = loaded(tmp_path, {**files, "fragments/f4.yaml": "x: 1"}).problems
    assert (problem.id, Path(problem.file).name) == ("PC003", "f4.yaml")


def test_merges_and_includes_nest_no_deeper_than_anything_else(tmp_path: Path) -> None:
    files = {f"fragments/f{number}.yaml": f"$include: f{number + 1}.yaml" for number in range(400)}
    files["blueprints/x.yaml"] = "$include: ../fragments/f0.yaml"
    files["blueprints/y.yaml"] = "{<<: " * 300 + "{a: 1}" + "}" * 300
    result = loaded(tmp_path, {**files, "fragments/f400.yaml": "x: 1"})
    assert [problem.id for problem in result.problems] == ["PC003", "PC003"]


@pytest.mark.parametrize(
    "prepare, message",
    [
        pytest.param(lambda root: None, "there is no such folder", id="no folder"),
        pytest.param(lambda root: root.mkdir(), "there are no specs here", id="empty folder"),
        pytest.param(
            lambda root: write_files(root, {"blueprints/a.yaml": ""}), "there are no specs here", id="empty file"
        ),
        pytest.param(
            lambda root: write_files(root, {"blueprints/a.yaml": "# x\n"}), "there are no specs here", id="comment"
        ),
        pytest.param(lambda root: root.write_text("x"), "there is no such folder", id="a file"),
    ],
)
def test_a_folder_without_specs_is_an_error(prepare: Any, message: str, tmp_path: Path) -> None:
    prepare(tmp_path / "specs")
    (problem,) = (each for each in load_specs(tmp_path / "specs", {}).problems if each.severity == "error")
    assert message in problem.message


@pytest.mark.parametrize("name", ["new\nline", "\x1b[31mred", "@everyone", "`code`", "a b", "ünï", "-rf", "x" * 200])
def test_hostile_file_names_are_just_names(name: str, tmp_path: Path) -> None:
    (document,) = loaded(tmp_path, {f"blueprints/{name}.yaml": "title: A"}).documents
    assert document.body["identifier"] == name
