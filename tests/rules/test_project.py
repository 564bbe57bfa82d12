"""Secrets are found, told once and printed nowhere; what nothing uses is told only where that is sure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from portcfg.pipeline import read_specs
from portcfg.secret_forms import secrets_in, starred
from tests.support import portcfg_beside, write_files

Cli = Callable[..., Result]
RANDOM = "q7Zp2Lx9Vb4Nc8RtW3kD"
# Put together here, so that nothing takes this file for one that gives a secret away.
KNOWN = {
    "GitHub": "ghp_" + RANDOM * 2,
    "GitHub's fine ones": "github_pat_" + RANDOM + "_" + RANDOM,
    "GitLab": "glpat-" + RANDOM,
    "Slack": "xoxb-" + RANDOM,
    "Slack's webhook": "https://hooks.slack.com/services/" + f"T0A1B2C3/B4D5E6F7/{RANDOM}",
    "AWS": "AKIA" + "Q7ZP2LX9VB4NC8RT",
    "Cursor, old": "key_" + "0123456789abcdef" * 4,
    "Cursor": "crsr_" + RANDOM * 2,
    "a JSON web token": f"eyJ{RANDOM}.eyJ{RANDOM}.{RANDOM}",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a URL": f"https://robot:{RANDOM}@git.example.com/x",
    "a request": f"Authorization: Bearer {RANDOM}",
}
GUESSED = {
    "a token": f"api_token: {RANDOM}",
    "JSON": json.dumps({"clientSecret": RANDOM}),
    "a UUID": "credentials: 8d3f1c0a-77be-4b1e-9c52-3f0e2a6d9b11",
    "hexadecimal": "private_key: 3f9a0c7be1d24f5c8a6b9e0d1c2f3a4b",
    "where a name is due": f"token_env: {RANDOM}",
}
NONE = {
    "a hash": "digest: 3f9a0c7be1d24f5c8a6b9e0d1c2f3a4b",
    "a commit": "commit: 9c4d451aa0f3b2c1d0e9f8a7b6c5d4e3f2a1b0c9",
    "an identifier": "identifier: 8d3f1c0a-77be-4b1e-9c52-3f0e2a6d9b11",
    "the key of an issue": "key: PROJ1234-a1b2c3d4e5f6",
    "counted tokens": "input_tokens: .totals.input_tokens_2026",
    "a property": "api_token: {type: string, title: API token}",
    "a variable's name": "token_env: CURSOR_API_KEY_OF_2026",
    "jq": 'password: .fields["x1y2z3"] // "none"',
    "an example of AWS": "access_key: AKIAIOSFODNN7EXAMPLE",
    "an example of a URL": "url: https://user:password@example.com/x",
    "a variable in a URL": "url: https://robot:${TOKEN}@example.com/x",
    "a URL with a port and an at": "url: https://example.com:8080/@scope/a1b2c3d4",
    "words": "secret_name: production-database-2026",
    "a placeholder": "api_key: your-api-key-a1b2c3d4e5f6",
    "a word that begins so": "task_0123456789abcdef0123456789abcdef0123: x",
}


@pytest.mark.parametrize("text", KNOWN.values(), ids=KNOWN)
def test_forms_that_vendors_use_are_found(text: str) -> None:
    (found,) = [each for each in secrets_in(f"a: {text} # {text[:3]}\n") if not each.guess]
    assert RANDOM[-4:] not in starred(f"a: {text}\n") or text.startswith("----")
    assert len(starred(text)) == len(text)
    assert found.start >= 3


@pytest.mark.parametrize("text", GUESSED.values(), ids=GUESSED)
def test_random_texts_behind_a_key_that_says_so_are_found(text: str) -> None:
    (found,) = secrets_in(f"{text}\n")
    assert found.guess
    assert text[found.start + 5 : found.end] not in starred(text)


@pytest.mark.parametrize("text", NONE.values(), ids=NONE)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert list(secrets_in(f"{text}\n")) == []


@given(st.text(max_size=200))
def test_any_text_is_as_long_with_stars(text: str) -> None:
    assert len(starred(text)) == len(text)


FILES = {
    "blueprints/service.yaml": "title: Service\nschema: {properties: {}}\n",
    "mappings/rows.yaml": (
        'source: {base_url: "https://api.example.com", auth: {type: bearer, token_env: API_TOKEN}}\nresources: []\n'
    ),
}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run portcfg beside a small project."""
    monkeypatch.chdir(tmp_path)
    return portcfg_beside(tmp_path, FILES)


def ids(root: Path, environment: str = "") -> list[str]:
    return [problem.id for problem in read_specs(root, environment).problems]


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "sarif", "github"])
@pytest.mark.parametrize(
    "line",
    [
        f"description: 'by {KNOWN['Cursor']}'",
        f"changelogDestination: {{url: '{KNOWN['a URL']}', type: WEBHOOK_CHANGELOG}}",
        f"vars: {{api_token: {RANDOM}}}",
        # Not of the right shape, so that the finding would say what it isn't.
        f"source: {{base_url: 'https://a.example.com', auth: {{type: bearer, token_env: 'key-{RANDOM}'}}}}",
    ],
)
def test_no_format_prints_a_secret(cli: Cli, tmp_path: Path, line: str, format_: str) -> None:
    write_files(tmp_path / "specs", {"mappings/leaky.yaml": f"{line}\nresources: []\n"})
    done = cli("validate", "--format", format_)
    assert "leaky.yaml" in done.stdout
    assert RANDOM not in done.output
    assert RANDOM[-8:] not in done.output


def test_a_secret_stops_a_plan_and_is_not_in_what_it_says(cli: Cli, tmp_path: Path) -> None:
    write_files(
        tmp_path / "specs", {"blueprints/a.yaml": f"title: A {KNOWN['Cursor']}\nschema: {{properties: {{}}}}\n"}
    )
    done = cli("compile")
    assert (done.exit_code, "PC709" in done.output, RANDOM in done.output) == (1, True, False)


def test_a_line_with_a_secret_is_explained_without_it(cli: Cli, tmp_path: Path) -> None:
    write_files(
        tmp_path / "specs", {"blueprints/a.yaml": f"title: A {KNOWN['Cursor']}\nschema: {{properties: {{}}}}\n"}
    )
    assert RANDOM not in cli("explain", "specs/blueprints/a.yaml:1").output


def test_a_secret_of_a_fragment_is_told_once(tmp_path: Path) -> None:
    spec = "title: A\nschema:\n  properties:\n    $include: ../fragments/a.yaml\n"
    fragment = f"a: {{type: string, description: {KNOWN['Cursor']}}}\n"
    files = {"blueprints/a.yaml": spec, "blueprints/b.yaml": spec, "fragments/a.yaml": fragment}
    assert ids(write_files(tmp_path / "specs", files)) == ["PC709"]


def test_a_secret_can_be_ignored_with_a_reason(tmp_path: Path) -> None:
    line = f"vars: {{api_token: {RANDOM}}}  # portcfg: ignore PC710 (of a test server)\nresources: []\n"
    source = 'source: {base_url: "https://api.example.com", auth: {type: none}}\n'
    assert ids(write_files(tmp_path / "specs", {**FILES, "mappings/leaky.yaml": source + line})) == []


PROJECT = "version: 1\nvars: {org: acme}\nenvironments: {staging: {vars: {region: eu}}, production: {}}\n"


@pytest.mark.parametrize(
    ("files", "found"),
    [
        pytest.param({}, ["PC712"], id="nothing"),
        pytest.param({"blueprints/a.yaml": "title: ${vars.org}\nschema: {properties: {}}\n"}, [], id="a spec"),
        pytest.param({"fragments/a.yaml": "title: ${vars.org}\n"}, ["PC711"], id="a fragment that nothing includes"),
        pytest.param(
            {"environments/staging/blueprints/service.yaml": "title: ${vars.org}\n"}, [], id="another environment"
        ),
        pytest.param(
            {"mappings/b.yaml": FILES["mappings/rows.yaml"].replace("[]", "[{kind: $org, port: {}}]")},
            [],
            id="jq",
        ),
        pytest.param({"blueprints/a.yaml": "title: [\n"}, ["PC002"], id="beside what can't be read"),
        pytest.param(
            {
                "fragments/a.yaml": "title: ${vars.org}\n",
                "environments/staging/blueprints/service.yaml": "$include: ../../../fragments/a.yaml\n",
            },
            [],
            id="a fragment of another environment",
        ),
    ],
)
def test_what_nothing_uses(tmp_path: Path, files: dict[str, str], found: list[str]) -> None:
    root = write_files(tmp_path / "specs", {**FILES, "portcfg.yaml": PROJECT, **files})
    assert [each for each in ids(root) if each in ("PC002", "PC711", "PC712")] == found


def test_variables_of_an_environment_have_their_place_there(tmp_path: Path) -> None:
    root = write_files(tmp_path / "specs", {**FILES, "portcfg.yaml": PROJECT})
    found = [(each.message, each.column) for each in read_specs(root, "staging").problems if each.id == "PC712"]
    assert found == [("nothing uses the variable 'org'", 8), ("nothing uses the variable 'region'", 33)]


def test_a_specs_folder_by_another_way_has_no_unused_fragments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = "title: A\nschema:\n  properties:\n    $include: ../fragments/a.yaml\n"
    write_files(tmp_path / "specs", {"blueprints/a.yaml": spec, "fragments/a.yaml": "a: {type: string}\n"})
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("../specs", "../here/../specs", "./../specs/."):
        assert ids(Path(name)) == []
