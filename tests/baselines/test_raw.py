"""Raw windows hold the rows that a slow loop finds, end with their step and never look ahead."""

import numpy as np
import pytest

from torchcpc.baselines.raw import RAW_WINDOWS, raw_window


@pytest.mark.parametrize(("stride", "steps", "mean_of"), [(1, 7, 1), (3, 5, 1), (6, 2, 4), (5, 1, 5)])
def test_windows_against_a_loop(stride: int, steps: int, mean_of: int) -> None:
    x = np.random.default_rng(0).normal(size=(31, 2)).astype(np.float32)
    rows = stride * steps
    found = raw_window(x, stride, steps=steps, mean_of=mean_of)
    assert found.shape == (31 // stride, rows // mean_of * 2)
    for t in range(31 // stride):
        window = np.stack([x[max(0, (t + 1) * stride - rows + n)] for n in range(rows)])
        means = np.stack([window[n : n + mean_of].mean(axis=0) for n in range(0, rows, mean_of)])
        np.testing.assert_allclose(found[t], means.T.ravel(), rtol=1e-5, atol=1e-6)


def test_missing_values_are_the_mean_of_the_channel_and_short_clips_have_no_step() -> None:
    x = np.array([[1, np.nan], [3, np.nan], [np.nan, np.nan], [5, np.nan]], np.float32)
    assert raw_window(x, 1, steps=1).tolist() == [[1, 0], [3, 0], [3, 0], [5, 0]]
    for function in RAW_WINDOWS.values():
        assert len(function(x, 7)) == 0
