"""One table: what every process must satisfy, plain, with coins appended, and behind a nonlinearity."""

import math

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.synthetic import PROCESSES, Nuisance, Process, Warped, named, oracle_infonce

HISTORY, K = 24, 2


def pairs(process: Process, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Beliefs [count, S] and the steps [count, D] that follow K later."""
    x_BTD = process.sample(count, HISTORY + K, np.random.default_rng(seed)).x_BTD
    return process.belief(x_BTD[:, :HISTORY])[:, -1], x_BTD[:, -1]


@pytest.mark.parametrize("name", PROCESSES)
def test_the_mean_log_ratio_is_the_information(name):
    process = named(name)
    belief_BS, x_BD = pairs(process, 20_000, seed=1)
    ratio_B = process.log_ratio(x_BD, belief_BS, K)
    truth = process.information(K)
    slack = 4 * ratio_B.std() / len(ratio_B) ** 0.5
    assert truth.low - slack < ratio_B.mean() < truth.high + slack
    assert truth.low <= truth.value <= truth.high


@pytest.mark.parametrize("name", PROCESSES)
def test_the_mean_ratio_under_the_marginal_is_one_in_every_context(name):
    process = named(name)
    belief_BS, _ = pairs(process, 7, seed=2)
    candidate_BND = process.propose(belief_BS, 20_000, np.random.default_rng(3))
    assert candidate_BND.shape == (7, 20_000, process.dim)
    ratio_BN = np.exp(process.log_ratio(candidate_BND, belief_BS[:, None], K))
    error_B = ratio_BN.std(1) / 20_000**0.5
    assert (np.abs(ratio_BN.mean(1) - 1) < 4 * error_B).all()


@pytest.mark.parametrize("name", PROCESSES)
def test_coins_and_a_nonlinearity_change_no_ratio(name):
    """The same randomness drives the plain process and, first, the wrapped one."""
    plain, bits = named(name), Nuisance(named(name), bits=3)
    belief_BS, x_BD = pairs(plain, 11, seed=4)
    expected = plain.log_ratio(x_BD, belief_BS[:, None], K)
    for wrapped in (bits, Warped(plain), Warped(Nuisance(plain, bits=3))):
        belief_BS, x_BD = pairs(wrapped, 11, seed=4)
        np.testing.assert_allclose(wrapped.log_ratio(x_BD, belief_BS[:, None], K), expected, atol=2e-3)
        assert wrapped.information(1, past=1) == plain.information(1, past=1)
        proposed = wrapped.propose(belief_BS, 5, np.random.default_rng(0))
        assert proposed.shape == (11, 5, wrapped.dim) and wrapped.dim == x_BD.shape[1]
    coins_BTF = bits.sample(3_000, 2, np.random.default_rng(5)).x_BTD[..., -3:]
    assert set(np.unique(coins_BTF)) == {-1, 1} and abs(coins_BTF.mean()) < 0.03


def test_a_warp_is_undone_and_mixes_everything():
    warped = Warped(named("gaussian-vectors"))
    x = np.random.default_rng(0).normal(size=(101, 3)) * 2
    np.testing.assert_allclose(warped.undo(warped.show(x)), x, atol=1e-9)
    np.testing.assert_allclose(warped.Q @ warped.Q.T, np.eye(3), atol=1e-12)
    for i in range(3):
        moved = warped.show(x + np.eye(3)[i]) - warped.show(x)
        assert (np.abs(moved) > 1e-9).all()


@pytest.mark.parametrize("name", PROCESSES)
def test_the_same_seed_samples_the_same(name):
    first, second, third = (named(name, bits=1, warped=True).sample(3, 5, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert (first.x_BTD == second.x_BTD).all() and (first.group_B == second.group_B).all()
    assert first.x_BTD.dtype == np.float32 and (first.x_BTD != third.x_BTD).any()


@pytest.mark.parametrize("name", PROCESSES)
def test_the_oracle_is_below_its_ceiling_and_the_information(name):
    process = named(name)
    found = oracle_infonce(process, K, 5, 4_000, np.random.default_rng(9), history=HISTORY)
    assert 0 < found.value < min(math.log(5), process.information(K).high) + 3 * found.detail["standard_error"]
    assert found.low is not None and found.high is not None and found.low < found.value < found.high


def test_wrong_names_and_sizes_are_refused():
    with pytest.raises(CPCError, match="process = 'ar9' is unknown"):
        named("ar9")
    with pytest.raises(CPCError, match="bits = -1"):
        named("ar1", bits=-1)
    with pytest.raises(CPCError, match="N = 1"):
        oracle_infonce(named("ar1"), 1, 1, 10, np.random.default_rng(0))
