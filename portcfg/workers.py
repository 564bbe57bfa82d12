"""Calls side by side, never more at once than there are workers, in flows of which some wait for others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

TICK_SECONDS = 5.0

Result = TypeVar("Result")
# A flow yields calls that may be made side by side, and goes on with their results once all of them have ended.
Flow = Generator[Sequence[Callable[[], Result]], Sequence[Result], None]


def side_by_side(
    flows: Iterable[Flow[Result]],
    needs: Sequence[Collection[int]],
    workers: int,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Run `flows`, each once those whose numbers are in its `needs` have ended; yields whenever one has gone on.

    Flows run in this thread, only their calls in others. `tick` is called here after each call that ended, and every
    few seconds while none does. An exception of a call ends everything, once the calls under way have ended.
    """
    queue = _Queue(flows, needs)
    running: dict[Future[Result], tuple[int, int]] = {}
    yield
    with ThreadPoolExecutor(workers, "portcfg") as pool:
        while queue.calls or running:
            # What waits is kept here and not in the pool, so that nothing begins after an exception.
            while queue.calls and len(running) < workers:
                place, call = queue.calls.popleft()
                running[pool.submit(call)] = place
            ended, _ = wait(running, TICK_SECONDS, FIRST_COMPLETED)
            tick()
            for future in ended:
                queue.put(running.pop(future), future.result())
            yield


class _Queue(Generic[Result]):
    """Which calls are to be made, and which flows wait for what."""

    def __init__(self, flows: Iterable[Flow[Result]], needs: Sequence[Collection[int]]) -> None:
        self.calls: deque[tuple[tuple[int, int], Callable[[], Result]]] = deque()
        self._flows = dict(enumerate(flows))
        self._waiting = {number: set(needs[number]) for number in self._flows}
        self._results: dict[int, dict[int, Result]] = {}
        self._due: dict[int, int] = {}
        self._go_on([number for number, waiting in self._waiting.items() if not waiting])

    def put(self, place: tuple[int, int], result: Result) -> None:
        """The result of a call."""
        number, position = place
        self._results[number][position] = result
        if len(self._results[number]) == self._due[number]:
            self._go_on([number])

    def _go_on(self, numbers: Iterable[int]) -> None:
        """Let flows take their next step, and those begin that waited for one that ends by it."""
        ready = deque(numbers)
        while ready:
            number = ready.popleft()
            calls = self._step(number)
            if calls is None:
                ready.extend(self._freed_by(number))
                continue
            self._results[number], self._due[number] = {}, len(calls)
            self.calls.extend(((number, position), call) for position, call in enumerate(calls))
            if not calls:
                ready.append(number)

    def _step(self, number: int) -> Sequence[Callable[[], Result]] | None:
        """The next calls of a flow; None when it has ended."""
        results = self._results.pop(number, None)
        try:
            if results is None:
                return next(self._flows[number])
            return self._flows[number].send([result for _, result in sorted(results.items(), key=lambda item: item[0])])
        except StopIteration:
            del self._flows[number]
            return None

    def _freed_by(self, ended: int) -> list[int]:
        freed = []
        for number, waiting in self._waiting.items():
            if ended in waiting:
                waiting.remove(ended)
                freed += [] if waiting else [number]
        return freed
