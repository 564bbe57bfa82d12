"""What the release workflow does besides building: is the tag this version, and what does the changelog say of it.

python tools/release.py check v1.2.0
python tools/release.py notes v1.2.0 > notes.md
python tools/release.py sums dist > SHA256SUMS
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
# Semantic Versioning; what comes before a release has a hyphen in the tag and none in Python: v1.2.0-rc.1 is 1.2.0rc1.
TAG = re.compile(r"v(\d+\.\d+\.\d+)(?:-(a|b|rc)\.(\d+))?")


class ReleaseError(Exception):
    """Why this can't be released."""


def version_of(tag: str) -> str:
    """The version as Python writes it. Raises ReleaseError for a tag that is none of a version."""
    found = TAG.fullmatch(tag)
    if not found:
        raise ReleaseError(f"{tag!r} is no tag of a version: v1.2.0, or v1.2.0-rc.1 before it")
    return "".join(filter(None, found.groups()))


def notes(tag: str, changelog: str) -> str:
    """What the changelog says of the tag's version. Raises ReleaseError where that is nothing, or is said twice."""
    version = version_of(tag)
    heading = re.compile(rf"^## {re.escape(version)} - \d{{4}}-\d{{2}}-\d{{2}}$\n(.*?)(?=^## |\Z)", re.M | re.S)
    found = heading.findall(changelog)
    if len(found) != 1:
        raise ReleaseError(f"CHANGELOG.md has {len(found)} entries `## {version} - YEAR-MONTH-DAY`, and not one")
    if not re.search(r"^- ", found[0], re.MULTILINE):
        raise ReleaseError(f"CHANGELOG.md says nothing of {version}")
    return str(found[0]).strip() + "\n"


def check(tag: str, root: Path) -> str:
    """The version. Raises ReleaseError unless the tag, the package and the changelog agree on it."""
    version = version_of(tag)
    found = VERSION.search((root / "portcfg/__init__.py").read_text(encoding="utf-8"))
    if not found or found[1] != version:
        raise ReleaseError(f"the tag is {tag}, and portcfg/__init__.py has {found[1] if found else 'no version'}")
    notes(tag, (root / "CHANGELOG.md").read_text(encoding="utf-8"))
    return version


def name(tag: str, bill: Path) -> None:
    """Say in a bill of materials (CycloneDX) whose it is: what wrote it can't know a version that code has."""
    version = version_of(tag)
    found = json.loads(bill.read_text(encoding="utf-8"))
    found["metadata"]["component"] |= {"version": version, "purl": f"pkg:pypi/portcfg@{version}"}
    bill.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def sums(folder: Path) -> str:
    """A line for each file of `folder`, as sha256sum writes them."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """The command line; 1 with the reason on stderr where something doesn't fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    for each in ("check", "notes"):
        what.add_parser(each).add_argument("tag")
    named = what.add_parser("name")
    named.add_argument("tag")
    named.add_argument("file", type=Path)
    what.add_parser("sums").add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.what == "check":
            sys.stdout.write(f"{check(given.tag, root)}\n")
        elif given.what == "notes":
            sys.stdout.write(notes(given.tag, (root / "CHANGELOG.md").read_text(encoding="utf-8")))
        elif given.what == "name":
            name(given.tag, given.file)
        else:
            sys.stdout.write(sums(given.folder))
    except ReleaseError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
