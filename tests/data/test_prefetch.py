"""Reading ahead changes when a batch is made, and nothing else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import CancelledError

import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.prefetch import AHEAD, prefetch


def running() -> int:
    return sum("torchcpc-prefetch" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize(("start", "stop"), [(0, 23), (5, 7), (4, 4)])
def test_the_order_is_that_of_plain_calls(start: int, stop: int) -> None:
    def draw(step: int) -> int:
        time.sleep(0.002 * (step % 3))  # later steps finish first
        return step * step

    with prefetch(draw, start, stop) as batches:
        assert list(batches) == [step * step for step in range(start, stop)]
    assert running() == 0


def test_no_more_than_asked_for_is_made_ahead() -> None:
    made = []
    with prefetch(lambda step: made.append(step) or step, 0, 1000) as batches:
        for taken in range(1, 6):
            next(batches)
            deadline = time.monotonic() + 5
            while len(made) < taken + AHEAD and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(0.02)
            assert made == list(range(taken + AHEAD))
    assert len(made) <= 5 + AHEAD and running() == 0


def test_what_draw_raises_is_raised_where_the_batch_was_due() -> None:
    def draw(step: int) -> int:
        if step == 3:
            raise CPCError("a.wav could be read when it was scanned, but not now")
        return step

    seen = []
    with pytest.raises(CPCError, match="a.wav could be read"), prefetch(draw, 0, 9) as batches:
        seen.extend(batches)
        raise AssertionError("not reached")
    assert running() == 0
    with prefetch(draw, 0, 9) as batches:
        assert [next(batches) for _ in range(3)] == [0, 1, 2]


def test_a_consumer_that_stops_or_fails_ends_the_threads() -> None:
    with pytest.raises(ZeroDivisionError), prefetch(lambda step: step, 0, 10**9) as batches:
        1 / next(batches)
    assert running() == 0
    # The iterator left behind does not wait for ever.
    with pytest.raises((RuntimeError, CancelledError)):
        list(batches)


def test_batches_are_made_while_the_consumer_works() -> None:
    second = threading.Event()
    with prefetch(lambda step: second.set() if step == 1 else None, 0, 2) as batches:
        next(batches)
        assert second.wait(5)
