"""live State -> spec files: one YAML file a resource, which plans to no changes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from portcfg.kinds import KINDS
from portcfg.kinds.base import STAMPS
from portcfg.kinds.blueprint import SYNC_RECORDS
from portcfg.kinds.order import in_order
from portcfg.model import Body, Document, Project, Ref, Resource, State
from portcfg.places import in_sidebar
from portcfg.sidebar import Tree
from portcfg.variables import VARIABLE
from portcfg.yamlread import dump

LONGEST_NAME = 120
# Windows takes these for devices, whatever follows the first dot.
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def importable(live: State, kinds: Iterable[str], names: Iterable[str]) -> list[Resource]:
    """The live resources of these kinds (and identifiers, if any are given), less Port's own and the syncs' records.

    Port's own `after` is left out: it is the neighbour of the moment.
    """
    wanted, chosen = set(kinds), set(names)
    return [
        replace(resource, body=_unordered(resource.body)) if KINDS[ref.kind].parents else resource
        for ref, resource in sorted(live.items())
        if ref.kind in wanted
        and not KINDS[ref.kind].system(ref.identifier)
        and ref.identifier not in SYNC_RECORDS
        and (not chosen or ref.identifier in chosen)
    ]


def selected(resources: Iterable[Resource], only: Sequence[str], exclude: Sequence[str]) -> list[Resource]:
    """Those whose `kind/identifier` matches one of `only` (where there is any) and none of `exclude`."""
    return [
        resource
        for resource in resources
        if (not only or _matches(resource.ref, only)) and not _matches(resource.ref, exclude)
    ]


def _matches(ref: Ref, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(str(ref), pattern) for pattern in patterns)


def spec_file(root: Path, ref: Ref, taken: set[Path]) -> Path:
    """Where the spec of `ref` goes: its identifier made safe for a file name on any disk, and unlike those `taken`."""
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "-", ref.identifier)[:LONGEST_NAME].strip(".-") or "unnamed"
    if DEVICE.fullmatch(stem):
        stem = f"{ref.kind}-{stem}"
    folder, count = root / KINDS[ref.kind].folder, 1
    path, known = folder / f"{stem}.yaml", {_as_the_disk_has_it(each) for each in taken}
    while _as_the_disk_has_it(path) in known:
        count += 1
        path = folder / f"{stem}-{count}.yaml"
    return path


def _as_the_disk_has_it(path: Path) -> str:
    """Many disks take `A.yaml` for `a.yaml`."""
    return str(path).casefold()


def destinations(root: Path, refs: Iterable[Ref], documents: Sequence[Document]) -> dict[Ref, Path]:
    """Where the spec of each goes: to the file that holds it already, or into one of its own that holds no other."""
    files = {document.ref: Path(document.file) for document in documents}
    taken = set(files.values())
    found = {}
    for ref in refs:
        found[ref] = files.get(ref) or spec_file(root, ref, taken)
        taken.add(found[ref])
    return found


def irreplaceable(documents: Sequence[Document]) -> dict[Path, str]:
    """The spec files that can't be replaced by the YAML of one resource, and why."""
    counts = Counter(document.file for document in documents)
    reasons = {Path(file): "holds several resources" for file, count in counts.items() if count > 1}
    return {**{Path(file): "is JSON" for file in counts if file.lower().endswith(".json")}, **reasons}


def undeclared(resources: Iterable[Resource], known: Set[Ref]) -> list[Ref]:
    """What these refer to and is neither known nor Port's own."""
    all_of_them = list(resources)
    targets = {ref for resource in all_of_them for _, ref in KINDS[resource.ref.kind].references(resource.body)}
    above = [sorted(KINDS[each.ref.kind].above(each.body), reverse=True) for each in all_of_them]
    # What is above may be a folder or a page; most often it is a folder.
    targets |= {refs[0] for refs in above if refs and not known & set(refs)}
    return sorted(ref for ref in targets if ref not in known and not KINDS[ref.kind].system(ref.identifier))


def in_their_order(resources: Sequence[Resource], tree: Tree, others: Collection[str] = ()) -> list[Resource]:
    """`resources` with `after` naming the one before them among these, or the `others` that have specs already."""
    ours = {*in_sidebar(resources), *others}
    before: dict[str, str] = {}
    for children in tree.values():
        tracked = [child for child in children if child in ours]
        before |= dict(zip(tracked[1:], tracked, strict=False))
    return [
        replace(each, body={**each.body, "after": before[each.ref.identifier]})
        if KINDS[each.ref.kind].parents and each.ref.identifier in before
        else each
        for each in resources
    ]


def _unordered(body: Body) -> Body:
    return {key: value for key, value in body.items() if key != "after"}


NO_PROJECT = Project("")


def spec_text(resource: Resource, project: Project = NO_PROJECT) -> str:
    """The YAML of a live resource, without what only Port sets; `${` is escaped, for it means a variable in specs."""
    kind = KINDS[resource.ref.kind]
    spec = kind.decompile(resource.body, project)
    body = {key: value for key, value in spec.items() if key not in STAMPS and value is not None}
    ordered = in_order({"identifier": resource.ref.identifier, **body}, kind.schema())
    return dump(_escaped(ordered)).rstrip("\n") + "\n"


def _escaped(value: object) -> object:
    if isinstance(value, dict):
        return {key: _escaped(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_escaped(part) for part in value]
    return VARIABLE.sub(lambda match: f"${match[0]}", value) if isinstance(value, str) else value
