"""A plan bound to what was reviewed: saved by `plan --out`, and carried out by `apply FILE` only if nothing moved.

The file is evidence, not instruction: `apply` plans afresh from the specs and Port, and compares. Whoever changes the
file can stop an apply, but can't make it write anything else. It holds specs and live bodies, which hold no secrets.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portcfg import __version__
from portcfg.diff import canonical, field_changes
from portcfg.errors import MovedError, UntrustedPlanError
from portcfg.kinds import KINDS
from portcfg.model import Body, Change, Path, Plan, Ref, Resource, State

FORMAT = "portcfg/bound-plan/1"
NO_KEY = "sha256"
WITH_KEY = "hmac-sha256"


@dataclass(frozen=True)
class Binding:
    """What a plan was made from: the compiled specs, where they go, and how."""

    specs: str
    base_url: str
    environment: str
    prune: bool
    use_ledger: bool
    allowed: tuple[str, ...] = ()
    remove_all: bool = False


def digest_of(desired: State) -> str:
    """The digest of what the specs compile to: the same for the same resources, however their files are written."""
    bodies = {str(ref): [resource.body, *_names(resource)] for ref, resource in desired.items()}
    return hashlib.sha256(canonical(bodies).encode()).hexdigest()


def _names(resource: Resource) -> list[Any]:
    """What a spec says beside the body: other names, and how values get there."""
    said = ([vars(rename) for rename in resource.renames], resource.was, dict(resource.migrate))
    return list(said) if any(said) else []


def save(plan: Plan, binding: Binding, key: str) -> str:
    """The text of a plan file. With a `key` it is signed, else only digested, which finds accidents but no forger."""
    body: Body = {
        "format": FORMAT,
        "tool": __version__,
        "binding": {**vars(binding), "allowed": list(binding.allowed)},
        "changes": [_entry(change) for change in _bound(plan)],
    }
    signed = {**body, "seal": {"by": WITH_KEY if key else NO_KEY, "value": _seal(body, key)}}
    return json.dumps(signed, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _bound(plan: Plan) -> tuple[Change, ...]:
    return (*plan.pending, *plan.adopted)


def _entry(change: Change) -> Body:
    return {
        "action": change.action.value,
        "kind": change.ref.kind,
        "identifier": change.ref.identifier,
        "live": _reviewed(change),
    }


def _reviewed(change: Change) -> Body | None:
    """The live body as it was compared; None for what wasn't there."""
    return KINDS[change.ref.kind].comparable(change.before) if change.before is not None else None


def _seal(body: Body, key: str) -> str:
    text = canonical(body).encode()
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest() if key else hashlib.sha256(text).hexdigest()


@dataclass(frozen=True)
class BoundPlan:
    """A plan file that has been read and found whole."""

    binding: Binding
    changes: tuple[Body, ...]


def read(text: str, key: str) -> BoundPlan:
    """The plan in a file; raises UntrustedPlanError for one that is damaged, unsigned, or of another version."""
    try:
        signed = json.loads(text)
    except ValueError as error:
        raise UntrustedPlanError("the plan file isn't JSON", hint="make it anew with `portcfg plan --out`") from error
    body = {name: value for name, value in signed.items() if name != "seal"} if isinstance(signed, dict) else {}
    if body.get("format") != FORMAT:
        raise UntrustedPlanError(
            f"the plan file has the format {body.get('format')!r}; this portcfg reads {FORMAT!r}",
            hint="make it anew with `portcfg plan --out`",
        )
    _check_seal(body, signed.get("seal"), key)
    if body["tool"] != __version__:
        raise UntrustedPlanError(
            f"the plan was made by portcfg {body['tool']}, and this is {__version__}",
            hint="plan and apply with one version, or make the plan anew",
        )
    binding = Binding(**{**body["binding"], "allowed": tuple(body["binding"]["allowed"])})
    return BoundPlan(binding, tuple(body["changes"]))


def _check_seal(body: Body, seal: Any, key: str) -> None:
    by, value = (seal.get("by"), seal.get("value")) if isinstance(seal, dict) else (None, None)
    if key and by != WITH_KEY:
        raise UntrustedPlanError("the plan file isn't signed", hint="PORTCFG_PLAN_KEY must be set when planning, too")
    if by == WITH_KEY and not key:
        raise UntrustedPlanError("the plan file is signed", hint="set PORTCFG_PLAN_KEY to the key it was signed with")
    if not hmac.compare_digest(str(value), _seal(body, key)):
        raise UntrustedPlanError("the plan file was changed after it was made, or signed with another key")


def check(bound: BoundPlan, binding: Binding, fresh: Plan) -> None:
    """Refuse to apply `fresh` in place of the reviewed plan unless it is the same.

    Raises UntrustedPlanError when specs, Port or options are others than the reviewed ones, MovedError when Port holds
    something else now.
    """
    for name, reviewed in vars(bound.binding).items():
        if vars(binding)[name] != reviewed:
            what = "from other specs" if name == "specs" else f"with another {name} ({reviewed!r})"
            raise UntrustedPlanError(f"the plan was made {what}", hint="make the plan anew and have it reviewed")
    # With nothing left to write, Port is where the plan wanted it: a run that is repeated has already done its work.
    moved = list(_moved(bound, fresh)) if _bound(fresh) else []
    if moved:
        raise MovedError(
            "Port has moved since the plan: " + "; ".join(moved), hint="plan again and review what changed"
        )


def _moved(bound: BoundPlan, fresh: Plan) -> Iterator[str]:
    now = {change.ref: change for change in fresh.changes}
    steps = {change.ref: change.action.value for change in _bound(fresh)}
    for entry in bound.changes:
        ref = Ref(entry["kind"], entry["identifier"])
        current = now.get(ref)
        live = _reviewed(current) if current else None
        if canonical(live) != canonical(entry["live"]):
            yield f"{ref}{_where(entry['live'], live)}"
        elif steps.get(ref) != entry["action"]:
            yield f"{ref}: {entry['action']} then, {steps.get(ref, 'nothing')} now"
        steps.pop(ref, None)
    for ref, action in steps.items():
        yield f"{ref}: nothing to do then, {action} now"


def _where(reviewed: Body | None, live: Body | None) -> str:
    if reviewed is None or live is None:
        return " appeared" if reviewed is None else " is gone"
    paths = [_dotted(change.path) for change in field_changes(reviewed, live)]
    return f" in {', '.join(paths[:5])}" + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
