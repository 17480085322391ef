"""Standardisation against scikit-learn, and one rule that says what the seven places of the package said before."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from torchcpc.statistics.standardise import Scale, is_constant


def rows(dtype: type = np.float32) -> np.ndarray:
    """Columns of many sizes, one that is constant, one that is zero, and one that varies by rounding only."""
    rng = np.random.default_rng(3)
    x_MD = 7 + rng.standard_normal((211, 6)) * [1, 1e-3, 1e4, 1, 1, 1]
    x_MD[:, 3], x_MD[:, 4] = 0.1, 0
    x_MD[:, 5] = 1e3 + 1e-5 * x_MD[:, 5]
    return x_MD.astype(dtype)


def test_against_scikit_learn_where_columns_vary():
    x_MD = rows(np.float64)[:, :3]
    np.testing.assert_allclose(Scale.of(x_MD)(x_MD), StandardScaler().fit_transform(x_MD), rtol=1e-10, atol=1e-10)


def test_a_constant_column_becomes_zero_or_keeps_what_new_rows_differ_by():
    x_MD = rows()
    standardised = Scale.of(x_MD)
    assert not standardised(x_MD)[:, 3:].any() and standardised(x_MD)[:, :3].all()
    assert not standardised(x_MD + 1)[:, 3:].any()
    kept = Scale.of(x_MD, constant=1.0)
    np.testing.assert_allclose(kept(x_MD + 1)[:, 3:5], 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("relative", "found"), [(1e-6, [0, 0, 0, 1, 1, 1]), (1e-10, [0, 0, 0, 0, 1, 0]), (0.0, [0, 0, 0, 0, 1, 0])]
)
def test_the_limit_is_relative_to_the_mean(relative: float, found: list[int]):
    """A float32 column of 0.1 differs from its float64 mean by rounding of 1e-9 or so, or not at all."""
    mean_D, deviation_D = np.array([7, 7, 7, 0.1, 0, 1e3]), np.array([1, 1e-3, 1e4, 1e-9, 0, 1e-5])
    assert is_constant(mean_D, deviation_D, relative=relative, absolute=0.0).tolist() == [bool(f) for f in found]


def test_as_each_place_wrote_it():
    """Bit for bit, each in the precision it worked in."""
    x_MD = rows()
    mean_D, deviation_D = x_MD.mean(axis=0, dtype=np.float64), x_MD.std(axis=0, dtype=np.float64)

    dead_D = deviation_D <= 1e-6 * np.maximum(np.abs(mean_D), 1e-12)
    scale_D = np.where(dead_D, np.inf, deviation_D).astype(np.float32)
    probe = ((x_MD - mean_D.astype(np.float32)) / scale_D).astype(np.float32, copy=False)
    found = Scale.of(x_MD).astype(np.float32)(x_MD)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, probe)

    speaker = (x_MD - mean_D) / np.where(dead_D, np.inf, np.sqrt(deviation_D**2))
    np.testing.assert_allclose(Scale.of(x_MD)(x_MD), speaker, rtol=1e-15)

    nearest = (x_MD - mean_D) / np.where(deviation_D > 0, deviation_D, 1)
    np.testing.assert_array_equal(Scale.from_moments(mean_D, deviation_D, relative=0, absolute=0, constant=1)(x_MD), nearest)

    rows_MD = x_MD.astype(np.float64)
    mean_D, deviation_D = rows_MD.mean(axis=0), rows_MD.std(axis=0)
    estimator = (rows_MD - mean_D) / np.where(deviation_D > 1e-10 * abs(mean_D), deviation_D, 1.0)
    np.testing.assert_array_equal(Scale.of(rows_MD, relative=1e-10, absolute=0, constant=1)(rows_MD), estimator)


def test_a_floor_in_single_precision_as_a_torch_clamp():
    z_MD = torch.from_numpy(rows())
    mean_D, deviation_D = z_MD.mean(dim=0), z_MD.std(dim=0)
    clamped = ((z_MD - mean_D) / deviation_D.clamp(min=1e-6)).numpy()
    floor = Scale.from_moments(mean_D.numpy(), deviation_D.numpy(), relative=0, absolute=1e-6, constant=1e-6)
    found = floor(z_MD.numpy())
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, clamped)
