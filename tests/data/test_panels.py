"""Panels of pandas are read as their cases, and what is no panel of numbers is refused."""

import numpy as np
import pandas as pd
import pytest

from torchcpc.data.collection import Collection, collection, turned
from torchcpc.data.numbers import CollectionError

CUBE = np.random.default_rng(3).normal(size=(5, 7, 3))
NAMES = list("abc")


def panel(cube: np.ndarray = CUBE) -> pd.DataFrame:
    return pd.concat({f"s{n}": pd.DataFrame(case, columns=NAMES) for n, case in enumerate(cube)}, names=["case", "time"])


def nested() -> pd.DataFrame:
    return pd.DataFrame({name: [pd.Series(case[:, place]) for case in CUBE] for place, name in enumerate(NAMES)})


def read(X: object) -> Collection:
    found = collection(X)
    assert found is not None
    return found


def test_an_index_of_cases_and_steps_makes_cases() -> None:
    found = read(panel())
    np.testing.assert_array_equal(np.stack(found.sequences), CUBE)
    assert found.names == ("a", "b", "c") and found.cases is not None and [*found.cases] == ["s0", "s1", "s2", "s3", "s4"]
    deep = read(pd.concat({"x": panel(CUBE[:2]), "y": panel(CUBE[2:4])}, names=["subject"]))
    np.testing.assert_array_equal(np.stack(deep.sequences), CUBE[:4])
    np.testing.assert_array_equal(np.stack(read(panel()["b"]).sequences), CUBE[:, :, 1:2])


def test_rows_of_cases_may_alternate_and_find_their_places_again() -> None:
    mixed = panel().swaplevel().sort_index().swaplevel()
    found = read(mixed)
    np.testing.assert_array_equal(np.stack(found.sequences), CUBE)
    np.testing.assert_array_equal(found.like_input(found.sequences), mixed.to_numpy())


def test_cells_may_hold_sequences() -> None:
    for frame in (nested(), nested().map(np.asarray), nested().map(list)):
        np.testing.assert_array_equal(np.stack(read(frame).sequences), CUBE)
    series = pd.Series([*CUBE, CUBE[0, :4]])
    assert [case.shape for case in read(series).sequences] == [(7, 3)] * 5 + [(4, 3)]


def uneven() -> pd.DataFrame:
    frame = nested()
    frame.iat[2, 1] = frame.iat[2, 1][:4]
    return frame


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (panel().iloc[::-1], "case s4 has steps out of order or twice"),
        (pd.concat([panel(), panel()]), "case s0 has steps out of order or twice"),
        (panel().assign(d="x"), "case s0, column 'd', is not numeric"),
        (panel().assign(d=pd.Timestamp("2020-02-03")), "column 'd', is not numeric .datetime64.*Leave dates out"),
        (panel().where(panel() < 1), "contains NaN"),
        (uneven(), r"case 2 has channels of shapes \[\(7,\), \(4,\), \(7,\)\]"),
        (panel().reset_index(), r"a long table.*set_index\(\['case', 'time'\]\)"),
        (panel().reset_index().melt(["case", "time"]).rename(columns={"case": "Case_ID"}), "a long table"),
    ],
)
def test_what_is_no_panel_of_numbers_is_refused(bad: pd.DataFrame, said: str) -> None:
    with pytest.raises(CollectionError, match=said):
        collection(bad)


def test_a_table_with_times_or_with_cases_alone_is_a_table() -> None:
    for frame in (
        panel().reset_index(drop=True),
        panel().loc["s0"].reset_index(),
        pd.DataFrame({"case": [1, 2], "time": [3, 4]}),
    ):
        assert collection(frame) is None


def test_more_channels_than_steps_are_doubted() -> None:
    assert turned([*CUBE]) == "" == turned([CUBE[0].T])
    assert "5 sequences of at most 3 steps have 7 channels" in turned([*np.swapaxes(CUBE, 1, 2)])
