"""Reading ahead and calls side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from portcfg.sync.flight import ahead, side_by_side


def test_the_next_item_is_made_while_one_is_used_and_no_more_are_kept() -> None:
    made: list[int] = []
    second = threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    found = ahead(items())
    assert next(found) == 0
    assert second.wait(10)
    assert list(found) == list(range(1, 100))
    stopped = ahead(items())
    made.clear()
    next(stopped)
    stopped.close()  # type: ignore[attr-defined]  # a generator
    assert len(made) <= 3


def test_an_error_comes_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="the second"):
        next(found)


def test_every_call_is_made_once() -> None:
    calls = [lambda number=number: number for number in range(50)]
    for workers in (1, 4):
        assert sorted(side_by_side(calls, workers)) == list(range(50))
    assert list(side_by_side([], 4)) == []
