"""Reading recordings by position: what is read equals the same part of the whole, at any rate, format and channel count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
import soxr

from tests.data.noise import write
from torchcpc.contracts import CPCError
from torchcpc.data.audio.recordings import scan


def test_at_the_stored_rate_a_part_is_the_part_to_the_bit(tmp_path: Path) -> None:
    samples = write(tmp_path / "a.wav", 5003, subtype="FLOAT")[:, 0]
    sources = scan([tmp_path])
    assert len(sources) == 1 and sources.length(0) == 5003
    for start, count in [(0, 5003), (0, 1), (1009, 997), (4999, 997), (5003, 7), (6007, 7), (11, 0)]:
        part = sources.read(0, start, count)
        assert part.dtype == np.float32
        np.testing.assert_array_equal(part, samples[start : start + count])


@pytest.mark.parametrize("rate", [1_000, 7_919, 8_000, 11_025, 22_050, 44_100, 48_000, 192_000, 768_000])
def test_resampling_a_part_equals_the_part_of_the_whole(tmp_path: Path, rate: int) -> None:
    # Longer than the resampler's memory at every rate, and not a whole number of seconds.
    frames = int(1.37 * rate) + 1
    samples = write(tmp_path / "a.wav", frames, rate=rate, subtype="FLOAT")[:, 0]
    sources = scan([tmp_path])
    whole = soxr.resample(samples, rate, 16_000)[: frames * 16_000 // rate]
    length = frames * 16_000 // rate
    assert sources.length(0) == length
    for start, count in [(0, length), (0, 331), (1, 4001), (9973, 2003), (length - 13, 997), (length - 1, 1)]:
        part = sources.read(0, start, count)
        assert len(part) == min(count, length - start)
        np.testing.assert_allclose(part, whole[start : start + count], atol=2e-6)


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_resampling_keeps_a_tone_and_its_time(tmp_path: Path, rate: int) -> None:
    """Witness without a resampler: a 440 Hz sine has known values at every time."""
    sf.write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate), rate, subtype="FLOAT")
    start, count = 10_007, 3001
    part = scan([tmp_path]).read(0, start, count)
    truth = 0.5 * np.sin(2 * np.pi * 440 * np.arange(start, start + count) / 16_000)
    np.testing.assert_allclose(part, truth, atol=1e-4)


@pytest.mark.parametrize(("suffix", "tolerance"), [("flac", 0), ("ogg", 0), ("mp3", 1e-6), ("aiff", 0), ("opus", 1e-6)])
def test_compressed_files_are_sought_exactly(tmp_path: Path, suffix: str, tolerance: float) -> None:
    form = {"format": "OGG", "subtype": "OPUS"} if suffix == "opus" else {}
    try:
        write(tmp_path / f"a.{suffix}", 60_013, **form)
    except (sf.LibsndfileError, ValueError):
        pytest.skip(f"this libsndfile does not write {suffix}")
    sources = scan([tmp_path])
    whole = sf.read(tmp_path / f"a.{suffix}", dtype="float32")[0]
    for start in (1, 777, 50_021):
        np.testing.assert_allclose(sources.read(0, start, 4001), whole[start : start + 4001], rtol=0, atol=tolerance)


def clicks(seconds: int, rate: int) -> np.ndarray:
    """A soft tone with loud clicks: an MP3 coder saves bits for the clicks, so that frames lean on those before them."""
    tone = 0.02 * np.sin(2 * np.pi * 300 * np.arange(seconds * rate) / rate)
    tone[np.random.default_rng(0).integers(0, len(tone), 5 * seconds)] = 0.9
    return tone


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_mp3_is_read_with_the_frames_that_its_frames_lean_on(
    tmp_path: Path, rate: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sf.write(tmp_path / "a.mp3", clicks(20, rate), rate)
    sources = scan([tmp_path], sample_rate=rate)
    whole = sf.read(tmp_path / "a.mp3", dtype="float32")[0]

    def wrong() -> int:
        starts = np.random.default_rng(1).integers(0, len(whole) - 4001, 80)
        return sum(bool(np.abs(sources.read(0, s, 4001) - whole[s : s + 4001]).max() > 1e-5) for s in starts.tolist())

    assert wrong() == 0
    # The file is one that would be misread without: else the line above would prove nothing.
    monkeypatch.setattr("torchcpc.data.audio.sound._MP3_RUN_UP", 0)
    assert wrong() > 0
    capfd.readouterr()  # the decoder complains on the error stream where it starts among leaning frames


def test_channels_are_averaged(tmp_path: Path) -> None:
    samples = write(tmp_path / "a.wav", 4001, channels=3, subtype="FLOAT")
    sources = scan([tmp_path])
    assert sources.items[0].channels == 3
    by_hand = [(float(a) + float(b) + float(c)) / 3 for a, b, c in samples[101:301]]
    np.testing.assert_allclose(sources.read(0, 101, 200), by_hand, atol=1e-7)


def test_the_target_rate_is_a_setting(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 8000, rate=8000)
    assert scan([tmp_path], sample_rate=8000).length(0) == 8000
    assert scan([tmp_path], sample_rate=24_000).length(0) == 24_000
    with pytest.raises(CPCError, match=r"data.sample_rate = 10: choose between"):
        scan([tmp_path], sample_rate=10)


@pytest.mark.parametrize(("rate", "allowed"), [(16_000, 2003), (44_100, 7500)])
def test_the_cost_of_a_window_does_not_grow_with_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int, allowed: int
) -> None:
    for name, seconds in [("long", 60), ("short", 4)]:
        write(tmp_path / f"{name}.flac", seconds * rate + 17, rate=rate)
    sources = scan([tmp_path])
    decoded = []
    real = sf.SoundFile.read
    monkeypatch.setattr(sf.SoundFile, "read", lambda file, n=-1, **kind: decoded.append(n) or real(file, n, **kind))
    for index in (0, 1):
        assert len(sources.read(index, 31_333, 2003)) == 2003
    assert sources.items[0].key == "long.flac"
    # Equal but for a step of the grid on which excerpts begin.
    assert max(decoded) - min(decoded) <= 441 and 2003 <= min(decoded) <= max(decoded) <= allowed


def test_items_groups_labels_and_selections(tmp_path: Path) -> None:
    for number, name in enumerate(["b/1.wav", "a/1.wav", "a/2.wav", "c/1.wav"]):
        write(tmp_path / name, 1601 + number, seed=number)
    (tmp_path / "labels.csv").write_text("path,digit\na/1.wav,5\nc/1.wav,\n", encoding="utf8")
    sources = scan([tmp_path])
    assert [item.key for item in sources.items] == ["a/1.wav", "a/2.wav", "b/1.wav", "c/1.wav"]
    assert sources.groups == ["a", "b", "c"] and [sources.group(i) for i in range(4)] == [0, 0, 1, 2]
    assert sources.labels("digit") == ["5", "", "", ""] and sources.labels("speaker") == ["a", "a", "b", "c"]
    assert [sources.length(i) for i in range(4)] == [1602, 1603, 1601, 1604]
    assert sources.items[3].seconds == 1604 / 16_000
    assert sources.hours == pytest.approx((1602 + 1603 + 1601 + 1604) / 16_000 / 3600)
    some = sources.select([3, 1])
    assert [item.key for item in some.items] == ["c/1.wav", "a/2.wav"]
    # Groups keep their numbers, so that a speaker is the same one in training and validation.
    assert [some.group(0), some.group(1)] == [2, 0] and some.groups == sources.groups
    np.testing.assert_array_equal(some.read(0, 5, 50), sources.read(3, 5, 50))


def test_a_file_that_vanishes_or_changes_after_the_scan_is_named(tmp_path: Path) -> None:
    for name in ("gone.wav", "shorter.wav", "wider.wav"):
        write(tmp_path / name)
    sources = scan([tmp_path])
    (tmp_path / "gone.wav").unlink()
    write(tmp_path / "shorter.wav", 1709)
    write(tmp_path / "wider.wav", channels=2)
    for index, words in enumerate(
        ["gone.wav could be read when it was scanned", "shorter.wav has changed", "wider.wav has changed"]
    ):
        with pytest.raises(CPCError, match=words):
            sources.read(index, 0, 3203)
    with pytest.raises(CPCError, match="start = -1 in gone.wav: positions count from 0"):
        sources.read(0, -1, 5)


def test_every_shared_recording_is_usable(shared_data: Path, tmp_path: Path) -> None:
    sources = scan([shared_data / "speech/fsdd"], tmp_path / "cache.json", minimum_seconds=0.0)
    assert len(sources) == 1500 and not sources.skipped and len(sources.groups) == 6
    assert 0.17 < sources.hours < 0.19 and set(sources.labels("digit")) == set("0123456789")
    again = scan([shared_data / "speech/fsdd"], tmp_path / "cache.json", minimum_seconds=0.0)
    assert again.items == sources.items
