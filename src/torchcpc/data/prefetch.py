"""Reading ahead: the next batches are decoded while the current one is trained on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def prefetch(draw: Callable[[int], T], start: int, stop: int, *, ahead: int = 4) -> Iterator[Iterator[T]]:
    """Yields an iterator over draw(start), ..., draw(stop - 1), in order, at most `ahead` of them made before they are asked for.

    One background thread, so order and values are those of plain calls; what draw raises is raised where the batch was due.
    The thread ends when the context does.
    """
    ready: queue.Queue[tuple[bool, T | BaseException]] = queue.Queue(maxsize=ahead)
    over = threading.Event()

    def put(item: tuple[bool, T | BaseException]) -> None:
        while not over.is_set():
            try:
                return ready.put(item, timeout=0.05)
            except queue.Full:
                continue

    def work() -> None:
        for step in range(start, stop):
            if over.is_set():
                return
            try:
                put((True, draw(step)))
            except BaseException as error:
                return put((False, error))

    def batches() -> Iterator[T]:
        for _ in range(start, stop):
            good, item = ready.get()
            if not good:
                raise item  # pyright: ignore[reportGeneralTypeIssues]
            yield item  # pyright: ignore[reportReturnType]

    thread = threading.Thread(target=work, name="torchcpc-prefetch", daemon=True)
    thread.start()
    try:
        yield batches()
    finally:
        over.set()
        thread.join()
