"""Oracle InfoNCE against the published simulation and, for a chain, against its finite sum."""

import math
from math import comb

import numpy as np
import pytest

from torchcpc.data.synthetic import gaussian_pairs, markov_chain, oracle_infonce, symmetric

# N -> nats by number of pairs and correlation; simulated elsewhere, standard errors of at most 0.011.
PUBLISHED = {
    (0.5, 1): {2: 0.068, 8: 0.123, 32: 0.137, 128: 0.146},
    (0.9, 1): {2: 0.337, 8: 0.682, 32: 0.785, 128: 0.813, 512: 0.829},
    (0.99, 1): {2: 0.573, 8: 1.418, 32: 1.790, 128: 1.916},
    (0.9, 4): {2: 0.641, 8: 1.775, 32: 2.573, 128: 3.018},
    (0.9, 10): {2: 0.692, 8: 2.070, 32: 3.428, 128: 4.720},
}


@pytest.mark.parametrize(("p", "d", "N"), [(p, d, N) for (p, d), row in PUBLISHED.items() for N in row])
def test_published_values(p, d, N):
    found = oracle_infonce(gaussian_pairs([p] * d), 1, N, max(1_000, 100_000 // (N * d)), np.random.default_rng(N), history=1)
    slack = 3 * math.hypot(found.detail["standard_error"], 0.011)
    assert found.value == pytest.approx(PUBLISHED[p, d][N], abs=slack)
    assert found.value < found.detail["ceiling"]


@pytest.mark.parametrize("N", [2, 8, 32])
def test_the_finite_sum_of_a_chain(N):
    stay, states = 0.9, 4
    same, other = states * stay, states * (1 - stay) / (states - 1)
    expected = 0.0
    for m in range(N):  # so many of the negatives are in the state of the context
        chance = comb(N - 1, m) * (1 / states) ** m * (1 - 1 / states) ** (N - 1 - m)
        for probability, ratio in ((stay, same), (1 - stay, other)):
            mean = (ratio + m * same + (N - 1 - m) * other) / N
            expected += chance * probability * math.log(ratio / mean)
    found = oracle_infonce(markov_chain(symmetric(states, 1 - stay)), 1, N, 20_000, np.random.default_rng(N), history=2)
    assert found.value == pytest.approx(expected, abs=4 * found.detail["standard_error"])


def test_blocks_do_not_change_what_is_counted(monkeypatch):
    process, samples = gaussian_pairs([0.9]), 20_001
    whole = oracle_infonce(process, 1, 8, samples, np.random.default_rng(1), history=1)
    monkeypatch.setattr("torchcpc.data.synthetic.process._BLOCK", 8 * 1_000)
    parts = oracle_infonce(process, 1, 8, samples, np.random.default_rng(2), history=1)
    assert whole.n == parts.n == samples
    assert whole.value == pytest.approx(parts.value, abs=4 * math.hypot(*(r.detail["standard_error"] for r in (whole, parts))))
