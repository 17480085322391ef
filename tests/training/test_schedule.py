import math

import pytest

from torchcpc.training.schedule import learning_rate


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ("constant", 0, 0.1), ("constant", 4, 0.5), ("constant", 5, 0.5), ("constant", 104, 0.5),
        ("linear", 5, 0.5), ("linear", 55, 0.25), ("linear", 104, 0.005),
        ("cosine", 5, 0.5), ("cosine", 55, 0.25), ("cosine", 30, 0.25 * (1 + math.cos(math.pi / 4))),
    ],
)  # fmt: skip
def test_rate(schedule, step, expected):
    assert learning_rate(step, peak=0.5, steps=105, warmup=5, schedule=schedule) == pytest.approx(expected)
