"""A planted linear map is found again; the check tells it from noise."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.metrics.pairwise import cosine_similarity

from torchcpc.contracts import CPCError
from torchcpc.runs.expand_vocabulary import check_map, fit_map


def planted(words: int = 211, *, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x_ND = rng.normal(size=(words, 7)) + 3
    return x_ND, x_ND @ rng.normal(size=(7, 11)) + rng.normal(size=11) + noise * rng.normal(size=(words, 11))


def test_the_planted_map_is_found() -> None:
    x_ND, y_NE = planted()
    np.testing.assert_allclose(fit_map(x_ND[:101], y_NE[:101])(x_ND[101:]), y_NE[101:], rtol=1e-5, atol=1e-5)
    # As numpy's own least squares has it.
    one_ND = np.column_stack([x_ND, np.ones(len(x_ND))])
    np.testing.assert_allclose(fit_map(x_ND, y_NE)(x_ND), one_ND @ np.linalg.lstsq(one_ND, y_NE)[0], rtol=1e-5, atol=1e-6)
    found = check_map(x_ND, y_NE)
    assert found.r2 == pytest.approx(1) and found.cosine == pytest.approx(1) and found.mean_cosine < 0.99
    assert (found.fitted, found.held_out) == (190, 21)


def test_against_scikit_learn() -> None:
    x_ND, y_NE = planted(noise=3.0)
    order = np.random.default_rng(5).permutation(211)
    held, kept = order[:63], order[63:]
    witness = LinearRegression().fit(x_ND[kept], y_NE[kept])
    predicted = witness.predict(x_ND[held])
    found = check_map(x_ND, y_NE, share=0.3, seed=5)
    np.testing.assert_allclose(fit_map(x_ND[kept], y_NE[kept])(x_ND[held]), predicted, rtol=1e-4, atol=1e-4)
    # Of the variance about the mean of what was fitted, not of what is held out.
    missed = np.square(y_NE[held] - predicted).sum() / np.square(y_NE[held] - y_NE[kept].mean(axis=0)).sum()
    assert found.r2 == pytest.approx(1 - missed, abs=1e-6)
    assert found.r2 == pytest.approx(r2_score(y_NE[held], predicted, multioutput="variance_weighted"), abs=0.05)
    assert found.cosine == pytest.approx(np.diag(cosine_similarity(predicted, y_NE[held])).mean(), abs=1e-5)
    mean = y_NE[kept].mean(axis=0, keepdims=True)
    assert found.mean_cosine == pytest.approx(cosine_similarity(mean, y_NE[held]).mean(), abs=1e-6)


def test_unrelated_vectors_have_nothing_to_explain() -> None:
    rng = np.random.default_rng(1)
    assert check_map(rng.normal(size=(1009, 7)), rng.normal(size=(1009, 11))).r2 < 0.02


def test_too_few_words() -> None:
    x_ND, y_NE = planted(8)
    with pytest.raises(CPCError, match="8 words have a vector on both sides, a map from 7 dimensions needs more than 8"):
        fit_map(x_ND, y_NE)
