"""The catalog's sidebar: pages and folders, each below a parent and after a sibling, as one tree."""

from __future__ import annotations

from collections.abc import Iterator

from portcfg.emulator.port_store import Store
from portcfg.emulator.wire_errors import WireError, invalid
from portcfg.model import Body

CATALOG = "catalog"
KIND = "sidebar"
# Entity and home pages are made by Port: they may be changed, not created or deleted, and they are in no sidebar.
OWN_TYPES = ("entity", "home")
PLACE = ("parent", "after")
MAX_LEVELS = 3


def is_listed(page: Body) -> bool:
    """Whether a page has a place in the sidebar: private ones and Port's own haven't."""
    return page.get("type") not in OWN_TYPES and page.get("visibility") != "private"


def preload(store: Store) -> None:
    """Give pages that were stored without a sidebar their place in one."""
    if store.document(KIND, CATALOG) is not None:
        return
    parents = {page["identifier"]: page.get("parent") for page in store.documents("page") if is_listed(page)}
    children: dict[str, list[str]] = {}
    for identifier, parent in parents.items():
        children.setdefault(parent if parent and parent in parents else "", []).append(identifier)
    store.save_document(KIND, CATALOG, children)


class Sidebar:
    """The tree, as the store has it. Whatever changes it is stored at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Identifiers in their order by parent; those at the top are below "".
        self._children: dict[str, list[str]] = store.document(KIND, CATALOG) or {}
        self._parents = {child: parent for parent, below in self._children.items() for child in below}

    def items(self, below: str = "") -> Iterator[str]:
        """All identifiers, each followed by what is below it."""
        for identifier in self._children.get(below, []):
            yield identifier
            yield from self.items(identifier)

    def children(self, identifier: str) -> list[str]:
        """What is directly below an item."""
        return list(self._children.get(identifier, []))

    def place(self, identifier: str) -> Body:
        """`parent` and `after` of an item, each left out where there is none."""
        if identifier not in self._parents:
            return {}
        parent = self._parents[identifier]
        index = self._children[parent].index(identifier)
        after = self._children[parent][index - 1] if index else None
        return {key: value for key, value in (("parent", parent), ("after", after)) if value}

    def put(self, identifier: str, wanted: Body) -> None:
        """Move an item where `wanted` says, or refuse to.

        Without `parent` it stays below its parent; without `after` it stays where it is, or comes last. A null `after`
        makes it the first.
        """
        old = self._parents.get(identifier)
        parent = (wanted["parent"] or "") if "parent" in wanted else old or ""
        self._check(identifier, parent, wanted.get("after"))
        siblings = self._children.get(parent, [])
        index = siblings.index(identifier) if parent == old else len(siblings)
        if old is not None:
            self._children[old].remove(identifier)
        siblings = self._children.setdefault(parent, [])
        if "after" in wanted:
            index = siblings.index(wanted["after"]) + 1 if wanted["after"] is not None else 0
        siblings.insert(index, identifier)
        self._save()

    def remove(self, identifier: str) -> None:
        """Take an item out; what was below it comes to its place."""
        if identifier not in self._parents:
            return
        siblings = self._children[self._parents[identifier]]
        index = siblings.index(identifier)
        siblings[index : index + 1] = self._children.pop(identifier, [])
        self._save()

    def rename(self, old: str, new: str) -> None:
        """Give an item another identifier."""
        if old not in self._parents:
            return
        siblings = self._children[self._parents[old]]
        siblings[siblings.index(old)] = new
        if old in self._children:
            self._children[new] = self._children.pop(old)
        self._save()

    def _save(self) -> None:
        self._store.save_document(KIND, CATALOG, self._children)
        self._parents = {child: parent for parent, below in self._children.items() for child in below}

    def _check(self, identifier: str, parent: str, after: str | None) -> None:
        if parent and parent not in self._parents:
            raise WireError(404, "not_found", f'Sidebar item with parent "{parent}" was not found')
        if after is not None and after not in self._parents:
            raise WireError(404, "not_found", f'Sidebar item with after "{after}" was not found')
        if after is not None and self._parents[after] != parent:
            raise WireError(403, "after_item_not_in_parent", f'Sidebar item "{after}" is not in parent "{parent}"')
        above = list(self._above(parent))
        if identifier in (*above, after):
            raise invalid(f'Sidebar item "{identifier}" can\'t be placed below or after itself')
        if self._is_folder(identifier) and len(above) + self._levels(identifier) > MAX_LEVELS:
            raise invalid(f"Folders can be nested at most {MAX_LEVELS} levels deep")

    def _above(self, identifier: str) -> Iterator[str]:
        """The item and what it is below, up to the top."""
        while identifier:
            yield identifier
            identifier = self._parents[identifier]

    def _levels(self, folder: str) -> int:
        return 1 + max((self._levels(child) for child in self.children(folder) if self._is_folder(child)), default=0)

    def _is_folder(self, identifier: str) -> bool:
        return self._store.document("folder", identifier) is not None
