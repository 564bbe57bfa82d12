"""A plan bound to what was reviewed: saved by `plan --out`, and carried out by `apply FILE` only if nothing moved.

The file is evidence, not instruction: `apply` plans afresh from the specs and Port, and compares. Whoever changes the
file can stop an apply, but can't make it write anything else. It holds live bodies, less what may be secret in them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcfg import __version__
from portcfg.concealed import concealed
from portcfg.diff import canonical, field_changes
from portcfg.errors import MovedError, UntrustedPlanError
from portcfg.kinds import KINDS
from portcfg.kinds.risk_base import Risk, worst
from portcfg.model import MISSING, Action, Body, Cause, Change, FieldChange, Path, Plan, Ref, Resource, State

FORMAT = "portcfg/bound-plan/1"
ENTRY = frozenset({"action", "kind", "identifier", "live", "risk", "step"})
NO_KEY = "sha256"
WITH_KEY = "hmac-sha256"
ANEW = "make it anew with `portcfg plan --out`"
MAX_FIELDS = 5
MAX_VALUE = 80


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
        "changes": [_entry(change) for change in bound_changes(plan)],
    }
    signed = {**body, "seal": {"by": WITH_KEY if key else NO_KEY, "value": seal_of(body, key)}}
    return json.dumps(signed, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def bound_changes(plan: Plan) -> tuple[Change, ...]:
    """What a reviewer of a plan agrees to: its steps, and what is managed from now on."""
    return (*plan.pending, *plan.adopted)


def _entry(change: Change) -> Body:
    return {
        "action": change.action.value,
        "kind": change.ref.kind,
        "identifier": change.ref.identifier,
        "live": reviewed_body(change),
        "risk": change.risk,
        "step": step_digest(change),
    }


def reviewed_body(change: Change) -> Body | None:
    """The live body as it was compared, fit for a file; None for what wasn't there."""
    return concealed(KINDS[change.ref.kind].comparable(change.before)) if change.before is not None else None


def seal_of(body: Body, key: str) -> str:
    """The signature of a plan file's content, or without a key its digest."""
    text = canonical(body).encode()
    return hmac.new(key.encode(), text, hashlib.sha256).hexdigest() if key else hashlib.sha256(text).hexdigest()


def changes_digest(plan: Plan, binding: Binding, key: str) -> str:
    """64 hex digits over what carrying out a plan would do, and where; with a `key` nobody else can make them.

    It stays the same as long as the same would be written, whatever else happens to the specs or in Port: who changed a
    field, how many entities have it, and from which file it comes don't count. Neither does the risk: see `riskier`.
    """
    options = {**vars(binding), "specs": "", "allowed": sorted(binding.allowed)}
    steps = sorted((_step(change) for change in bound_changes(plan)), key=canonical)
    return seal_of({"binding": options, "steps": steps}, key)


def step_digest(change: Change) -> str:
    """64 hex digits over what one step would do, wherever that is and whatever else the plan does."""
    return seal_of(_step(change), "")


def _step(change: Change) -> Body:
    """What one step does: the fields it changes, or all that it makes or takes away, and what is renamed before."""
    step: Body = {"action": change.action.value, "ref": str(change.ref), "adopted": change.adopted}
    if change.action is Action.CREATE:
        step["after"] = concealed(change.after)
    elif change.action is Action.DELETE:
        step["before"] = reviewed_body(change)
    else:
        step["fields"] = [_field(field) for field in change.fields if field.cause is not Cause.SERVER]
    step["renames"] = [vars(rename) for rename in change.renames]
    step["migrations"] = [
        [list(each.section), each.source, each.name, each.jq, each.converts] for each in change.migrations
    ]
    step["moved"] = [str(change.move.old), str(change.move.new)] if change.move else []
    return step


def _field(field: FieldChange) -> Body:
    sides = {"before": field.before, "after": field.after}
    known = {name: concealed(side, field.path) for name, side in sides.items() if side is not MISSING}
    return {"path": list(field.path), "renamed_from": field.renamed_from, **known}


@dataclass(frozen=True)
class BoundPlan:
    """A plan file that has been read and found whole."""

    binding: Binding
    changes: tuple[Body, ...]

    @property
    def risks(self) -> dict[Ref, str]:
        """How bad each change was."""
        return {Ref(entry["kind"], entry["identifier"]): entry["risk"] for entry in self.changes}


def read(data: bytes, key: str) -> BoundPlan:
    """The plan in a file; raises UntrustedPlanError for one that is damaged, unsigned, or of another version."""
    try:
        signed = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UntrustedPlanError("the plan file isn't JSON", hint=ANEW) from error
    if not isinstance(signed, dict):
        raise UntrustedPlanError("the plan file holds no plan", hint=ANEW)
    body = {name: value for name, value in signed.items() if name != "seal"}
    _check_format(body.get("format"), body.get("tool"))
    _check_seal(body, signed.get("seal"), key)
    if body["tool"] != __version__:
        raise UntrustedPlanError(
            f"the plan was made by portcfg {body['tool']}, and this is {__version__}",
            hint="plan and apply with one version, or make the plan anew",
        )
    try:
        return _bound_plan(body)
    except (KeyError, TypeError, AttributeError) as error:
        # Without a key, whoever writes a file can seal it.
        raise UntrustedPlanError("the plan file isn't one that portcfg wrote", hint=ANEW) from error


def _bound_plan(body: Body) -> BoundPlan:
    binding = Binding(**{**body["binding"], "allowed": tuple(body["binding"]["allowed"])})
    for entry in body["changes"]:
        if entry.keys() != ENTRY or not isinstance(entry["live"], dict | None) or not isinstance(entry["step"], str):
            raise TypeError
        if entry["risk"] not in list(Risk):
            raise TypeError
        KINDS[entry["kind"]].parts(entry["live"] or {})
    return BoundPlan(binding, tuple(body["changes"]))


def _check_format(found: Any, tool: Any) -> None:
    if found == FORMAT:
        return
    name, _, number = found.rpartition("/") if isinstance(found, str) else ("", "", "")
    own, _, current = FORMAT.rpartition("/")
    if name != own or not number.isdecimal():
        raise UntrustedPlanError(f"this is no plan file: its format is {found!r}, not {FORMAT!r}", hint=ANEW)
    age = "newer" if int(number) > int(current) else "older"
    message = f"the plan file has the {age} format {found!r}, of portcfg {tool}; this one reads {FORMAT!r}"
    raise UntrustedPlanError(message, hint="plan and apply with one version, or make the plan anew")


def _check_seal(body: Body, seal: Any, key: str) -> None:
    by, value = (seal.get("by"), seal.get("value")) if isinstance(seal, dict) else (None, None)
    if key and by != WITH_KEY:
        raise UntrustedPlanError("the plan file isn't signed", hint="PORTCFG_PLAN_KEY must be set when planning, too")
    if by == WITH_KEY and not key:
        raise UntrustedPlanError("the plan file is signed", hint="set PORTCFG_PLAN_KEY to the key it was signed with")
    try:
        fits = hmac.compare_digest(str(value).encode(), seal_of(body, key).encode())
    except (UnicodeError, RecursionError):  # half of a letter, which nothing that is read holds
        fits = False
    if not fits:
        message = "the plan file was changed after it was made, or signed with another key"
        raise UntrustedPlanError(message, hint=ANEW)


def shown(plan: Plan, binding: Binding) -> BoundPlan:
    """A plan that was reviewed on the screen, bound as one in a file is."""
    return read(save(plan, binding, "").encode(), "")


def check(bound: BoundPlan, binding: Binding, fresh: Plan) -> None:
    """Refuse to apply `fresh` in place of the reviewed plan unless it is the same.

    Raises UntrustedPlanError when specs, Port or options are others than the reviewed ones, MovedError when Port holds
    something else now.
    """
    check_binding(bound, binding)
    # With nothing left to write, Port is where the plan wanted it: a run that is repeated has already done its work.
    moved = moved_since(bound, fresh) if bound_changes(fresh) else []
    if moved:
        raise MovedError(
            "Port has moved since the plan: " + "; ".join(moved), hint="plan again and review what changed"
        )


def check_binding(bound: BoundPlan, binding: Binding) -> None:
    """Raise UntrustedPlanError for a plan that was made from other specs, for another Port, or with other options."""
    for name, reviewed in vars(bound.binding).items():
        if vars(binding)[name] != reviewed:
            what = "from other specs" if name == "specs" else f"with another {name} ({reviewed!r})"
            raise UntrustedPlanError(f"the plan was made {what}", hint="make the plan anew and have it reviewed")


def moved_since(bound: BoundPlan, fresh: Plan, among: Collection[Ref] | None = None) -> list[str]:
    """What is otherwise than when the plan was reviewed, for people; of all resources, or of those `among`."""
    told = [*_moved(bound, fresh), *riskier(bound.risks, fresh).items()]
    return [text for ref, text in told if among is None or ref in among]


def _moved(bound: BoundPlan, fresh: Plan) -> Iterator[tuple[Ref, str]]:
    now = {change.ref: change for change in fresh.changes}
    steps = {change.ref: change.action.value for change in bound_changes(fresh)}
    for entry in bound.changes:
        ref = Ref(entry["kind"], entry["identifier"])
        current = now.get(ref)
        live = reviewed_body(current) if current else None
        if canonical(live) != canonical(entry["live"]):
            yield ref, f"{ref}{_where(entry['live'], live)}"
        elif steps.get(ref) != entry["action"]:
            yield ref, f"{ref}: {entry['action']} then, {steps.get(ref, 'nothing')} now"
        steps.pop(ref, None)
    for ref, action in steps.items():
        yield ref, f"{ref}: nothing to do then, {action} now"


def worse(reviewed: str, now: str) -> bool:
    """Whether a risk is a higher one than that which was reviewed."""
    return worst((Risk(reviewed), Risk(now))) != reviewed


def risks(changes: Iterable[Change]) -> dict[Ref, str]:
    """How bad each change is."""
    return {change.ref: change.risk for change in changes}


def riskier(reviewed: Mapping[Ref, str], fresh: Plan) -> dict[Ref, str]:
    """What is worse than when it was reviewed, such as what drops values that nobody had then; each for people."""
    return {
        ref: f"{ref} is {risk} now, and was {reviewed[ref]} when reviewed"
        for ref, risk in risks(bound_changes(fresh)).items()
        if ref in reviewed and worse(reviewed[ref], risk)
    }


def _where(reviewed: Body | None, live: Body | None) -> str:
    if reviewed is None or live is None:
        return " appeared" if reviewed is None else " is gone"
    changes = field_changes(reviewed, live)
    told = [f"{_dotted(each.path)} ({_value(each.before)} then, {_value(each.after)} now)" for each in changes]
    more = f" and {len(told) - MAX_FIELDS} more" if len(told) > MAX_FIELDS else ""
    return f" in {', '.join(told[:MAX_FIELDS])}{more}"


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def _value(value: Any) -> str:
    text = "absent" if value is MISSING else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
