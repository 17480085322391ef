"""Prepare the next batches while the current one is used for training."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
# Batches that are started before they are requested.
AHEAD = 4


@contextmanager
def prefetch(draw: Callable[[int], T], start: int, stop: int) -> Iterator[Iterator[T]]:
    """Provide an iterator over draw(start), ..., draw(stop - 1), in order, computed in a background thread.

    An error of `draw` is raised where its batch was due. After the context, no batch is started and the thread has ended.

    Args:
        draw: Returns the batch of a step.
        start: First step.
        stop: Step after the last.
    """
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
