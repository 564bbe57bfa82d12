"""Whether a plan is the reviewed one: before anything is written, and once more under the lock."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial

from portcfg.errors import MovedError, UntrustedPlanError
from portcfg.github.commits import Agreed
from portcfg.model import Action, Cause, Plan, Ref
from portcfg.planfile import Binding, bound_changes, changes_digest, riskier, risks, step_digest
from portcfg.resuming import check_rest
from portcfg.review import cause

OTHER = "what would be done now isn't what was reviewed"
NOTHING = "there is nothing to do"
ANEW = "run the job again: it compares anew"

Check = Callable[[Plan], None]


@dataclass(frozen=True)
class Verdict:
    """Whether to apply: then `check` is for the plan made under the lock, and `because` says on what ground.

    Else `reasons` says why not, each with the pull request that it is about, 0 for none.
    """

    check: Check | None = None
    because: str = ""
    reasons: tuple[tuple[int, str], ...] = ()


def as_it_is(plan: Plan, binding: Binding, key: str, because: str) -> Verdict:
    """A plan that is applied as it is now, or not at all."""
    return Verdict(_as_now(plan, binding, key), because)


def by_digest(plan: Plan, binding: Binding, key: str, digest: str) -> Verdict:
    """A plan that somebody has seen and named by its digest."""
    if not bound_changes(plan):
        return as_it_is(plan, binding, key, NOTHING)
    if hmac.compare_digest(changes_digest(plan, binding, key), digest):
        return as_it_is(plan, binding, key, "its digest was given")
    return Verdict(reasons=((0, f"the plan of now has another digest than the one given, {digest[:12]}"),))


def by_review(
    plan: Plan, binding: Binding, key: str, reviews: Sequence[Agreed], unreviewed: bool, done: Set[Ref]
) -> Verdict:
    """A plan that was reviewed in a pull request, or of which a part is left; `unreviewed` ones where that is meant.

    What was reviewed is over for what is `done`, which this commit's apply has written: what differs there came later.
    """
    if not bound_changes(plan):
        return as_it_is(plan, binding, key, NOTHING)
    if not reviews and unreviewed:
        return as_it_is(plan, binding, key, "no pull request brought the commit, and --unreviewed says to apply it")
    reasons: list[tuple[int, str]] = []
    for review in reviews:
        check, why = _compared(plan, binding, key, review)
        if check and (set_back := _set_back(plan, review, done)):
            check, why = None, f"{set_back} changed in Port after this commit was applied"
        if check:
            return Verdict(check, f"it was reviewed in #{review.pull_request}")
        reasons.append((review.pull_request, why))
    return Verdict(reasons=tuple(reasons) or ((0, "no pull request brought the commit, so nobody reviewed its plan"),))


def by_steps(plan: Plan, binding: Binding, key: str, reviews: Iterable[Agreed]) -> Verdict | None:
    """A plan of which each step was reviewed, be it in several pull requests; None where one wasn't in any.

    A review may have been applied long ago: what would set something back in Port is nobody's step that waits. Without
    the ledger, nobody can tell.
    """
    if not binding.use_ledger or any(cause(change) is not Cause.SPEC for change in bound_changes(plan)):
        return None
    left = {step_digest(change): change.ref for change in bound_changes(plan)}
    numbers = []
    for review in reviews:
        costlier = _riskier(review, plan)
        known = {step for step in left.keys() & review.steps(binding) if left[step] not in costlier}
        if known:
            left = {step: ref for step, ref in left.items() if step not in known}
            numbers.append(f"#{review.pull_request}")
        if not left:
            return as_it_is(plan, binding, key, f"its steps were reviewed in {', '.join(numbers)}")
    return None


def _compared(plan: Plan, binding: Binding, key: str, review: Agreed) -> tuple[Check | None, str]:
    why = review.why
    if review.bound:
        check = partial(check_rest, review.bound, binding)
        try:
            check(plan)
        except (MovedError, UntrustedPlanError) as error:
            why = error.message
        else:
            return check, ""
    if not review.digest:
        return None, why
    if hmac.compare_digest(changes_digest(plan, binding, key), review.digest):
        costlier = "; ".join(_riskier(review, plan).values())
        return (None, costlier) if costlier else (_as_now(plan, binding, key), "")
    return None, f"{why}; {OTHER}" if why else OTHER


def _set_back(plan: Plan, review: Agreed, done: Set[Ref]) -> str:
    """What a repeated run would take back of what others have done since it wrote it."""
    entries = review.bound.changes if review.bound else ()
    # The ledger also has what an apply only began to make; of that, nothing but what it lacks may be written.
    begun = {Ref(entry["kind"], entry["identifier"]) for entry in entries if entry["action"] == Action.CREATE.value}
    later = (change for change in bound_changes(plan) if change.ref in done and cause(change) is not Cause.SPEC)
    return ", ".join(str(each.ref) for each in later if each.action is not Action.UPDATE or each.ref not in begun)


def _riskier(review: Agreed, plan: Plan) -> dict[Ref, str]:
    return riskier(review.bound.risks, plan) if review.bound else {}


def _as_now(plan: Plan, binding: Binding, key: str) -> Check:
    return partial(_same, changes_digest(plan, binding, key), risks(bound_changes(plan)), binding, key)


def _same(digest: str, known: Mapping[Ref, str], binding: Binding, key: str, fresh: Plan) -> None:
    if changes_digest(fresh, binding, key) != digest or riskier(known, fresh):
        raise MovedError("Port has moved while the plan was compared with the reviewed one", hint=ANEW)
