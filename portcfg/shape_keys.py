"""Where a key belongs that isn't known where it stands, and what a document is that isn't what its folder says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcfg.model import Body, Document, Path
from portcfg.shape_words import LISTED, fold, near

Schema = Mapping[str, Any]

# What a document of a kind has, and none of another kind.
SIGNS: Mapping[str, tuple[str, ...]] = {
    "blueprint": ("schema",),
    "dashboard": ("widgets", "rows"),
    "mapping": ("resources", "config", "streams"),
}
# What Port's API answers, and its documentation shows, a resource inside of.
WRAPPERS: Mapping[str, tuple[str, ...]] = {
    "blueprint": ("blueprint", "blueprints"),
    "dashboard": ("page", "pages", "dashboard"),
    "mapping": ("integration", "integrations", "mapping"),
    "folder": ("folder", "folders"),
}
_SAME_LEVEL = ("allOf", "anyOf", "oneOf", "then", "else")


@dataclass(frozen=True)
class Advice:
    """What to do about an unknown key, and the paths of what is missing or empty for no other reason.

    `guessed` tells whether it is known what was meant.
    """

    text: str
    covers: frozenset[Path] = frozenset()
    guessed: bool = True


def misplaced(document: Document) -> tuple[str, str, str] | None:
    """(key, what the document is, what to do) where it is none of its kind at all."""
    body, kind = document.body, document.kind
    if kind not in WRAPPERS or any(key in body for key in SIGNS.get(kind, ())):
        return None
    for key in WRAPPERS[kind]:
        if isinstance(body.get(key), dict | list):
            many = isinstance(body[key], list)
            hint = "the file may be that list itself" if many else f"move what is below `{key}` to the top"
            return key, f"the {kind}{'s stand' if many else ' stands'} inside `{key}`", hint
    for other, signs in SIGNS.items():
        key = signs[0]
        if other != kind and isinstance(body.get(key), dict | list):
            hint = f"it has `{key}`; move the file into {other}s/"
            return key, f"this is a {other}, not a {kind}", hint
    return None


def advice(root: Schema, steps: Sequence[Any], path: Path, schema: Schema, body: Body, key: str) -> Advice:
    """What to do about the unknown `key` of the mapping at `path`, which `schema`, at `steps` of `root`, describes."""
    known = sorted(schema.get("properties", {}))
    instead = schema.get("x-instead", {})
    table = root.get("x-tables", {}).get(instead, {}) if isinstance(instead, str) else instead
    if key in table:
        names = [name for name in known if f"`{name}" in table[key]]
        return Advice(table[key], frozenset((*path, name) for name in names))
    same = next((name for name in known if fold(name) == fold(key) and name not in body), "")
    if same:
        return Advice(f"did you mean {same!r}?", frozenset({(*path, same)}))
    found = _below(root, schema, path, body, key) or _above(root, steps, path, key)
    if found:
        return found
    guess = near(key, known)
    if guess:
        return Advice(f"did you mean {guess!r}?", frozenset({(*path, guess)}))
    more = f", ... ({len(known)})" if len(known) > LISTED else ""
    return Advice(f"known here: {', '.join(known[:LISTED]) or 'nothing'}{more}", guessed=False)


def _below(root: Schema, schema: Schema, path: Path, body: Body, key: str) -> Advice | None:
    """Where exactly one of the mappings that may stand here has this key: too little indented."""
    holders = [
        name
        for name, part in schema.get("properties", {}).items()
        if isinstance(part, dict) and key in resolved(root, part).get("properties", {})
    ]
    given = [name for name in holders if isinstance(body.get(name, {}), dict | None)]
    if len(given) != 1:
        return None
    holder = given[0]
    text = f"`{key}` belongs below `{holder}`, indented further than it"
    return Advice(text, frozenset({(*path, holder), (*path, holder, key)}))


def _above(root: Schema, steps: Sequence[Any], path: Path, key: str) -> Advice | None:
    """Where a mapping around this one has this key: indented too far."""
    around = levels(root, steps)
    for depth in range(len(path) - 1, -1, -1):
        schemas = around[depth] if depth < len(around) else ()
        if any(key in each.get("properties", {}) for each in schemas):
            where = path[:depth]
            name = f"`{path_name(where)}`" if where else "the document"
            inner = f"`{path_name(path[depth:])}`" if path[depth:] else "this"
            return Advice(f"`{key}` belongs to {name}, not to {inner}", frozenset({(*where, key)}))
    return None


def levels(root: Schema, steps: Sequence[Any]) -> list[list[Schema]]:
    """The schemas that describe each value on the way that a validator took, the document's first.

    Such a way leaves out `if`, beside which `then` and `else` stand, and `$ref`.
    """
    found: list[list[Schema]] = [_both(root, root)]
    rest = iter(steps)
    for step in rest:
        current = next((each for each in reversed(found[-1]) if step in each), {})
        part = _part(current.get(step), step, rest)
        if not isinstance(part, dict):
            break
        schemas = _both(root, part)
        found = [*found[:-1], [*found[-1], *schemas]] if step in _SAME_LEVEL else [*found, schemas]
    return found


def _part(part: Any, step: Any, rest: Iterator[Any]) -> Any:
    if step in ("properties", "patternProperties") and isinstance(part, dict):
        return part.get(next(rest, ""))
    return part[next(rest, 0)] if isinstance(part, list) else part


def _both(root: Schema, schema: Schema) -> list[Schema]:
    return [schema, resolved(root, schema)] if "$ref" in schema else [schema]


def resolved(root: Schema, schema: Schema) -> Schema:
    """The schema that a `$ref` names, or the schema itself."""
    reference = schema.get("$ref")
    found: Schema = root.get("$defs", {}).get(str(reference).rpartition("/")[2], {}) if reference else schema
    return found


def path_name(path: Path) -> str:
    """A path as people write it: widgets.cost.lines[0]."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
