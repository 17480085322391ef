"""What people hand to torchcpc.CPC: read as what it is, or refused in one line that scikit-learn's tools understand."""

import warnings

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import torchcpc
from tests.data.test_panels import nested
from torchcpc.contracts import CPCError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
CUBE = np.random.default_rng(17).normal(size=(11, 13, 3)).cumsum(axis=1)
NAMES = list("abc")
FRAMES = [pd.DataFrame(case, columns=NAMES) for case in CUBE]
PANEL = pd.concat(dict(enumerate(FRAMES)), names=["case", "time"])


def tiny(**settings: object) -> torchcpc.CPC:
    given = {"max_iter": 2, "latent_dim": 5, "context_dim": 7, "batch": 3, "candidates": 11, "random_state": 0}
    return torchcpc.CPC(**{**given, **settings})


@pytest.fixture(scope="module")
def fitted() -> torchcpc.CPC:
    return tiny().fit(CUBE)


class Named:
    """As xarray: axes have names, whatever their order."""

    def __init__(self, array: np.ndarray, *dims: str) -> None:
        self.array, self.dims, self.coords, self.ndim = array, dims, {}, array.ndim

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.array


SAME = {
    "panel": PANEL,
    "alternating panel": PANEL.swaplevel().sort_index().swaplevel(),
    "Series of arrays": pd.Series([*CUBE]),
    "list of frames": FRAMES,
    "list of nullable frames": [frame.convert_dtypes() for frame in FRAMES],
    "list of arrow tables": [pa.table(dict(zip(NAMES, case.T, strict=True))) for case in CUBE],
    "tensor that needs a gradient": torch.tensor(CUBE, requires_grad=True),
    "list of tensors": [*torch.tensor(CUBE, requires_grad=True)],
    "nothing masked": np.ma.masked_array(CUBE, mask=False),
    "nested lists": CUBE.tolist(),
    "named axes": Named(CUBE.transpose(0, 2, 1), "case", "channel", "time"),
}


@pytest.mark.parametrize("kind", SAME)
def test_every_layout_is_the_same_cases(fitted: torchcpc.CPC, kind: str) -> None:
    np.testing.assert_allclose(fitted.transform(SAME[kind]), fitted.transform(CUBE), atol=1e-6)


def test_a_panel_per_step_has_the_rows_of_the_frame() -> None:
    model = tiny(per="step").fit(PANEL)
    wanted = model.transform(CUBE)
    mixed = PANEL.swaplevel().sort_index().swaplevel()
    np.testing.assert_allclose(model.transform(mixed).reshape(13, 11, 7), wanted.swapaxes(0, 1), atol=1e-6)
    assert np.isnan(model.score_samples(mixed)).sum() == 11
    shown = model.set_output(transform="pandas").transform(mixed)
    assert shown.index.equals(mixed.index)
    cases = tiny().set_output(transform="pandas").fit(PANEL).transform(PANEL)
    assert [*cases.index] == [*range(11)] and cases.columns[0] == "cpc0"


MASKED = np.ma.masked_array(CUBE, mask=False)
MASKED[2, 3:5, 1] = np.ma.masked
REFUSED = {
    "masked": (MASKED, "sequence 2 contains NaN"),
    "masked integers": (np.ma.masked_array(np.ones((3, 5, 2), int), mask=CUBE[:3, :5, :2] > 0), "contains NaN"),
    "masked table": (MASKED[:, :, 1], "Input X contains NaN. Impute or leave out these rows.$"),
    "masked in a list": ([*MASKED], "sequence 2 contains NaN"),
    "missing in a nullable frame": ([frame.astype("Float64").where(frame < 2) for frame in FRAMES], "contains NaN"),
    "complex": (CUBE + 1j, "Complex data not supported"),
    "complex in a list": ([*CUBE + 1j], "Complex data not supported"),
    "complex table": (CUBE[0] + 1j, "Complex data not supported"),
    "complex tensor": (torch.tensor(CUBE) + 1j, "Complex data not supported"),
    "dates": (FRAMES[0].assign(when=pd.date_range("2020", periods=13)), "column 'when', is not numeric .*Leave dates out"),
    "dates in an array": (np.arange("2020-01-01", "2020-01-08", dtype="M8[D]")[:, None], "Leave dates out"),
    "durations": (CUBE.astype("m8[s]"), "durations in seconds"),
    "text": (FRAMES[0].assign(kind="x"), "column 'kind', is not numeric"),
    "numbers as text": (CUBE.astype(str), "Leave text out"),
    "categories": (FRAMES[0].assign(kind=pd.Categorical(["x"] * 13)), "column 'kind', is not numeric"),
    "text in arrow": (pa.table({"a": ["x", "y"]}), "column 'a', is not numeric"),
    "sparse": (sparse.csr_matrix(CUBE[0]), "Sparse data"),
    "sparse in a list": ([sparse.csr_matrix(case) for case in CUBE], "sequence 0 is not numeric"),
    "sparse tensor": (torch.tensor(CUBE[0]).to_sparse(), "not a plain array"),
    "records": (FRAMES[0].to_records(), "one column a channel"),
    "no steps": ([CUBE[0], CUBE[1][:0]], r"sequence 1 has shape \(0, 3\)"),
    "no cases": (CUBE[:0], "0 sequences"),
    "a dict": (dict(enumerate(CUBE)), "X is a dict"),
    "dicts": ([{"a": case[:, 0]} for case in CUBE], "'dict'"),
    "a generator": ((case for case in CUBE), "'generator'"),
    "a name": ("data.csv", "could not convert string"),
    "long": (PANEL.reset_index(), "a long table"),
    "channels by ragged steps": (
        [case[: 5 + n].T for n, case in enumerate(CUBE)],
        r"channels \[5, 6, 7, 8, 9, ...\].*x.T for x",
    ),
    "one axis": (CUBE[0, :, 0], "Expected 2D array, got 1D array instead: Reshape"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(kind: str) -> None:
    X, said = REFUSED[kind]
    with pytest.raises(ValueError, match=said) as caught:
        tiny().fit(X)
    assert isinstance(caught.value, CPCError) and "\n" not in str(caught.value) and len(str(caught.value)) < 400


@pytest.mark.parametrize("X", [PANEL, FRAMES, nested()])
def test_columns_stay_in_the_order_of_fit(X: object) -> None:
    model = tiny().fit(X)
    turned = [frame[NAMES[::-1]] for frame in X] if isinstance(X, list) else X[NAMES[::-1]]
    with pytest.raises(ValueError, match=r"channels \['c', 'b', 'a'\]: fit saw \['a', 'b', 'c'\]. Select these columns"):
        model.transform(turned)
    model.fit(CUBE)  # which has no names: those of the panel are forgotten
    assert model.transform(turned if not isinstance(X, pd.DataFrame) or X is PANEL else CUBE).shape == (11, 14)


def test_what_is_doubtful_is_warned_of_once() -> None:
    far = CUBE.copy()
    far[3, 2, 1] = -1e9
    for X, said in (
        (np.swapaxes(CUBE, 1, 2), r"11 sequences of at most 3 steps have 13 channels.*np.swapaxes\(X, 1, 2\)"),
        (far, "sequence 3: channel 1 .* holds -1e.09"),
    ):
        with pytest.warns(UserWarning, match=said) as caught:
            tiny().fit(X)
        assert sum(warning.category is UserWarning for warning in caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        tiny().fit(CUBE)
