"""Settings from flags and environment. The only reader of os.environ; secrets never show in a repr."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from portcfg import checkout
from portcfg.client import Credentials, api_root
from portcfg.errors import UsageError
from portcfg.masking import without_login
from portcfg.model import Project
from portcfg.project import LOCAL

DEFAULT_BASE_URL = "https://api.port.io"
PLAN_KEY = "PORTCFG_PLAN_KEY"
# What a header of HTTP may hold.
TOKEN = re.compile(r"[!-~]+")
REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
NAMES: Mapping[str, tuple[str, ...]] = {
    "base_url": ("PORT_BASE_URL", "OCEAN__PORT__BASE_URL"),
    "client_id": ("PORT_CLIENT_ID", "OCEAN__PORT__CLIENT_ID"),
    "client_secret": ("PORT_CLIENT_SECRET", "OCEAN__PORT__CLIENT_SECRET"),
}


@dataclass(frozen=True)
class GitHubAccess:
    """Where GitHub's API is, of which repository (`owner/name`), and with which token, which never shows in a repr."""

    api_url: str
    graphql_url: str
    repository: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """What the command line and the environment say."""

    specs: Path = Path("specs")
    environment: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the embedded Port is meant."""
        return self.environment == LOCAL

    def value(self, name: str) -> tuple[str, str]:
        """The first environment variable of `NAMES[name]` that is set, and its value; empty texts if none is.

        One that ends in the name of the chosen environment goes before: PORT_CLIENT_ID_STAGING.
        """
        suffix = re.sub(r"[^A-Z0-9]", "_", self.environment.upper())
        own = [f"{NAMES[name][0]}_{suffix}"] if suffix else []
        for variable in (*own, *NAMES[name]):
            # Copied secrets often bring a line break along.
            if value := self.environ.get(variable, "").strip():
                return variable, value
        return "", ""

    def base_url(self, project: Project) -> str:
        """Port's API: from the environment, else the project file, else Port's EU region.

        Raises UsageError for what is no URL, and when the environment and the project file differ: nobody who names
        an environment means to write to another one.
        """
        variable, url = self.value("base_url")
        if url and not url.startswith(("https://", "http://")):
            raise UsageError(f"{variable} is {url!r}, which is no URL", hint="Port's API is https://api.port.io")
        if url and project.base_url and api_root(url) != api_root(project.base_url):
            message = f"{variable} is {url}, and the environment {project.environment!r} has {project.base_url}"
            raise UsageError(message, hint=f"unset {variable}, or choose another --env")
        return url or project.base_url or DEFAULT_BASE_URL

    @property
    def commit(self) -> str:
        """The commit of the specs: GitHub Actions says it, else the git checkout that they are in."""
        return self.environ.get("GITHUB_SHA") or checkout.head(self.specs)

    @property
    def link(self) -> str:
        """Where the files of that commit are on the web."""
        server, repository = self.environ.get("GITHUB_SERVER_URL"), self.environ.get("GITHUB_REPOSITORY")
        if server and repository and self.commit:
            return f"{server}/{repository}/blob/{self.commit}"
        return checkout.link(self.specs, self.commit)

    @property
    def run_link(self) -> str:
        """Where this job is on the web, where GitHub Actions says so."""
        names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
        server, repository, run = (self.environ.get(name) for name in names)
        return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""

    @property
    def github(self) -> GitHubAccess:
        """GitHub's API as a job of GitHub Actions sees it; raises UsageError where something is missing."""
        repository, token = self.environ.get("GITHUB_REPOSITORY", ""), self.environ.get("GITHUB_TOKEN", "").strip()
        if not REPOSITORY.fullmatch(repository):
            raise UsageError(f"GITHUB_REPOSITORY is {repository!r}, which is no owner/name")
        if not token:
            hint = "give the step `env:` with GITHUB_TOKEN: ${{ github.token }}"
            raise UsageError("GITHUB_TOKEN isn't set", hint=hint)
        if not TOKEN.fullmatch(token):
            hint = "copy it again: it is one word of letters, digits and _"
            raise UsageError("GITHUB_TOKEN holds what no token has, such as a line break", hint=hint)
        api_url = checked_url(self.environ.get("GITHUB_API_URL") or "https://api.github.com", "GITHUB_API_URL")
        # A server of one's own has them at /api/v3 and /api/graphql.
        graphql_url = self.environ.get("GITHUB_GRAPHQL_URL") or f"{api_url.removesuffix('/v3')}/graphql"
        return GitHubAccess(api_url, checked_url(graphql_url, "GITHUB_GRAPHQL_URL"), repository, token)

    @property
    def plan_key(self) -> str:
        """The key that plan files are signed with; empty where they are only digested."""
        return self.environ.get(PLAN_KEY, "")

    def credentials(self) -> Credentials:
        """Port's credentials; raises UsageError when there are none: nothing ever goes to the embedded Port unasked."""
        client_id, client_secret = self.value("client_id")[1], self.value("client_secret")[1]
        if not client_id or not client_secret:
            missing = "PORT_CLIENT_ID" if not client_id else "PORT_CLIENT_SECRET"
            hint = "set PORT_CLIENT_ID and PORT_CLIENT_SECRET (in Port: Credentials, in the menu behind your picture), "
            raise UsageError(f"{missing} isn't set", hint=hint + "or add --env local to use the embedded Port")
        return Credentials(client_id, client_secret)


def checked_url(text: str, what: str) -> str:
    """The base URL of an API, without a slash at its end; raises UsageError for what can't be one."""
    try:
        url = urlsplit(text)
        whole = url.scheme in ("https", "http") and url.hostname and (url.port or True)
    except ValueError:
        whole = False
    if not whole:
        raise UsageError(f"{what} is {without_login(text)!r}, which is no URL", "give one like https://api.example.com")
    if url.query or url.fragment:
        raise UsageError(f"{what} is {without_login(text)!r}; paths are put behind it, so that it can't have a ? or #")
    return text.rstrip("/")


def read_settings(specs: str, environment: str) -> Settings:
    """The settings of this process."""
    return Settings(Path(specs), environment, dict(os.environ))
