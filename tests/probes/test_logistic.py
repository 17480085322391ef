import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from torchcpc.contracts import CPCError
from torchcpc.probes.logistic import solve_path
from torchcpc.probes.task import CLASS_WEIGHTS


@pytest.fixture(scope="module")
def problem():
    """Noisy classes in strongly correlated columns, where plain gradient steps crawl."""
    generator = np.random.default_rng(0)
    y = generator.choice(5, size=331, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    x = generator.normal(size=(5, 13))[y] + 1.5 * generator.normal(size=(331, 13))
    x = x @ generator.normal(size=(13, 13)) @ np.diag(np.logspace(0, -2, 13))
    return (x / x.std(axis=0)).astype(np.float32), y


def objective(x, y, weight, bias, penalty):
    scores = x.astype(np.float64) @ weight + bias
    loss = logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]
    return loss.mean() + penalty / 2 * np.sum(np.square(weight, dtype=np.float64))


@pytest.mark.parametrize("penalty", [1.0, 1e-2, 1e-4])
def test_the_optimum_is_scikit_learns(problem, penalty):
    x, y = problem
    witness = LogisticRegression(C=1 / (penalty * len(y)), tol=1e-10, max_iter=20000).fit(x.astype(np.float64), y)
    ((_, ours),) = solve_path(x, y, classes=5, penalties=[penalty], tolerance=1e-9)
    best = objective(x, y, witness.coef_.T, witness.intercept_, penalty)
    assert objective(x, y, ours.weight_DK, ours.bias_K, penalty) == pytest.approx(best, abs=1e-6)
    # Along its flattest directions the optimum is known to float32 only so far. The bias is free: only its differences count.
    np.testing.assert_allclose(ours.weight_DK.T, witness.coef_, atol=0.05)
    np.testing.assert_allclose(ours.bias_K - ours.bias_K.mean(), witness.intercept_ - witness.intercept_.mean(), atol=0.05)
    assert np.mean(ours.predict(x) == witness.predict(x.astype(np.float64))) > 0.99


def test_weighted_rows_give_scikit_learns_balanced_optimum(problem):
    x, y = problem
    weight = CLASS_WEIGHTS["balanced"](y, 7)
    assert weight[5:].tolist() == [0, 0] and weight[y].mean() == pytest.approx(1)
    witness = LogisticRegression(C=1 / (1e-2 * len(y)), class_weight="balanced", tol=1e-10, max_iter=20000).fit(
        x.astype(float), y
    )
    ((_, ours),) = solve_path(x, y, classes=5, penalties=[1e-2], tolerance=1e-9, weight_M=weight[y])
    np.testing.assert_allclose(ours.weight_DK.T, witness.coef_, atol=0.02)
    assert np.mean(ours.predict(x) == witness.predict(x.astype(float))) > 0.99


@pytest.mark.parametrize("penalty", [1.0, 1e-2])
def test_fewer_rows_than_columns(penalty):
    """All weights lie in the span of the rows: solved there, for 59 columns, the optimum is that of the whole space."""
    generator = np.random.default_rng(3)
    x, y = generator.normal(size=(17, 59)).astype(np.float32), np.arange(17) % 3
    x[:, :5] *= 10
    witness = LogisticRegression(C=1 / (penalty * 17), tol=1e-12, max_iter=20000).fit(x.astype(np.float64), y)
    ((_, ours),) = solve_path(x, y, classes=3, penalties=[penalty], tolerance=1e-9)
    np.testing.assert_allclose(ours.weight_DK.T, witness.coef_, atol=5e-3)
    fresh = generator.normal(size=(101, 59)).astype(np.float32)
    assert np.mean(ours.predict(fresh) == witness.predict(fresh.astype(np.float64))) > 0.98


def test_a_path_is_walked_from_the_strongest_penalty_and_its_starts_change_nothing(problem):
    x, y = problem
    path = list(solve_path(x, y, classes=5, penalties=[1e-3, 1e-1, 1e-2], tolerance=1e-9))
    assert [penalty for penalty, _ in path] == [1e-1, 1e-2, 1e-3]
    ((_, alone),) = solve_path(x, y, classes=5, penalties=[1e-3], tolerance=1e-9)
    np.testing.assert_allclose(path[-1][1].weight_DK, alone.weight_DK, atol=0.03)


def test_under_an_overwhelming_penalty_only_the_class_frequencies_are_learned(problem):
    x, y = problem
    ((_, ours),) = solve_path(x, y, classes=5, penalties=[1e6], tolerance=1e-9)
    p = np.exp(ours.bias_K) / np.exp(ours.bias_K).sum()
    np.testing.assert_allclose(p, np.bincount(y) / len(y), atol=1e-4)


def test_an_absent_class_is_never_answered(problem):
    x, y = problem
    for _, ours in solve_path(x, y, classes=7, penalties=[1e-1, 1e-5]):
        assert set(ours.predict(x)) <= set(range(5))


def test_the_default_tolerance_answers_as_the_exact_optimum_does(problem):
    x, y = problem
    ((_, exact),) = solve_path(x, y, classes=5, penalties=[1e-3], tolerance=1e-9)
    ((_, ours),) = solve_path(x, y, classes=5, penalties=[1e-3])
    assert np.mean(ours.predict(x) == exact.predict(x)) > 0.99


@pytest.mark.parametrize("penalties", [[], [0.1, 0.0]])
def test_a_penalty_must_be_positive(problem, penalties):
    with pytest.raises(CPCError, match="without a penalty separable classes have no optimum"):
        list(solve_path(*problem, classes=5, penalties=penalties))
