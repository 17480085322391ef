"""Parts of files that a manifest selects are sources of their own: they read as the same part of the whole, and nothing beyond it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.noise import write
from torchcpc.contracts import CPCError
from torchcpc.data.audio.recordings import Recordings, scan
from torchcpc.data.series.series import scan_series
from torchcpc.data.text.texts import scan_texts


def manifest(folder: Path, *rows: str) -> Path:
    path = folder / "parts.csv"
    path.write_text("path,start,end,word\n" + "".join(f"{row}\n" for row in rows), encoding="utf8")
    return path


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_parts_of_a_recording_read_as_the_whole_does(tmp_path: Path, rate: int) -> None:
    """At the stored rate, and resampled."""
    write(tmp_path / "a.wav", 24_007, seed=3)  # 1.5 s at 16 kHz
    rows = [
        "a.wav,0.25,0.75,one",
        "a.wav,0.75,,two",
        "a.wav,,0.5,three",
        "a.wav,1.2,9,four",
        "a.wav,2,3,gone",
        "a.wav,0.1,0.11,tiny",
    ]
    sources: Recordings = scan([manifest(tmp_path, *rows)], sample_rate=rate)
    whole = scan([tmp_path / "a.wav"], sample_rate=rate)
    x = whole.read(0, 0, whole.length(0))
    bounds = {"one": (0.25, 0.75), "two": (0.75, 1.500_4375), "three": (0.0, 0.5), "four": (1.2, 1.500_4375)}
    assert sources.labels("word") == list(bounds)
    for index, (begin, end) in enumerate(bounds.values()):
        first, last = int(begin * rate), int(end * rate)
        assert sources.length(index) == last - first
        got = sources.read(index, 0, 10**6)
        np.testing.assert_allclose(got, x[first:last], atol=0 if rate == 16_000 else 1e-4)
        np.testing.assert_allclose(sources.read(index, 103, 211), got[103:314], atol=1e-6)
        item = sources.items[index]
        assert (item.part_of, item.begin_s) == ("a.wav", begin) and item.seconds == pytest.approx(end - begin, abs=1e-4)
    assert len({item.key for item in sources.items}) == 4 and sources.hours == pytest.approx(
        sum(b - a for a, b in bounds.values()) / 3600, rel=1e-3
    )
    assert [(s.path, s.reason[:30]) for s in sources.skipped] == [
        ("a.wav@2-3", "it begins at 2 s, and the file"),
        ("a.wav@0.1-0.11", "too short: 0.010 s of at least"),
    ]
    assert [(n.path, n.reason[:32]) for n in sources.notes] == [("a.wav@1.2-9", "it ends at 9 s, and the file at ")]


def test_parts_of_a_series_are_rows_by_its_clock_or_by_number(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x_SC = rng.standard_normal((23, 2))
    times = 100 + np.arange(23) * 0.5
    table = "\n".join(f"{t},{a:.6f},{b:.6f}" for t, (a, b) in zip(times, x_SC, strict=True))
    (tmp_path / "timed.csv").write_text(f"time,u,v\n{table}\n", encoding="utf8")
    np.save(tmp_path / "bare.npy", x_SC)
    sources = scan_series([manifest(tmp_path, "timed.csv,1.5,4,one", "timed.csv,8,,two", "timed.csv,20,30,gone")])
    assert sources.labels("word") == ["one", "two"] and sources.rate == 2
    # Seconds after the first row, the end not included.
    np.testing.assert_allclose(sources.read(0, 0, 99), x_SC[3:8], atol=1e-5)
    np.testing.assert_allclose(sources.read(1, 0, 99), x_SC[16:], atol=1e-5)
    assert sources.times(0).tolist() == times[3:8].tolist() and [item.begin_s for item in sources.items] == [1.5, 8.0]
    assert "there is no row" in sources.skipped[0].reason and len(sources.skipped) == 1
    sources = scan_series([manifest(tmp_path, "bare.npy,3,8,one", "bare.npy,19,,two")])
    np.testing.assert_allclose(sources.read(0, 0, 99), x_SC[3:8], atol=1e-6)
    assert [sources.length(i) for i in range(2)] == [5, 4]


def test_documents_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One. Two. Three.", encoding="utf8")
    with pytest.raises(CPCError, match="a text document is read whole"):
        scan_texts([manifest(tmp_path, "a.txt,0,1,x")])


def test_a_file_that_is_itself_a_series_is_one_and_a_list_of_files_is_a_list(tmp_path: Path) -> None:
    rows = "\n".join(f"{n},{n * n % 7}" for n in range(13))
    (tmp_path / "s.csv").write_text(f"u,v\n{rows}\n", encoding="utf8")
    (tmp_path / "s.tsv").write_text(f"u,v\n{rows}\n".replace(",", "\t"), encoding="utf8")
    for name in ("s.csv", "s.tsv"):
        sources = scan_series([tmp_path / name])
        assert [item.key for item in sources.items] == [name] and sources.length(0) == 13
    (tmp_path / "list.csv").write_text("Path,patient\ns.csv,ann\ns.tsv,bo\n", encoding="utf8")
    sources = scan_series([tmp_path / "list.csv"], group="Patient")
    assert [(item.key, item.group) for item in sources.items] == [("s.csv", "ann"), ("s.tsv", "bo")]
    # Labels beside series are no series.
    (tmp_path / "list.csv").unlink()
    (tmp_path / "labels.csv").write_text("path,patient\ns,cid\n", encoding="utf8")
    (tmp_path / "s.tsv").unlink()
    sources = scan_series([tmp_path])
    assert [item.key for item in sources.items] == ["s.csv"] and sources.labels("patient") == ["cid"] and sources.skipped == []
