"""The ledger, and what is wrong with it, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tabulate import tabulate

from portcfg.ledger import Entry
from portcfg.model import Body, Ref
from portcfg.render.safe import plain
from portcfg.repair import Finding

FORMAT = "portcfg/ledger/1"
REPAIR_FORMAT = "portcfg/ledger-repair/1"
HEADERS = ("resource", "file", "commit", "applied", "project", "environment")


def ledger_text(entries: Mapping[Ref, Entry]) -> str:
    """A line for each managed resource, and below it what isn't in order."""
    if not entries:
        return "The ledger is empty: portcfg manages nothing in this Port."
    ordered = sorted(entries.items(), key=lambda item: (str(item[1].owner), item[0]))
    rows = [[plain(cell) for cell in _row(ref, entry)] for ref, entry in ordered]
    table = tabulate(rows, headers=HEADERS, tablefmt="plain", disable_numparse=True)
    damaged = sum(_damaged(entry) for entry in entries.values())
    tail = f"\n{damaged} of them are damaged: `portcfg ledger repair`" if damaged else ""
    return f"{table}\n\n{len(entries)} resource(s) are managed.{tail}"


def _row(ref: Ref, entry: Entry) -> tuple[str, ...]:
    owner = entry.owner
    return str(ref), entry.file, entry.commit[:12], entry.applied_at, owner.project, owner.environment


def _damaged(entry: Entry) -> bool:
    return not entry.whole or entry.altered


def ledger_json(entries: Mapping[Ref, Entry]) -> str:
    """`{format, entries: [{kind, identifier, project, environment, file, commit, link, applied_at, tool, damaged,
    too_large}]}`."""
    listed = [_entry_json(ref, entry) for ref, entry in sorted(entries.items(), key=lambda item: item[0])]
    return json.dumps({"format": FORMAT, "entries": listed}, indent=2, ensure_ascii=False)


def _entry_json(ref: Ref, entry: Entry) -> Body:
    return {
        "kind": ref.kind,
        "identifier": ref.identifier,
        "project": entry.owner.project,
        "environment": entry.owner.environment,
        "file": entry.file,
        "commit": entry.commit,
        "link": entry.link,
        "applied_at": entry.applied_at,
        "tool": entry.tool,
        "damaged": _damaged(entry),
        "too_large": entry.too_large,
    }


def repair_text(findings: Sequence[Finding]) -> str:
    """A line for each finding: what is mended first."""
    if not findings:
        return "The ledger is in order."
    ordered = sorted(findings, key=lambda finding: not finding.remedy)
    lines = [f"{'mend' if f.remedy else 'left'} {plain(f.what)}: {plain(_told(f))}" for f in ordered]
    mended = sum(bool(finding.remedy) for finding in findings)
    return "\n".join([*lines, "", f"{mended} to mend, {len(findings) - mended} that portcfg can't."])


def _told(finding: Finding) -> str:
    return f"{finding.problem}; {finding.remedy}" if finding.remedy else finding.problem


def repair_json(findings: Sequence[Finding]) -> str:
    """`{format, findings: [{what, problem, remedy}]}`; an empty `remedy` is for what portcfg can't mend."""
    body = {"format": REPAIR_FORMAT, "findings": [vars(finding) for finding in findings]}
    return json.dumps(body, indent=2, ensure_ascii=False)
