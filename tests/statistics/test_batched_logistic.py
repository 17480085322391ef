import numpy as np
import pytest
from scipy.sparse import csr_matrix, hstack
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from torchcpc.contracts import CPCError
from torchcpc.probes.logistic import solve_path
from torchcpc.statistics.batched_logistic import Block, contrasts, solve


def world(*, classes, rows=331, dim=13):
    """Noisy classes in correlated dense columns and in sparse counts of 53 words."""
    generator = np.random.default_rng(0)
    y = generator.integers(0, classes, size=rows)
    x = generator.normal(size=(classes, dim))[y] + 1.5 * generator.normal(size=(rows, dim))
    x = x @ generator.normal(size=(dim, dim))
    words = generator.poisson(generator.gamma(0.3, 0.4, size=(classes, 53))[y])
    words[:, :5] = 0  # never
    words[np.arange(7), np.arange(5, 12)] = 1  # columns that one row has
    words[7:, 5:12] = 0
    return x / x.std(axis=0), csr_matrix(words, dtype=np.float64), y


def loss(scores, y, weights, penalty):
    fit = logsumexp(scores, axis=1) - scores[np.arange(len(y)), y]
    return fit.mean() + sum(p / 2 * np.sum(w**2) for w, p in zip(weights, penalty, strict=True))


def ours(blocks, rows, y, classes, penalties, used=None):
    used = np.ones((len(y), penalties.shape[1]), bool) if used is None else used
    settings = {"classes": classes, "used_MP": used, "penalty_BP": penalties, "tolerance": 1e-13, "dtype": np.float64}
    fitted = solve(blocks, y, **settings)
    weights = [np.tensordot(fitted.contrast_KC, w, 1) for w in fitted.weights]  # [K, N, P]
    return fitted, weights, np.tensordot(fitted.contrast_KC, fitted.bias_CP, 1)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_the_optimum_of_several_classes_is_scikit_learns(kind):
    dense, sparse, y = world(classes=5)
    x, block = (dense, Block.dense(dense)) if kind == "dense" else (sparse, Block.sparse(sparse))
    penalties = np.array([[1e-1, 1e-3]])
    fitted, (w,), bias = ours([block], [x], y, 5, penalties)
    for p, penalty in enumerate(penalties[0]):
        witness = LogisticRegression(C=1 / (penalty * len(y)), tol=1e-10, max_iter=20000).fit(x, y)
        best = loss(witness.decision_function(x), y, [witness.coef_], [penalty])
        scores = block.x_MN @ w[:, :, p].T + bias[:, p]
        assert loss(scores, y, [w[:, :, p]], [penalty]) == pytest.approx(best, abs=1e-9)
        np.testing.assert_allclose(fitted.predict([x])[:, p], witness.predict(x))
        np.testing.assert_allclose(fitted.predict()[:, p], witness.predict(x))


def test_two_classes_need_one_column_and_agree_with_the_solver_of_one_problem_at_a_time():
    dense, _, y = world(classes=2)
    block, x = Block.dense(dense), dense.astype(np.float32)
    fitted, (w,), _ = ours([block], [dense], y, 2, np.array([[1e-1, 1e-2, 1e-3]]))
    assert fitted.weights[0].shape[0] == 1
    for p, (penalty, other) in enumerate(solve_path(x, y, classes=2, penalties=[1e-1, 1e-2, 1e-3], tolerance=1e-10)):
        # Columns of the two classes that sum to zero: scikit-learn's single column is their difference, so C = 2 / (penalty rows).
        witness = LogisticRegression(C=2 / (penalty * len(y)), tol=1e-10, max_iter=20000).fit(dense, y)
        turned = block.turn_DN @ w[:, :, p].T
        np.testing.assert_allclose(turned[:, 1] - turned[:, 0], witness.coef_[0], atol=1e-4)
        np.testing.assert_allclose(turned, other.weight_DK, atol=0.01)


def test_each_problem_sees_its_own_rows_only():
    dense, _, y = world(classes=3)
    fold = np.random.default_rng(1).integers(0, 3, size=len(y))
    used = np.stack([fold != 0, fold != 1], axis=1)
    fitted, *_ = ours([Block.dense(dense)], [dense], y, 3, np.full((1, 2), 1e-2), used)
    for p in range(2):
        witness = LogisticRegression(C=1 / (1e-2 * used[:, p].sum()), tol=1e-10, max_iter=20000).fit(
            dense[used[:, p]], y[used[:, p]]
        )
        assert np.mean(fitted.predict()[:, p] == witness.predict(dense)) > 0.995


def test_two_blocks_with_a_penalty_each_are_one_block_scaled():
    dense, sparse, y = world(classes=3)
    penalty = np.array([[1e-1], [1e-3]])
    fitted, *_ = ours([Block.dense(dense), Block.sparse(sparse)], [dense, sparse], y, 3, penalty)
    # Columns times s under a penalty of 1 are columns under a penalty of 1 / s^2.
    scaled = hstack([csr_matrix(dense / np.sqrt(1e-1)), sparse / np.sqrt(1e-3)]).tocsr()
    witness = LogisticRegression(C=1 / len(y), tol=1e-10, max_iter=20000).fit(scaled, y)
    np.testing.assert_array_equal(fitted.predict([dense, sparse])[:, 0], witness.predict(scaled))


def test_the_defaults_answer_as_the_exact_optimum_does():
    dense, sparse, y = world(classes=2)
    settings = {"classes": 2, "used_MP": np.ones((len(y), 2), bool), "penalty_BP": np.array([[1e-2, 1e-4]])}
    for block in (Block.dense(dense.astype(np.float32)), Block.sparse(sparse.astype(np.float32))):
        exact = solve([block], y, **settings, tolerance=1e-13, dtype=np.float64).predict()
        assert np.mean(solve([block], y, **settings).predict() == exact) > 0.99


def test_columns_of_one_row_are_turned_into_one_and_nothing_is_lost():
    _, sparse, _ = world(classes=2, rows=37)
    alone = csr_matrix(
        (np.arange(1.0, 12), (np.repeat([3, 5], [4, 7]), np.arange(11))), shape=(37, 13)
    )  # two columns stay empty
    x = hstack([sparse, alone]).tocsr()
    turn = Block.sparse(x).turn_DN.toarray()
    several = np.count_nonzero(x.getnnz(axis=0) > 1)
    assert turn.shape[1] <= several + 37 and turn.shape[1] < x.shape[1] - 7
    np.testing.assert_allclose(turn.T @ turn, np.eye(turn.shape[1]), atol=1e-12)
    np.testing.assert_allclose(x @ turn @ turn.T, x.toarray(), atol=1e-12)


def test_contrasts_are_orthonormal_and_orthogonal_to_one():
    for classes in (2, 3, 7):
        q = contrasts(classes)
        np.testing.assert_allclose(q.T @ q, np.eye(classes - 1), atol=1e-12)
        np.testing.assert_allclose(q.sum(axis=0), 0, atol=1e-12)


def test_penalties_must_be_positive_and_every_problem_have_a_row():
    dense, _, y = world(classes=2)
    used = np.ones((len(y), 1), bool)
    with pytest.raises(CPCError, match="without a penalty separable classes have no optimum"):
        solve([Block.dense(dense)], y, classes=2, used_MP=used, penalty_BP=np.array([[0.0]]))
    with pytest.raises(CPCError, match="without a training row"):
        solve([Block.dense(dense)], y, classes=2, used_MP=~used, penalty_BP=np.array([[1.0]]))
