"""Reading ahead: the next batches are decoded while the current one is trained on."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
# Batches begun before they are asked for.
AHEAD = 4


@contextmanager
def prefetch(draw: Callable[[int], T], start: int, stop: int) -> Iterator[Iterator[T]]:
    """Yields an iterator over draw(start), ..., draw(stop - 1), in order, made by a background thread. What `draw` raises is raised where
    the batch was due. No batch is begun after the context ends, and the thread has ended with it."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="torchcpc-prefetch")
    ready: deque[Future[T]] = deque(pool.submit(draw, step) for step in range(start, min(start + AHEAD, stop)))

    def batches() -> Iterator[T]:
        for step in range(start + AHEAD, stop + AHEAD):
            batch = ready.popleft().result()
            if step < stop:
                ready.append(pool.submit(draw, step))
            yield batch

    try:
        yield batches()
    finally:
        pool.shutdown(cancel_futures=True)
