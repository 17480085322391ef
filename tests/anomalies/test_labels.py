"""Labels of rows as people write them."""

import numpy as np
import pytest

from torchcpc.anomalies.labels import anomalous
from torchcpc.contracts import CPCError

NAN = np.nan


@pytest.mark.parametrize(
    ("given", "label", "expected"),
    [
        ([0, 1, 2, -1], "a", [0, 1, 1, 0]),
        ([0.0, NAN, 1.0], "a", [0, NAN, 1]),
        ([NAN, NAN, 1.0], "a", [0, 0, 1]),
        ([True, False], "a", [1, 0]),
        (["True", "False", "true"], "a", [1, 0, 1]),
        (["normal", " Attack", "NORMAL", "probe", ""], "a", [0, 1, 0, 1, NAN]),
        (["yes", "no", None], "a", [1, 0, NAN]),
        (["", "anomaly", None], "a", [0, 1, 0]),
        (["0", "1", "0.0"], "a", [0, 1, 0]),
        (["0", "leak"], "a", [0, 1]),
        (["walk", "fall", "sit"], "a=fall", [0, 1, 0]),
        (["walk", "fall", "sit", ""], "a= Fall,sit", [0, 1, 1, NAN]),
        ([1, 2, 3], "a=2", [0, 1, 0]),
    ],
)
def test_words_and_numbers(given: list, label: str, expected: list) -> None:
    rows = np.array(given, dtype=None if all(isinstance(value, float | int) for value in given) else object)
    (found,) = anomalous([rows], label)
    np.testing.assert_array_equal(found, expected)


def test_sources_are_read_together() -> None:
    found = anomalous([np.array(["", "attack"], object), np.array(["ok", "ok"], object)], "a")
    np.testing.assert_array_equal(np.concatenate(found), [NAN, 1, 0, 0])


@pytest.mark.parametrize(
    ("given", "label", "said"),
    [
        (["walk", "sit"], "state", "'sit', 'walk' do not say which rows are anomalous.*state=VALUE"),
        (["walk", "sit"], "state=run", "no row has the value 'run'. Its values are 'sit', 'walk'"),
        (["", None], "state=run", "no row has the value"),
    ],
)
def test_words_that_do_not_say_are_refused(given: list, label: str, said: str) -> None:
    with pytest.raises(CPCError, match=said):
        anomalous([np.array(given, object)], label)
