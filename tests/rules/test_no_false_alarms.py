"""All rules over files that work: what they call an error or a warning is genuine, and listed with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from portcfg.pipeline import read_specs
from tests.support import REPOSITORY
from tests.test_validate import VENDORS, vendor_specs

GENUINE: dict[str, list[dict[str, str]]] = yaml.safe_load(
    (REPOSITORY / "tests" / "cases" / "genuine.yaml").read_text(encoding="utf-8")
)
SHIPPED = ("specs", "specs/examples", "specs/examples/issue-tracker")


def alarms(root: Path) -> list[str]:
    """The errors and warnings that all rules give."""
    return [
        f"{Path(each.file).relative_to(root).as_posix()}:{each.line}:{each.column} {each.id} {each.message}"
        for each in read_specs(root).problems
        if each.severity != "info"
    ]


def unexplained(name: str, root: Path) -> tuple[list[str], list[str]]:
    """(found and not listed, listed and not found)."""
    listed, found = [each["finding"] for each in GENUINE.get(name, [])], alarms(root)
    false = [one for one in found if not any(one.startswith(each) for each in listed)]
    return false, [each for each in listed if not any(one.startswith(each) for one in found)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_vendors_publish_has_genuine_findings_only(vendor: str, reference_dir: Path, tmp_path: Path) -> None:
    root = vendor_specs(tmp_path / "specs", reference_dir, vendor, mappings=True)
    assert unexplained(f"corpus/{vendor}", root) == ([], [])


@pytest.mark.parametrize("folder", SHIPPED)
def test_what_is_shipped_has_genuine_findings_only(folder: str) -> None:
    assert unexplained(folder, REPOSITORY / folder) == ([], [])


def test_every_genuine_finding_is_listed_with_its_reason() -> None:
    assert {*GENUINE} <= {*SHIPPED, *(f"corpus/{vendor}" for vendor in VENDORS)}
    assert all(each["reason"] for listed in GENUINE.values() for each in listed)
