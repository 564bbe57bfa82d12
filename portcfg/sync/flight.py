"""Work that overlaps: the next item of a source while the last is used, and calls side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from queue import Full, Queue
from typing import TypeVar

# Enough to hide 100 ms of latency; Port takes bursts of 3,500 bulk writes (ocean.md §16), and its headers slow it down.
PARALLELISM = 24
# How often one who waits for room looks whether anybody still wants what it has.
LOOK_SECONDS = 0.2

Item = TypeVar("Item")


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items; while one is used the next is made in another thread, and never more than that one is kept.

    What making an item raises is raised here, in its place. The thread doesn't keep the process from ending.
    """
    made: Queue[tuple[bool, Item | BaseException | None]] = Queue(maxsize=1)
    unwanted = threading.Event()

    def make() -> None:
        try:
            for item in items:
                if not _put(made, (True, item), unwanted):
                    return
            _put(made, (False, None), unwanted)
        except BaseException as error:  # handed on to whoever asked
            _put(made, (False, error), unwanted)

    threading.Thread(target=make, name="portcfg-ahead", daemon=True).start()
    try:
        yield from _taken(made)
    finally:
        unwanted.set()


def _put(queue: Queue[Item], item: Item, unwanted: threading.Event) -> bool:
    while not unwanted.is_set():
        try:
            queue.put(item, timeout=LOOK_SECONDS)
        except Full:
            continue
        return True
    return False


def _taken(made: Queue[tuple[bool, Item | BaseException | None]]) -> Iterator[Item]:
    while True:
        more, value = made.get()
        if isinstance(value, BaseException):
            raise value
        if not more:
            return
        yield value  # type: ignore[misc]  # only the end has no value


def side_by_side(calls: Iterable[Callable[[], Item]], workers: int) -> Iterator[Item]:
    """What the calls give, as they end; at most `workers` are under way, and the next is taken when there is room."""
    with ThreadPoolExecutor(workers, "portcfg") as pool:
        running: set[Future[Item]] = set()
        for call in calls:
            running.add(pool.submit(call))
            if len(running) == workers:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ended)
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)


def in_turn(call: Callable[[Item], None]) -> Callable[[Item], None]:
    """The same, called by one thread at a time."""
    turn = threading.Lock()

    def called(item: Item) -> None:
        with turn:
            call(item)

    return called
