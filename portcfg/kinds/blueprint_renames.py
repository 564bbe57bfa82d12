"""Other names for parts of a blueprint: `renamed_from` on properties, relations and mirrors (port-api.md §2.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portcfg.kinds.base import members_of
from portcfg.kinds.risk_base import has_value
from portcfg.model import Body, Path, Project, Rename

KEY = "renamed_from"
# Keys of a spec that Port doesn't know.
OWN_KEYS = frozenset({KEY, "migrate"})
PROPERTIES = ("schema", "properties")
RELATIONS = ("relations",)
MIRRORS = ("mirrorProperties",)
# Section -> the segment of Port's rename route, and the key of its body.
ROUTES: Mapping[Path, tuple[str, str]] = {
    PROPERTIES: ("properties", "newPropertyName"),
    RELATIONS: ("relations", "newRelationIdentifier"),
    MIRRORS: ("mirror", "newMirrorName"),
}


def asked(body: Body) -> tuple[Rename, ...]:
    """The renames that a spec asks for."""
    return tuple(
        Rename(section, str(member[KEY]), name)
        for section in ROUTES
        for name, member in members_of(body, section).items()
        if isinstance(member, dict) and KEY in member
    )


def was(spec: Body) -> str:
    """What the whole blueprint was called before."""
    return str(spec.get(KEY) or "")


def without_renames(body: Body, _: Project) -> Body:
    """The spec without `renamed_from` and `migrate`, which Port doesn't know."""
    for section in ROUTES:
        if members := members_of(body, section):
            body = with_members(body, section, {name: _without(member) for name, member in members.items()})
    return {key: value for key, value in body.items() if key != KEY}


def _without(member: Any) -> Any:
    return {key: value for key, value in member.items() if key not in OWN_KEYS} if isinstance(member, dict) else member


def with_members(body: Body, section: Path, members: Body) -> Body:
    """`body` with other members at `section`."""
    first, *rest = section
    inner = with_members(body.get(str(first)) or {}, tuple(rest), members) if rest else members
    return {**body, str(first): inner}


def renamed(body: Body, renames: Sequence[Rename]) -> Body:
    """`body` as Port holds it after the renames: what names the part within the blueprint itself follows."""
    for rename in renames:
        body = _with_members(_with_paths(body, rename), rename)
    return body


def _with_members(body: Body, rename: Rename) -> Body:
    members = members_of(body, rename.section)
    body = with_members(body, rename.section, {_name(rename, name): member for name, member in members.items()})
    if rename.section == PROPERTIES and body["schema"].get("required"):
        required = [_name(rename, name) for name in body["schema"]["required"]]
        return {**body, "schema": {**body["schema"], "required": required}}
    return body


def _name(rename: Rename, name: str) -> str:
    return rename.new if name == rename.old else name


def _with_paths(body: Body, rename: Rename) -> Body:
    """The mirrors and the ownership with paths that lead through or to what is renamed."""
    followed: Body = {}
    if mirrors := body.get("mirrorProperties"):
        followed["mirrorProperties"] = {name: _with_path(body, mirror, rename, 1) for name, mirror in mirrors.items()}
    if ownership := body.get("ownership"):
        followed["ownership"] = _with_path(body, ownership, rename, 0)
    return {**body, **followed}


def _with_path(body: Body, part: Body, rename: Rename, properties: int) -> Body:
    """A part with a path of relations, and so many properties at its end."""
    if "path" not in part:
        return part
    names = part["path"].split(".")
    relations = len(names) - properties
    return {**part, "path": ".".join(_path(body, names[:relations], names[relations:], rename))}


def _path(body: Body, relations: Sequence[str], properties: Sequence[str], rename: Rename) -> Iterator[str]:
    """The names of a path under their new names, as far as the path stays in the blueprint itself."""
    own = True
    for name in relations:
        yield _name(rename, name) if own and rename.section == RELATIONS else name
        own = own and members_of(body, (*RELATIONS, name)).get("target") == body.get("identifier")
    for name in properties:
        yield _name(rename, name) if own and rename.section != RELATIONS else name


def request(rename: Rename) -> tuple[list[str], Body]:
    """The segments of the route below the blueprint's own, and the body to PATCH."""
    segment, key = ROUTES[rename.section]
    return [segment, rename.old, "rename"], {key: rename.new}


def rules(section: Path, name: str) -> tuple[Body, ...]:
    """What finds the entities with a value in a part; nothing for a mirror, which has no values of its own."""
    if section == RELATIONS:
        return ({"relation": name, "operator": "isNotEmpty"},)
    return (has_value(name),) if section == PROPERTIES else ()
