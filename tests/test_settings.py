"""Where portcfg talks to and as whom: flags, environment and project file, in that order."""

from __future__ import annotations

import pytest

from portcfg.client import api_root
from portcfg.errors import UsageError
from portcfg.model import Project
from portcfg.settings import DEFAULT_BASE_URL, Settings, read_settings

SECRET = {"PORT_CLIENT_ID": "me", "PORT_CLIENT_SECRET": "hush"}


def settings(**environ: str) -> Settings:
    return Settings(environ=environ)


@pytest.mark.parametrize(
    "environ, project, url",
    [
        pytest.param({}, "", DEFAULT_BASE_URL, id="nothing said"),
        pytest.param({}, "https://api.us.port.io", "https://api.us.port.io", id="the project file"),
        pytest.param({"PORT_BASE_URL": "https://a/v1/"}, "https://a", "https://a/v1/", id="both say the same"),
        pytest.param({"OCEAN__PORT__BASE_URL": "https://o\n"}, "", "https://o", id="Ocean's name, and a line break"),
        pytest.param(
            {"PORT_BASE_URL": "https://a", "OCEAN__PORT__BASE_URL": "https://o"}, "", "https://a", id="ours first"
        ),
        pytest.param({"PORT_BASE_URL": ""}, "https://b", "https://b", id="set to nothing"),
    ],
)
def test_base_url(environ: dict[str, str], project: str, url: str) -> None:
    assert settings(**environ).base_url(Project("", base_url=project)) == url


@pytest.mark.parametrize(
    "url", ["https://api.port.io", "https://api.port.io/", "https://api.port.io/v1", "https://api.port.io/v1/"]
)
def test_the_api_root_with_or_without_its_version(url: str) -> None:
    assert api_root(url) == "https://api.port.io/v1"


@pytest.mark.parametrize(
    "names", [("PORT_CLIENT_ID", "PORT_CLIENT_SECRET"), ("OCEAN__PORT__CLIENT_ID", "OCEAN__PORT__CLIENT_SECRET")]
)
def test_credentials(names: tuple[str, str]) -> None:
    found = settings(**dict(zip(names, ("me", "hush"), strict=True))).credentials()
    assert (found.client_id, found.client_secret) == ("me", "hush")


@pytest.mark.parametrize("missing", SECRET)
def test_without_credentials_nothing_goes_anywhere(missing: str) -> None:
    with pytest.raises(UsageError, match=missing) as caught:
        settings(**{name: value for name, value in SECRET.items() if name != missing}).credentials()
    assert "--env local" in caught.value.hint
    assert caught.value.exit_code == 64


def test_a_token_for_github_loses_the_line_break_that_was_copied_along() -> None:
    environ = {"GITHUB_REPOSITORY": "acme/portal", "GITHUB_TOKEN": "hush\n"}
    assert settings(**environ).github.token == "hush"


@pytest.mark.parametrize("token", ["hu\nsh", "hu sh", "hu\u2026sh"])
def test_what_cannot_be_a_token_is_no_fault_of_githubs(token: str) -> None:
    job = settings(GITHUB_REPOSITORY="acme/portal", GITHUB_TOKEN=token)
    with pytest.raises(UsageError, match="GITHUB_TOKEN holds") as caught:
        _ = job.github
    assert "hu" not in f"{caught.value.message} {caught.value.hint}"


def test_a_secret_never_shows() -> None:
    assert "hush" not in repr(settings(**SECRET)) + repr(settings(**SECRET).credentials())


def test_the_settings_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT_CLIENT_ID", "me")
    found = read_settings("specs", "local")
    assert (found.is_local, found.value("client_id")) == (True, ("PORT_CLIENT_ID", "me"))
    assert not read_settings("specs", "prod").is_local


@pytest.mark.parametrize(
    "environ, project",
    [
        pytest.param({"PORT_BASE_URL": "https://a"}, "https://b", id="another Port than the chosen environment"),
        pytest.param({"PORT_BASE_URL": "api.port.io"}, "", id="no URL"),
    ],
)
def test_a_base_url_that_cannot_be_meant_is_refused(environ: dict[str, str], project: str) -> None:
    with pytest.raises(UsageError):
        settings(**environ).base_url(Project("", "staging", base_url=project))
