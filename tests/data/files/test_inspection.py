"""The memory of a scan: it saves decoding, notices changes, and is worth nothing when damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.data.noise import write
from torchcpc.data.audio import recordings
from torchcpc.data.audio.recordings import scan
from torchcpc.data.files.inspection import FORMAT


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files decoded so far."""
    names: list[str] = []
    real = recordings.inspect
    monkeypatch.setattr("torchcpc.data.audio.recordings.inspect", lambda path: names.append(path.name) or real(path))
    return names


def folder(root: Path) -> Path:
    for number in range(5):
        write(root / f"{number}.wav", 1601 + number, seed=number)
    (root / "bad.wav").write_bytes(b"not sound at all")
    write(root / "short.wav", 101)
    return root


def test_the_second_scan_decodes_nothing_that_was_understood(tmp_path: Path, decoded: list[str]) -> None:
    root, cache = folder(tmp_path / "data"), tmp_path / "made/on/the/way/cache.json"
    first = scan([root], cache)
    assert sorted(decoded) == ["0.wav", "1.wav", "2.wav", "3.wav", "4.wav", "bad.wav", "short.wav"]
    decoded.clear()
    second = scan([root], cache)
    # A file that could not be opened is tried again: rights and mounts may have come back.
    assert decoded == ["bad.wav"]
    assert second.items == first.items and second.skipped == first.skipped and len(first.skipped) == 2
    assert os.listdir(cache.parent) == ["cache.json"]


def test_a_changed_file_is_decoded_again(tmp_path: Path, decoded: list[str]) -> None:
    root, cache = folder(tmp_path / "data"), tmp_path / "cache.json"
    scan([root], cache)
    decoded.clear()
    write(root / "1.wav", 2999)
    status = (root / "2.wav").stat()
    os.utime(root / "2.wav", ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    status = (root / "3.wav").stat()
    write(root / "3.wav", 2003)
    os.utime(root / "3.wav", ns=(status.st_atime_ns, status.st_mtime_ns))  # as copying tools do
    sources = scan([root], cache)
    assert (sources.length(1), sources.length(3)) == (2999, 2003)
    assert sorted(decoded) == ["1.wav", "2.wav", "3.wav", "bad.wav"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[" * 100_000,
        lambda text: "null",
        lambda text: text.replace("16000", "9" * 4000),
        lambda text: text.replace("16000", "9" * 5000),
        lambda text: text.replace("16000", "[16000]"),
        lambda text: text.replace("16000", "NaN"),
        lambda text: json.dumps({"format": FORMAT, "folders": {folder: 1 for folder in json.loads(text)["folders"]}}),
        lambda text: json.dumps(
            {"format": FORMAT, "folders": {folder: {"0.wav": {}} for folder in json.loads(text)["folders"]}}
        ),
        lambda text: text.replace(f'"format":{FORMAT}', '"format":1'),
        lambda text: text.replace("16000", "-16000"),
        lambda text: text.replace("16000", '"16000"'),
        lambda text: text.replace("16000,1,", "16000,"),
        lambda text: json.dumps({"format": FORMAT, "folders": [1, 2]}),
    ],
)
def test_a_damaged_or_old_cache_is_as_good_as_none(tmp_path: Path, damage, decoded: list[str]) -> None:
    root, cache = folder(tmp_path / "data"), tmp_path / "cache.json"
    good = scan([root], cache)
    text = cache.read_text()
    cache.write_text(damage(text))
    assert cache.read_text() != text
    decoded.clear()
    assert scan([root], cache).items == good.items and len(decoded) == 7
    assert cache.read_text() == text


def test_a_cache_that_cannot_be_written_does_not_stop_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    assert len(scan([folder(tmp_path / "data")], tmp_path / "file" / "cache.json")) == 5
    (tmp_path / "cache.json").mkdir()
    assert len(scan([tmp_path / "data"], tmp_path / "cache.json")) == 5
    assert sorted(os.listdir(tmp_path)) == ["cache.json", "data", "file"]


def test_an_interrupted_scan_goes_on_where_it_was(tmp_path: Path, decoded: list[str]) -> None:
    root, cache = folder(tmp_path / "data"), tmp_path / "cache.json"

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan([root], cache, stop)
    decoded.clear()
    assert len(scan([root], cache)) == 5
    assert sorted(decoded) == ["3.wav", "4.wav", "bad.wav", "short.wav"]


def test_progress_counts_every_file_once(tmp_path: Path) -> None:
    root, cache = folder(tmp_path / "data"), tmp_path / "cache.json"
    seen: list[tuple[int, int]] = []
    scan([root], cache, lambda done, total: seen.append((done, total)))
    assert seen == [(done, 7) for done in range(8)]
    seen.clear()
    scan([root], cache, lambda done, total: seen.append((done, total)))
    assert seen == [(6, 7), (7, 7)]
