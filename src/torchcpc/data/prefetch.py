"""Reading ahead: the next batches are decoded while the current one is trained on."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from torchcpc.contracts import CPCError

T = TypeVar("T")


@contextmanager
def prefetch(draw: Callable[[int], T], start: int, stop: int, *, ahead: int = 4, threads: int = 1) -> Iterator[Iterator[T]]:
    """Yields an iterator over draw(start), ..., draw(stop - 1), in order, `ahead` of them begun before they are asked for. `draw` is pure,
    so order and values are those of plain calls for any number of background threads; what it raises is raised where the batch was due. No
    batch is begun after the context ends, and the threads have ended with it."""
    if ahead < 1 or threads < 1:
        raise CPCError(f"ahead = {ahead}, threads = {threads}: both must be at least 1.")
    pool = ThreadPoolExecutor(threads, thread_name_prefix="torchcpc-prefetch")
    ready: deque[Future[T]] = deque(pool.submit(draw, step) for step in range(start, min(start + ahead, stop)))

    def batches() -> Iterator[T]:
        for step in range(start + ahead, stop + ahead):
            batch = ready.popleft().result()
            if step < stop:
                ready.append(pool.submit(draw, step))
            yield batch

    try:
        yield batches()
    finally:
        pool.shutdown(cancel_futures=True)
