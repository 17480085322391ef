import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.representations.pool import POOLS, pooled


def test_each_pool_against_a_loop():
    recordings = [np.random.default_rng(n).normal(size=(n, 5)).astype(np.float32) for n in (2, 7, 3)]
    for row, x in zip(pooled(recordings, pool="mean+deviation"), recordings, strict=True):
        mean = [sum(x[t, d] for t in range(len(x))) / len(x) for d in range(5)]
        deviation = [np.sqrt(sum((x[t, d] - mean[d]) ** 2 for t in range(len(x))) / len(x)) for d in range(5)]
        np.testing.assert_allclose(row, mean + deviation, atol=1e-6)
    np.testing.assert_array_equal(pooled(recordings), pooled(recordings, pool="mean+deviation")[:, :5])
    np.testing.assert_array_equal(pooled(recordings, pool="last")[1], recordings[1][6])
    assert all(pooled(recordings, pool=name).dtype == np.float32 for name in POOLS)


def test_faults_are_named():
    with pytest.raises(CPCError, match=r"pool = 'max' is unknown. Choose one of mean, mean\+deviation, last"):
        pooled([np.zeros((3, 2))], pool="max")
    with pytest.raises(CPCError, match="recording 1 has no frame"):
        pooled([np.zeros((3, 2)), np.zeros((0, 2))])
