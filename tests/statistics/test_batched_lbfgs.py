import numpy as np
import pytest
from scipy.optimize import minimize

from torchcpc.statistics.batched_lbfgs import minimise

C, N, P = 2, 7, 13


@pytest.fixture
def bowls():
    """P convex problems of C x N unknowns, each a sum of log cosh with its own slopes, minimum and steepness."""
    generator = np.random.default_rng(0)
    a = generator.normal(size=(P, 29, C * N)) * np.logspace(0, -1, P)[:, None, None]
    target = generator.normal(size=(P, 29))

    def one(p):
        def f(v):
            r = a[p] @ v - target[p]
            return np.log(np.cosh(r)).mean() + 0.005 * v @ v, a[p].T @ np.tanh(r) / len(r) + 0.01 * v

        return f

    def together(v_CNA, which):
        found = [one(p)(v_CNA[:, :, n].ravel()) for n, p in enumerate(which)]
        return np.array([f for f, _ in found]), np.stack([g.reshape(C, N) for _, g in found], axis=2)

    return one, together


def test_every_problem_reaches_its_own_minimum(bowls):
    one, together = bowls
    found = minimise(together, np.zeros((C, N, P)), tolerance=1e-14)
    for p in range(P):
        witness = minimize(one(p), np.zeros(C * N), jac=True, method="BFGS", options={"gtol": 1e-10})
        assert one(p)(found[:, :, p].ravel())[0] == pytest.approx(witness.fun, abs=1e-9)
        np.testing.assert_allclose(found[:, :, p].ravel(), witness.x, atol=1e-4)


def test_company_does_not_change_where_a_problem_ends_and_what_is_done_is_asked_no_more(bowls):
    _, together = bowls
    sizes = []

    def counted(v_CNA, which):
        sizes.append(len(which))
        return together(v_CNA, which)

    all_CNP = minimise(counted, np.zeros((C, N, P)), tolerance=1e-12)
    assert sizes[0] == P and sizes[-1] < P and sizes == sorted(sizes, reverse=True)
    for p in (0, 7):
        alone = minimise(lambda v, which, p=p: together(v, np.array([p])), np.zeros((C, N, 1)), tolerance=1e-12)
        np.testing.assert_allclose(alone[:, :, 0], all_CNP[:, :, p], atol=1e-4)


def test_steps_that_are_far_too_long_are_halved_and_a_start_at_the_minimum_stays():
    def steep(v, which):
        return 500 * (v**2).sum(axis=(0, 1)), 1000 * v

    found = minimise(steep, np.array([3.0, 0.0]).reshape(1, 1, 2), tolerance=1e-14)
    np.testing.assert_allclose(found, 0, atol=1e-6)
