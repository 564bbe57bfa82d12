"""Python's search for garbage that holds itself, made rare while a run holds hundreds of thousands of rows.

Rows, entities and bodies are trees, which go as soon as nothing names them; the search finds nothing among them, and
takes about a tenth of a run to look at them again and again (benchmarks/).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects between two searches; Python's own 700 are meant for programs with few.
NEW_OBJECTS = 50_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Search less often in the block, in all of the process; as before after it."""
    before = gc.get_threshold()
    gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
