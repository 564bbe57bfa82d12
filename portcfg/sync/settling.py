"""What Port would not take yet, since it relates to what isn't there: tried again once the rest is written.

Entities may wait in a chain, which is written in as many rounds as it is long, or in a circle, of which one has to be
there without its relations first. What waits for something that won't come is given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from portcfg.sync.fragments import Key
from portcfg.sync.holding import Guard
from portcfg.sync.parcels import Sent
from portcfg.sync.targets import Blueprints, targets_of
from portcfg.sync.write import Body


def settle(sent: Sequence[Sent], blueprints: Blueprints, guard: Guard) -> None:
    """Write what waits, by `guard`; afterwards nothing waits, but is written or refused."""
    _try_deferred(sent, guard)
    _refuse_hopeless(sent, blueprints)
    for one in _waiting(sent):
        guard.do(one.name, one.writer.write_bare)
    _try_deferred(sent, guard)
    for one in sent:
        one.writer.refuse(lambda _: True)


def _waiting(sent: Sequence[Sent]) -> list[Sent]:
    return [one for one in sent if one.writer.written.deferred]


def _try_deferred(sent: Sequence[Sent], guard: Guard) -> None:
    """For as long as Port takes any of them."""
    before = -1
    while before != (left := sum(len(one.writer.written.deferred) for one in sent)) and not guard.stopped:
        before = left
        for one in _waiting(sent):
            guard.do(one.name, one.writer.write_deferred)


def _refuse_hopeless(sent: Sequence[Sent], blueprints: Blueprints) -> None:
    """Refuse what waits for an entity that was refused, or isn't of this run: what is left goes in circles."""
    refused = {(one.name, name) for one in sent for name in one.writer.written.refused}
    before = -1
    while before != len(refused):
        before = len(refused)
        waiting = {(one.name, name) for one in _waiting(sent) for name in one.writer.written.deferred}
        for one in _waiting(sent):
            gone = one.writer.refuse(partial(_is_hopeless, blueprints, refused, waiting, one.name))
            refused |= {(one.name, name) for name in gone}


def _is_hopeless(blueprints: Blueprints, refused: set[Key], waiting: set[Key], name: str, body: Body) -> bool:
    targets = targets_of(body, blueprints[name])
    return not refused.isdisjoint(targets) or waiting.isdisjoint(targets)
