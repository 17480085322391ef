"""Files as they are found in the wild: every bad one is a listed skip with its reason, never an exception and never silence."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.data.noise import noise, write
from torchcpc.contracts import CPCError
from torchcpc.data.audio.recordings import Recordings, scan
from torchcpc.data.windows import RandomWindows

GOOD = "speaker/good.wav"


def cut_to(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])


def declare(path: Path, size: int) -> None:
    """Writes another size into the header of the data chunk of a .wav file."""
    content = bytearray(path.read_bytes())
    place = content.find(b"data") + 4
    content[place : place + 4] = struct.pack("<I", size)
    path.write_bytes(content)


def truncated(path: Path) -> None:
    write(path, 32_003)
    cut_to(path, 0.5)


def holed(value: float) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        samples = noise(3203)
        samples[1601] = value
        sf.write(path, samples, 16_000, subtype="FLOAT")

    return make


def opposed(path: Path) -> None:
    samples = noise(3203)
    sf.write(path, np.concatenate([samples, -samples], axis=1), 16_000, subtype="FLOAT")


def flat(level: float) -> Callable[[Path], None]:
    return lambda path: sf.write(path, np.full(3203, level), 16_000, subtype="FLOAT")


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.wav": (lambda path: path.write_bytes(b""), "unreadable: the file is empty"),
    "text.wav": (lambda path: path.write_bytes(b"this is not sound\n" * 99), "unreadable: Format not recognised"),
    "page.mp3": (lambda path: path.write_bytes(b"<html>404</html>" * 99), "unreadable: "),
    "header.flac": (lambda path: path.write_bytes(b"fLaC" + bytes(99)), "unreadable: "),
    "cut.wav": (truncated, "truncated: 31981 of 64006 bytes of samples are there"),
    "cut.flac": (truncated, "unreadable.*lost sync|truncated: "),
    "cut.mp3": (truncated, "truncated: "),
    "headless.wav": (lambda path: (write(path), cut_to(path, 30 / 6450)), "unreadable: "),
    "nothing.wav": (lambda path: sf.write(path, np.zeros(0), 16_000), "zero length"),
    "silent.wav": (lambda path: sf.write(path, np.zeros(3203), 16_000), "silent: no sample above 0.0001"),
    "hiss.wav": (flat(9e-5), "silent: no sample above 0.0001"),
    "opposed.wav": (opposed, "silent: no sample above 0.0001"),
    "nan.wav": (holed(np.nan), "holds NaN or infinite samples"),
    "infinite.wav": (holed(-np.inf), "holds NaN or infinite samples"),
    "click.wav": (lambda path: write(path, 1599), "too short: 0.100 s of at least 0.1 s"),
    "slow.wav": (lambda path: write(path, rate=999), "sample rate 999 Hz is outside 1000 to 768000 Hz"),
    "fast.wav": (lambda path: write(path, 99_999, rate=768_001), "sample rate 768001 Hz is outside 1000 to 768000 Hz"),
    "new\nline.wav": (lambda path: path.write_bytes(b"x" * 99), "unreadable: Format not recognised"),
    "phone.m4a": (lambda path: path.write_bytes(b"x" * 99), ".m4a files cannot be decoded; convert them"),
    "nowhere.wav": (lambda path: path.symlink_to("gone.wav"), "not a file"),
    "pipe.wav": (os.mkfifo, "not a file"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_file_is_a_listed_skip(tmp_path: Path, name: str) -> None:
    write(tmp_path / GOOD)
    make, reason = FAULTS[name]
    make(tmp_path / name)
    sources = scan([tmp_path])
    assert [item.key for item in sources.items] == [GOOD]
    assert [skipped.path for skipped in sources.skipped] == [str(tmp_path / name)]
    assert re.match(reason, sources.skipped[0].reason)


def test_all_of_them_at_once_leave_the_good_ones(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"speaker/{number}.flac", 5003, seed=number)
    for name, (make, _) in FAULTS.items():
        make(tmp_path / name)
    sources = scan([tmp_path])
    assert len(sources) == 3 and len(sources.skipped) == len(FAULTS)
    window = RandomWindows(sources, 160, length=4000, batch=5).draw(0)
    assert window.x.isfinite().all() and window.x.abs().amax(dim=1).gt(0.01).all()


def test_nothing_usable_is_one_error_that_says_why(tmp_path: Path) -> None:
    for name in ("text.wav", "silent.wav"):
        FAULTS[name][0](tmp_path / name)
    with pytest.raises(CPCError, match=r"none of 2 files can be used: .*silent.wav: silent.*text.wav: unreadable"):
        scan([tmp_path])


def test_a_folder_without_recordings_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="holds no recording at any depth"):
        scan([tmp_path])
    with pytest.raises(CPCError, match="does not exist"):
        scan([tmp_path / "gone"])


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0x7FFF_FFFF, 0xFFFF_FFFF - 36])
def test_a_streamed_wav_of_unknown_length_is_no_truncated_one(tmp_path: Path, size: int) -> None:
    """Tools that write to a pipe cannot go back and fill in the length; they leave the largest number there is."""
    samples = write(tmp_path / GOOD, subtype="FLOAT")
    declare(tmp_path / GOOD, size)
    sources = scan([tmp_path])
    assert not sources.skipped
    np.testing.assert_array_equal(sources.read(0, 0, 3203), samples[:, 0])


def test_a_cut_wav_is_noticed_behind_chunks_of_odd_size(tmp_path: Path) -> None:
    write(tmp_path / GOOD)
    content = (tmp_path / GOOD).read_bytes()
    place = content.find(b"data")
    note = b"note" + struct.pack("<I", 5) + b"odd!!" + b"\0"
    for name, tail in [("cut.wav", content[place:-100]), ("whole.wav", content[place:])]:
        (tmp_path / name).write_bytes(content[:place] + note + tail)
    sources = scan([tmp_path])
    assert [item.key for item in sources.items] == [GOOD, "whole.wav"]
    assert [s.reason for s in sources.skipped] == ["truncated: 6306 of 6406 bytes of samples are there"]


def test_a_wav_with_chunks_after_its_samples_is_whole(tmp_path: Path) -> None:
    write(tmp_path / GOOD, 3203, subtype="PCM_U8")  # an odd number of bytes, so that padding counts
    with (tmp_path / GOOD).open("ab") as file:
        file.write(b"LIST" + struct.pack("<I", 4) + b"INFO")
    sources = scan([tmp_path])
    assert not sources.skipped and sources.length(0) == 3203


@pytest.mark.parametrize(
    "name", ["é.wav", "你好/こんにちは.flac", "a b'\"$&;.wav", "new\nline.wav", "tab\t.wav", "-rf.wav", "🎵.ogg", "x.WAV"]
)
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, 20_011)
    cache = tmp_path.parent / f"{tmp_path.name}.json"
    for _ in range(2):
        sources = scan([tmp_path], cache)
        assert [item.key for item in sources.items] == [name] and len(sources.read(0, 10_007, 211)) == 211


def test_a_name_that_is_no_text_is_listed_printably(tmp_path: Path) -> None:
    write(tmp_path / GOOD)
    try:
        write(tmp_path / "plain.wav").tobytes()
        (tmp_path / "plain.wav").rename(tmp_path / os.fsdecode(b"latin\xe9.wav"))
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    sources = scan([tmp_path], tmp_path / "cache.json")
    (skipped,) = sources.skipped
    assert skipped.reason.startswith("its name is not UTF-8") and "latin" in skipped.path.encode("utf8").decode()


@pytest.mark.parametrize(
    ("name", "rate", "channels"), [("a.wav", 8_000, 2), ("b.flac", 44_100, 2), ("c.ogg", 22_050, 1), ("d.mp3", 48_000, 2)]
)
def test_other_rates_and_channels_are_read_as_one_at_16_khz(tmp_path: Path, name: str, rate: int, channels: int) -> None:
    write(tmp_path / name, rate, rate=rate, channels=channels)
    sources = scan([tmp_path])
    assert not sources.skipped and sources.length(0) == pytest.approx(16_000, abs=16)
    part = sources.read(0, 4001, 3001)
    assert part.shape == (3001,) and 0.01 < part.std() < 0.2


def test_labels_for_missing_and_for_ignored_files_are_told(tmp_path: Path) -> None:
    write(tmp_path / GOOD)
    (tmp_path / ".hidden.wav").write_bytes(b"")
    (tmp_path / "labels.csv").write_text(f"path,speaker\n{GOOD},ann\ngone.wav,bob\n.hidden.wav,cid\n", encoding="utf8")
    sources = scan([tmp_path])
    assert sources.groups == ["ann"] and {Path(s.path).name: s.reason for s in sources.skipped} == {
        "labels.csv, line 3": "it labels 'gone.wav', but there is no such file",
        "labels.csv, line 4": "it labels '.hidden.wav', but it does not count as a recording (hidden, unreadable or of another kind)",
    }


def test_labels_without_a_path_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / GOOD)
    (tmp_path / "labels.csv").write_text("file;speaker\na;b\n", encoding="utf8")
    with pytest.raises(CPCError, match=r"labels.csv has no column 'path' \(columns: file, speaker\)"):
        scan([tmp_path])


def test_one_file_under_two_names_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / GOOD)
    (tmp_path / "other.wav").symlink_to(tmp_path / GOOD)
    sources: Recordings = scan([tmp_path, tmp_path / "speaker"])
    assert len(sources) == 1 and len(sources.skipped) == 1  # once, though it lies below both roots
    assert all("the same file as" in skipped.reason and "listed twice" in skipped.reason for skipped in sources.skipped)


def test_what_may_not_be_read_is_listed(tmp_path: Path) -> None:
    for name in (GOOD, "closed.wav", "locked/inside.wav"):
        write(tmp_path / name)
    (tmp_path / "closed.wav").chmod(0)
    (tmp_path / "locked").chmod(0)
    if os.access(tmp_path / "locked", os.R_OK):
        pytest.skip("this user may read everything")
    try:
        sources = scan([tmp_path], tmp_path / "cache.json")
        reasons = {Path(s.path).name: s.reason for s in sources.skipped}
    finally:
        (tmp_path / "locked").chmod(0o700)
    assert reasons == {"closed.wav": "unreadable: Permission denied", "locked": "the folder cannot be read: Permission denied"}
    (tmp_path / "closed.wav").chmod(0o600)
    # Rights are no property of the content: the cache must not have kept the verdict.
    assert not scan([tmp_path], tmp_path / "cache.json").skipped


def test_memory_does_not_grow_with_the_file_or_its_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "wide.wav", 40_009, channels=64)
    sizes = []
    real = sf.SoundFile.read

    def read(file: sf.SoundFile, frames: int = -1, **kind: object) -> np.ndarray:
        block = real(file, frames, **kind)
        sizes.append(block.size)
        return block

    monkeypatch.setattr(sf.SoundFile, "read", read)
    assert scan([tmp_path]).items[0].frames == 40_009
    assert sum(sizes) == 40_009 * 64 and max(sizes) <= 1 << 18
