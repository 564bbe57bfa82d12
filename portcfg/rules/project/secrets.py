"""What PC709 and PC710 share: the secrets in the files, each at its place."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.model import Document, Position
from portcfg.rules.portal import Portal
from portcfg.rules.rule import Found

HINT = (
    "whoever reads the repository has it: have it revoked, keep the new one in an environment variable, and name that"
)


def found_secrets(portal: Portal, guess: bool) -> Iterator[Found]:
    """Of a file only that it holds one, and what it is: a finding must not pass it on."""
    for file, secrets in portal.secrets.items():
        text = portal.texts[file]
        known: list[tuple[int, int]] = []
        for secret in secrets:
            # What has a known form is told once, whatever its key is called.
            if any(start < secret.end and secret.start < end for start, end in known):
                continue
            known.append((secret.start, secret.end))
            if secret.guess == guess:
                line = text.count("\n", 0, secret.start) + 1
                column = secret.start - (text.rfind("\n", 0, secret.start) + 1) + 1
                message = f"{secret.what} stands here, of {secret.end - secret.start} characters"
                yield Found(Document("", {}, file, {}), (), message, HINT, Position(file, line, column))
