"""Rules of mappings over files of others: what they find is genuine, and listed here with the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from portcfg.model import Body
from portcfg.pipeline import read_specs
from tests.support import REPOSITORY, write_files
from tests.test_validate import VENDORS, vendor_specs

GENUINE: dict[str, list[str]] = {
    # The blueprint has `summary`, which the mapping gives to `description`: Port refuses every escalation policy.
    "pagerduty": ["mappings/pagerduty.yaml:125:13 PC320 pagerdutyEscalationPolicy has no property 'description'"],
}
# The guide reads the first page of three endpoints, whatever number of rows they have.
GUIDE = [
    "mappings/cursor-code-changes.yaml:8:9 PC336 only the first page of `/analytics/ai-code/changes` is read: "
    "at most 100 rows",
    "mappings/cursor-commits.yaml:8:9 PC336 only the first page of `/analytics/ai-code/commits` is read: "
    "at most 100 rows",
    "mappings/cursor-usage-events.yaml:6:7 PC336 only the first page of `/teams/filtered-usage-events` is read: "
    "at most 100 rows",
]


def found(root: Path) -> list[str]:
    """What the rules of mappings find, with their infos."""
    problems = [each for each in read_specs(root).problems if each.id.startswith("PC3")]
    return [
        f"{Path(each.file).relative_to(root).as_posix()}:{each.line}:{each.column} {each.id} {each.message}"
        for each in problems
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_mapping_has_no_findings_but_genuine_ones(vendor: str, reference_dir: Path, tmp_path: Path) -> None:
    root = vendor_specs(tmp_path / "specs", reference_dir, vendor, mappings=True)
    assert found(root) == GENUINE.get(vendor, [])


def documented(reference_dir: Path) -> Iterator[Body]:
    """The blueprints in the customer's document."""
    text = (reference_dir / "requirements" / "seed-cursor-integration.txt").read_text(encoding="utf-8")
    at = text.find("{\n")
    while at >= 0:
        try:
            value, at = json.JSONDecoder().raw_decode(text, at)
        except json.JSONDecodeError:
            at += 1
        else:
            if isinstance(value, dict) and {"identifier", "schema"} <= value.keys():
                yield value
        at = text.find("{\n", at)


def test_the_customers_mappings_read_one_page_of_three_endpoints(reference_dir: Path, tmp_path: Path) -> None:
    root = tmp_path / "specs"
    shutil.copytree(REPOSITORY / "specs" / "examples" / "mappings", root / "mappings")
    project = yaml.safe_load((REPOSITORY / "specs" / "examples" / "portcfg.yaml").read_text(encoding="utf-8"))
    project["external"]["blueprints"] = {"service": {"missing": "skip"}, "githubPullRequest": {"missing": "skip"}}
    bodies = {f"blueprints/{body['identifier']}.json": json.dumps(body) for body in documented(reference_dir)}
    write_files(root, {**bodies, "portcfg.yaml": yaml.safe_dump(project)})
    assert found(root) == GUIDE


@pytest.mark.parametrize("folder", ["specs", "specs/examples", "specs/examples/issue-tracker"])
def test_the_shipped_mappings_have_no_findings(folder: str) -> None:
    assert found(REPOSITORY / folder) == (GUIDE if folder.endswith("examples") else [])
