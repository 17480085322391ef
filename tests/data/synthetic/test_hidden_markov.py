"""Chains, hidden and not, against brute force over every path, closed forms and published numbers."""

import math
from itertools import product

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.synthetic import Clouds, HiddenMarkov, Speakers, Symbols, markov_chain, named, symmetric

P = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.4, 0.0, 0.6]])
TABLE = np.array([[0.8, 0.2], [0.5, 0.5], [0.1, 0.9]])
MEANS = np.array([[0.0, 1.0], [1.5, 0.0], [-1.0, -1.0]])


def path_sum(process: HiddenMarkov, likely_TS: np.ndarray) -> np.ndarray:
    """[S] p(x_1..x_T, state_T), one term for every path of states."""
    T, S = likely_TS.shape
    total = np.zeros(S)
    for path in product(range(S), repeat=T):
        weight = process.pi[path[0]] * likely_TS[0, path[0]]
        for t in range(1, T):
            weight *= process.P[path[t - 1], path[t]] * likely_TS[t, path[t]]
        total[path[-1]] += weight
    return total


def likelihood(kind: str, x: np.ndarray) -> np.ndarray:
    """p(x | state), normalised, by formulas of its own."""
    if kind == "symbols":
        return TABLE @ x
    return np.exp(-((x - MEANS) ** 2).sum(1) / (2 * 0.7**2)) / (2 * np.pi * 0.7**2)


@pytest.mark.parametrize("kind", ["symbols", "clouds"])
def test_belief_and_ratio_by_every_path(kind):
    process = HiddenMarkov(P, {"symbols": Symbols(TABLE), "clouds": Clouds(MEANS, deviation=0.7)}[kind])
    x_BTD = process.sample(2, 7, np.random.default_rng(1)).x_BTD
    belief_BTS = process.belief(x_BTD)
    found = process.log_ratio(x_BTD[1], belief_BTS[0][:, None], 2)  # every context of one, every step of the other
    for t in range(5):
        joint_S = path_sum(process, np.stack([likelihood(kind, x) for x in x_BTD[0, : t + 1]]))
        np.testing.assert_allclose(belief_BTS[0, t], joint_S / joint_S.sum(), atol=1e-6)
        for j, x in enumerate(x_BTD[1]):
            ahead = (joint_S / joint_S.sum()) @ P @ P @ likelihood(kind, x)
            assert found[t, j] == pytest.approx(math.log(ahead / (process.pi @ likelihood(kind, x))), abs=1e-5)


@pytest.mark.parametrize(("past", "k"), [(1, 1), (3, 1), (4, 2)])
def test_information_by_every_path(past, k):
    process = HiddenMarkov(P, Symbols(TABLE))
    marginal, total = process.pi @ TABLE, 0.0
    for word in product(range(2), repeat=past):
        joint_S = path_sum(process, TABLE[:, list(word)].T)
        both = joint_S @ np.linalg.matrix_power(P, k) @ TABLE
        total += sum(p * math.log(p / (joint_S.sum() * m)) for p, m in zip(both, marginal, strict=True))
    found = process.information(k, past=past)
    assert found.value == pytest.approx(total, abs=1e-12) and found.n == 2**past
    whole = process.information(k)
    assert total <= whole.value + 1e-12 and whole.high - whole.low < 1e-4


def test_a_chain_that_is_seen_in_closed_form():
    process = markov_chain(P)
    np.testing.assert_allclose(process.pi @ P, process.pi, atol=1e-12)
    for k in (1, 3):
        ahead = np.linalg.matrix_power(P, k)
        some = ahead > 0
        table = np.log(np.where(some, ahead, 1) / process.pi)
        found = process.information(k)
        assert found.low == pytest.approx(found.high, abs=1e-12)
        assert found.value == pytest.approx((process.pi[:, None] * ahead * table)[some].sum(), abs=1e-12)
        ratio = process.log_ratio(np.eye(3), np.eye(3)[:, None], k)
        np.testing.assert_allclose(ratio[some], table[some], atol=1e-12)
        assert (ratio[~some] == -np.inf).all()


def test_published_values():
    for k in (1, 2, 5):
        d = 1 / 4 + 3 / 4 * (1 - 0.1 * 4 / 3) ** k
        expected = math.log(4) + d * math.log(d) + (1 - d) * math.log((1 - d) / 3)
        assert named("markov-chain").information(k).value == pytest.approx(expected, abs=1e-12)
    hidden = named("hmm-symbols")
    assert hidden.information(1, past=1).value == pytest.approx(0.127, abs=0.0006)
    assert hidden.information(1, past=3).value == pytest.approx(0.195, abs=0.003)
    assert hidden.information(1).value == pytest.approx(0.21, abs=0.005)


def test_samples_move_and_emit_as_they_should():
    x_BTD = HiddenMarkov(P, Symbols(TABLE)).sample(60_000, 2, np.random.default_rng(2)).x_BTD
    pi = markov_chain(P).pi
    found = np.einsum("bi,bj->ij", x_BTD[:, 0], x_BTD[:, 1]) / 60_000
    np.testing.assert_allclose(found, TABLE.T @ np.diag(pi) @ P @ TABLE, atol=0.009)
    assert set(np.unique(x_BTD)) == {0, 1} and (x_BTD.sum(2) == 1).all()


def test_speakers_are_a_chain_of_pairs():
    """The same process written as one reducible chain over (speaker, phone), whose stationary distribution is given."""
    process = Speakers()
    pairs = markov_chain(np.kron(np.eye(4), symmetric(4, 0.3)), pi=np.full(16, 1 / 16))
    eye = np.eye(4)
    shown = np.array([np.concatenate([eye[s], eye[p]]) for s in range(4) for p in range(4)])
    ratio = process.log_ratio(shown, process.belief(shown[:, None, :]), 2)
    np.testing.assert_allclose(ratio, pairs.log_ratio(np.eye(16), np.eye(16)[:, None], 2), atol=1e-12)
    assert process.information(1).value == pytest.approx(pairs.information(1, past=1).value, abs=1e-12)
    assert process.information(1).value == pytest.approx(1.832, abs=5e-4)
    alone = Speakers(marginal="same_group")
    assert alone.information(1).value == pytest.approx(0.446, abs=5e-4)
    x_BTD, group_B = alone.sample(50, 3, np.random.default_rng(0))
    proposed = alone.propose(alone.belief(x_BTD)[:, -1], 7, np.random.default_rng(1))
    assert (proposed[..., :4].argmax(-1) == group_B[:, None]).all() and (x_BTD[..., :4].argmax(-1) == group_B[:, None]).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(CPCError, match="several stationary"):
        markov_chain(np.eye(3))
    with pytest.raises(CPCError, match="pi is not stationary"):
        markov_chain(P, pi=np.array([0.2, 0.3, 0.5]))
    with pytest.raises(CPCError, match="every row must be a distribution"):
        Symbols(np.array([[0.5, 0.6]]))
    with pytest.raises(CPCError, match="past = 30: 2 symbols make"):
        HiddenMarkov(P, Symbols(TABLE)).information(1, past=30)
