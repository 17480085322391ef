"""Far values are told, heavy tails and rare events are not."""

from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import Item, grouped
from torchcpc.data.arrays import Arrays
from torchcpc.data.plausible import far_values
from torchcpc.data.series.series import cases, scan_series

DRAWS = {
    "normal": lambda rng: rng.normal(50, 3, (701, 2)),
    "log-normal": lambda rng: np.exp(rng.normal(size=(701, 2))),
    "Student t": lambda rng: rng.standard_t(2, (701, 2)),
    "rain": lambda rng: (rng.random((701, 2)) < 0.03) * rng.exponential(5, (701, 2)),
    "events": lambda rng: (rng.random((701, 2)) < 0.001) * 1.0,
    "walk": lambda rng: rng.normal(size=(701, 2)).cumsum(axis=0),
    "mostly at rest": lambda rng: rng.normal(size=(701, 2)) * np.where(rng.random((701, 2)) < 0.8, 1e-6, 1.0),
    "constant": lambda rng: np.full((701, 2), 7.0),
    "missing": lambda rng: np.where(rng.random((701, 2)) < 0.4, np.nan, rng.normal(size=(701, 2))),
}


def draw(kind: str, count: int = 11) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [DRAWS[kind](rng) for _ in range(count)]


@pytest.mark.parametrize("kind", DRAWS)
def test_usual_data_are_not_doubted(kind: str) -> None:
    given = draw(kind)
    if kind == "missing":
        given = [np.column_stack([given[0], np.full(701, np.nan)]), *(np.column_stack([x, np.arange(701)]) for x in given[1:])]
    sources = cases(given) if kind == "missing" else Arrays(given, [Item(str(n), "a") for n in range(11)])
    assert far_values(sources) == []


@pytest.mark.parametrize("kind", ["normal", "rain", "walk", "missing", "mostly at rest"])
def test_a_code_or_a_fault_is_told_once_a_source(kind: str) -> None:
    given = draw(kind)
    given[3][13, 1], given[3][500:505, 1], given[7][:, 0] = -99_999_999, -99_999_999, 1e12
    notes = far_values(cases(given))
    assert [note.path for note in notes] == ["case-000003", "case-000007"]
    assert (
        notes[0].reason.startswith("channel 1 (from 0) holds -1e+08, ") and "channel 0 (from 0) holds 1e+12" in notes[1].reason
    )
    assert len(grouped(notes)) == 1


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    for number, x_SF in enumerate(draw("normal", 3)):
        x_SF[number::100, 0] += 1e7 * (number == 1)
        np.savetxt(tmp_path / f"{number}.csv", x_SF, delimiter=",", header="a,b", comments="")
    (note,) = far_values(scan_series([tmp_path]))
    assert note.path == str(tmp_path / "1.csv")


def test_much_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stretch of far values is found where one row in ten is read; of many sources some are looked at."""
    import torchcpc.data.plausible as module

    monkeypatch.setattr(module, "_COMPARED", 2 * 4_000)
    given = [np.random.default_rng(n).normal(size=(7_001, 2)) for n in range(5)]
    given[2][2_200:2_500] += 1e6
    sources = Arrays(given, [Item(str(n), "a") for n in range(5)])
    assert [note.path for note in far_values(sources)] == ["2"]
    read = sum(len(x) for _, x in module._blocks(sources, 4_000))
    assert 3_000 < read < 6_000
    short = Arrays([np.zeros((7, 2))] * 997, [Item(str(n), "a") for n in range(997)])
    assert sum(len(x) for _, x in module._blocks(short, 1_024)) < 1_024


def test_pictures_and_what_has_more_axes_are_left_alone() -> None:
    class Frames(Arrays):
        def read(self, index: int, start: int, count: int, rng: np.random.Generator | None = None) -> np.ndarray:
            return np.zeros((count, 3, 5), dtype=np.float32)

    assert far_values(Frames([np.zeros((7, 1))], [Item("a", "a")])) == []
