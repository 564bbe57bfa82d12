"""What jq reads of the entity that Port gives it: only what its tree shows for certain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from portcfg.sync.jq_tree import Binary, Bind, Call, Identity, If, Index, Literal, Node, Pipe, Variable

# Where a value stands in the entity: () is the entity itself, None what isn't known.
Place = tuple[str, ...] | None
# Functions whose argument sees the same input, and those that give their input back.
SAME_INPUT = frozenset(
    ["select", "has", "test", "contains", "startswith", "endswith", "split", "join", "ltrimstr", "rtrimstr", "index"]
)
PASSED_ON = frozenset(["select"])


@dataclass
class Reads:
    """Collects the paths of two keys, and of one where no second follows."""

    found: dict[tuple[str, ...], None] = field(default_factory=dict)

    def of(self, node: Any, here: Place, names: Mapping[str, Place]) -> Place:
        """Where what the node gives stands, if its input stands `here`."""
        match node:
            case Identity():
                return here
            case Variable(name):
                return names.get(name)
            case Index(target, Literal(str(key))):
                return self._index(self.of(target, here, names), key)
            case Pipe(left, right):
                return self.of(right, self.of(left, here, names), names)
            case Bind(source, name, body):
                return self.of(body, here, {**names, name: self.of(source, here, names)})
            case If(test, yes, no):
                self.of(test, here, names)
                return _same(self.of(yes, here, names), self.of(no, here, names))
            case Binary(operator, left, right):
                both = _same(self.of(left, here, names), self.of(right, here, names))
                return both if operator == "//" else None
            case Call(name, arguments):
                for argument in arguments:
                    self.of(argument, here if name in SAME_INPUT else None, names)
                return here if name in PASSED_ON else None
        self._within(node, here, names)
        return None

    def _index(self, target: Place, key: str) -> Place:
        if target is None or len(target) >= 2:
            return None
        self.found[(*target, key)] = None
        return (*target, key)

    def _within(self, node: Any, here: Place, names: Mapping[str, Place]) -> None:
        if isinstance(node, tuple):
            for item in node:
                self.of(item, here, names)
        elif hasattr(node, "__dataclass_fields__"):
            for each in fields(node):
                self.of(getattr(node, each.name), here, names)


def _same(one: Place, other: Place) -> Place:
    return one if one == other else None


def reads(tree: Node) -> Iterator[tuple[str, str]]:
    """(`properties`, name), (`relations`, name), and ("", key) for any other key of the entity itself."""
    collected = Reads()
    collected.of(tree, (), {})
    for path in collected.found:
        if len(path) == 2 and path[0] in ("properties", "relations"):
            yield path[0], path[1]
        elif len(path) == 1 and path[0] not in ("properties", "relations"):
            yield "", path[0]
