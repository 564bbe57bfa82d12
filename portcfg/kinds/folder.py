"""Folders of the catalog's sidebar, by routes that Port doesn't publish (port-api.md §2.8)."""

from __future__ import annotations

from portcfg.kinds.base import Kind, without_empty
from portcfg.model import Body, Project

OWN_KEYS = ("identifier", "title", "parent", "after")
# So many folders may stand below each other, the highest one included (port-api.md §2.8).
MAX_LEVELS = 3


def compile_folder(body: Body, _: Project) -> Body:
    """A folder as Port takes it: what only the sidebar's list answers is left out."""
    return {"title": body["identifier"], **{key: value for key, value in body.items() if key in OWN_KEYS}}


def decompile(body: Body, _: Project) -> Body:
    """The spec of a live folder."""
    return comparable(body)


def comparable(body: Body) -> Body:
    """What a folder is: a title, and a place."""
    return without_empty({key: body.get(key) for key in OWN_KEYS})


def recognises(body: Body) -> bool:
    """Whether some JSON object is a folder of the sidebar's list."""
    return body.get("sidebarType") == "folder"


FOLDER = Kind(
    name="folder",
    folder="folders",
    collection="/sidebars/catalog/folders",
    list_route="/sidebars/catalog",
    list_in="sidebar",
    list_key="items",
    level=1,
    sections=frozenset({"title"}),
    comparable=comparable,
    update_verb="PATCH",
    belongs=recognises,
    compile=compile_folder,
    decompile=decompile,
    recognises=recognises,
    keys=OWN_KEYS,
    parents=("folder",),
    beta=True,
)
