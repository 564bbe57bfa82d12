"""What an apply did: the end of the flow."""

from __future__ import annotations

from dataclasses import dataclass, field

from portcfg.model import Cause, Outcome, Path, Plan, Ref, Status


@dataclass(frozen=True)
class Report:
    """What an apply did, and the plan made from what Port holds afterwards (None if it wasn't read back).

    `problems` says what else went wrong, beside the steps; `halted` why the apply was stopped on its way, if it was.
    """

    outcomes: tuple[Outcome, ...] = ()
    after: Plan | None = None
    notes: tuple[str, ...] = field(default=())
    problems: tuple[str, ...] = ()
    halted: str = ""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The changes that were not carried out."""
        return tuple(outcome for outcome in self.outcomes if outcome.status is not Status.DONE)

    @property
    def not_kept(self) -> tuple[tuple[Ref, Path], ...]:
        """What was written, and what Port holds otherwise now: the field, or no path where the resource is gone."""
        done = {outcome.change.ref for outcome in self.outcomes if outcome.status is Status.DONE}
        pending = self.after.pending if self.after else ()
        # A move isn't over before the old one is gone; that is a step of its own.
        left = [change for change in pending if change.ref in done and change.move is None]
        return tuple(
            (change.ref, path)
            for change in left
            for path in ([field.path for field in change.fields if field.cause is not Cause.SERVER] or [()])
        )
