"""Declared lengths: what a header says is checked against what decodes, and a file is read to its end or the difference is reported."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tests.data.noise import noise
from torchcpc.data.audio.check import APPENDED, REMARKS, REST, STREAMED
from torchcpc.data.audio.recordings import Recordings, scan

RATE = 16_000


def coded(form: str, frames: int = 80_021, *, channels: int = 1, seed: int = 0, **more: object) -> bytes:
    """A sound file in memory: noise that grows louder, so that the frames of variable bit rates differ in size."""
    content = io.BytesIO()
    swell = np.linspace(0.01, 1, frames, dtype=np.float32)[:, None] ** 2
    sf.write(content, swell * noise(frames, channels=channels, seed=seed), RATE, format=form, **more)
    return content.getvalue()


def put(content: bytes, at: int, *values: bytes) -> bytes:
    new = b"".join(values)
    return content[:at] + new + content[at + len(new) :]


def read(tmp_path: Path, content: bytes, name: str = "a.wav") -> Recordings:
    (tmp_path / name).write_bytes(content)
    return scan([tmp_path], tmp_path / ".cache/scan.json", sample_rate=RATE)


def by_position(sources: Recordings, samples: np.ndarray, tolerance: float) -> None:
    length = len(samples)
    for start in (0, 1, 777, length // 2, length - 4001, length - 997, length - 1):
        np.testing.assert_allclose(sources.read(0, start, 997), samples[start : start + 997], rtol=0, atol=tolerance)


def frames_of_mp3(content: bytes) -> bytes:
    """An MP3 file without its first frame, which says how many follow."""
    return content[content.index(content[:2], 200) :]


def id3(picture: int) -> bytes:
    body = b"APIC" + struct.pack(">I", picture) + b"\0\0" + bytes(picture)
    return b"ID3\3\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


VARIABLE = {"bitrate_mode": "VARIABLE", "compression_level": 0.2}


@pytest.mark.parametrize("more", [VARIABLE, {"bitrate_mode": "CONSTANT", "compression_level": 0.2}])
@pytest.mark.parametrize("before", [b"", id3(40_013)], ids=["bare", "picture"])
@pytest.mark.parametrize("behind", [b"", b"TAG" + bytes(125)], ids=["", "tag"])
@pytest.mark.parametrize("channels", [1, 2])
def test_an_mp3_that_knows_no_length_is_read_to_its_end(
    tmp_path: Path, more: dict, before: bytes, behind: bytes, channels: int, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = coded("MP3", channels=channels, **more)
    assert b"Info" in whole[:200] or b"Xing" in whole[:200]
    # Decoders begin 1105 frames late where the first frame says so; without it they begin at once.
    truth = sf.read(io.BytesIO(whole), dtype="float32", always_2d=True)[0].mean(axis=1)
    sources = read(tmp_path, before + frames_of_mp3(whole) + behind, "a.mp3")
    assert not sources.skipped
    assert [note.reason for note in sources.notes] == [REMARKS[STREAMED]]
    samples = sources.read(0, 0, 10**9)
    assert 0 <= len(samples) - len(truth) <= 3 * 1152
    lag = int(np.correlate(samples[40_000:48_192], truth[40_000:44_096], "valid").argmax())
    np.testing.assert_allclose(samples[lag + 40_000 : lag + 78_000], truth[40_000:78_000], atol=1e-4)
    by_position(sources, samples, 1e-6)
    capfd.readouterr()


def test_an_mp3_with_a_length_reads_as_before(tmp_path: Path) -> None:
    whole = coded("MP3", **VARIABLE)
    sources = read(tmp_path, id3(997) + whole + b"TAG" + bytes(125), "a.mp3")
    assert sources.items[0].frames == 80_021 and not sources.notes and not sources.skipped


@pytest.mark.parametrize("second", [80_021, 2003])
def test_mp3_files_in_a_row_are_read_to_the_end(tmp_path: Path, second: int, capfd: pytest.CaptureFixture[str]) -> None:
    whole = coded("MP3", **VARIABLE) + coded("MP3", second, seed=1, **VARIABLE)
    sources = read(tmp_path, whole, "a.mp3")
    assert sources.length(0) >= 80_021 + second and [note.reason for note in sources.notes] == [REMARKS[STREAMED]]
    by_position(sources, sources.read(0, 0, 10**9), 1e-6)
    capfd.readouterr()


WAV = coded("WAV")
AIFF, AU, CAF, RF64 = (coded(form) for form in ("AIFF", "AU", "CAF", "RF64"))
DATA, SSND, CAF_DATA, DS64 = WAV.index(b"data") + 4, AIFF.index(b"SSND") + 4, CAF.index(b"data") + 4, RF64.index(b"ds64") + 16
NOTED = WAV[:36] + b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf59.27.100\0" + WAV[36:]
FLAC = coded("FLAC")
STREAMS = {
    **{f"wav {size:#x}": put(WAV, DATA, struct.pack("<I", size)) for size in (0, 2**32 - 1, 2**31 - 1, 2**31, 2_000_000_000)},
    "wav 0 in both": put(put(WAV, DATA, bytes(4)), 4, bytes(4)),
    "wav as ffmpeg pipes it": put(put(NOTED, NOTED.index(b"data") + 4, b"\xff" * 4), 4, b"\xff" * 4),
    "wav 0 behind a note": put(NOTED, NOTED.index(b"data") + 4, bytes(4)),
    **{f"rf64 {size:#x}": put(RF64, DS64, struct.pack("<Q", size)) for size in (0, 2**64 - 1)},
    **{f"aiff {size:#x}": put(AIFF, SSND, struct.pack(">I", size)) for size in (0, 2**32 - 1, 2**31 - 1)},
    **{f"au {size:#x}": put(AU, 8, struct.pack(">I", size)) for size in (0, 2**32 - 1, 2**31 - 1)},
    **{f"caf {size:#x}": put(CAF, CAF_DATA, struct.pack(">q", size)) for size in (0, -1, 2**63 - 1)},
    "flac": put(FLAC, 21, bytes([FLAC[21] & 0xF0]), bytes(4)),
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_read_to_its_end(tmp_path: Path, name: str) -> None:
    form = name.split()[0]
    truth = sf.read(
        io.BytesIO({"rf64": RF64, "aiff": AIFF, "au": AU, "caf": CAF, "flac": FLAC}.get(form, WAV)), dtype="float32"
    )[0]
    for _ in range(2):  # the second scan remembers the remark of the first
        sources = read(tmp_path, STREAMS[name], f"a.{form}")
        assert not sources.skipped
        assert [note.reason for note in sources.notes] == [REMARKS[STREAMED]]
    np.testing.assert_array_equal(sources.read(0, 0, 10**9), truth)
    by_position(sources, truth, 0)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "AIFF", "AU", "CAF", "RF64"])
@pytest.mark.parametrize("second", [30_011, 80_021])
def test_another_recording_in_the_file_is_reported(tmp_path: Path, form: str, second: int) -> None:
    first = coded(form)
    truth = sf.read(io.BytesIO(first), dtype="float32")[0]
    sources = read(tmp_path, first + coded(form, second, seed=1))
    assert [note.reason for note in sources.notes] in ([REMARKS[APPENDED]], [REMARKS[REST]])
    np.testing.assert_array_equal(sources.read(0, 0, 10**9), truth)
    by_position(sources, truth, 0)


def test_a_chain_of_opus_is_reported(tmp_path: Path) -> None:
    link = coded("OGG", subtype="OPUS")
    sources = read(tmp_path, link + link, "a.opus")
    assert sources.length(0) == 80_021 and [note.reason for note in sources.notes] == [REMARKS[APPENDED]]


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "CAF", "RF64"])
def test_a_header_that_declares_too_little_is_reported(tmp_path: Path, form: str) -> None:
    half = {
        "WAV": put(WAV, DATA, struct.pack("<I", 80_022)),
        "AIFF": put(AIFF, SSND, struct.pack(">I", 80_030)),
        "AU": put(AU, 8, struct.pack(">I", 80_022)),
        "CAF": put(CAF, CAF_DATA, struct.pack(">q", 80_026)),
        "RF64": put(RF64, DS64, struct.pack("<Q", 80_022)),
    }[form]
    sources = read(tmp_path, half)
    assert sources.length(0) == 40_011 and [note.reason for note in sources.notes] == [REMARKS[REST]]


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "CAF", "RF64"])
def test_a_file_that_was_cut_is_skipped(tmp_path: Path, form: str) -> None:
    (tmp_path / "whole.wav").write_bytes(WAV)
    sources = read(tmp_path, coded(form)[:-5003])
    (skipped,) = sources.skipped
    assert skipped.reason.startswith(("truncated: ", "unreadable: ")) and len(sources) == 1


def test_an_empty_wav_with_chunks_behind_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "whole.wav").write_bytes(WAV)
    empty = coded("WAV", 0) + b"LIST" + struct.pack("<I", 4) + b"INFO"
    assert [skipped.reason for skipped in read(tmp_path, empty).skipped] == ["zero length"]


def test_large_chunks_behind_the_samples_are_no_doubt(tmp_path: Path) -> None:
    picture = b"id3 " + struct.pack("<I", 60_013) + bytes(60_014)
    sources = read(tmp_path, put(WAV + picture, 4, struct.pack("<I", len(WAV) + len(picture) - 8)))
    assert sources.length(0) == 80_021 and not sources.notes


@pytest.mark.parametrize("frames", [5003, 16_001, 80_021])
def test_the_last_page_of_an_ogg_is_read_by_position_as_in_the_whole(tmp_path: Path, frames: int) -> None:
    """libsndfile seeks to wrong places there."""
    sources = read(tmp_path, coded("OGG", frames), "a.ogg")
    by_position(sources, sf.read(tmp_path / "a.ogg", dtype="float32")[0], 0)


def test_a_second_recording_that_is_damaged_ends_nothing(tmp_path: Path) -> None:
    """A decoder must see the end of the first, or it looks for its last page for ever."""
    (tmp_path / "whole.wav").write_bytes(WAV)
    first, second = coded("OGG"), coded("OGG", 30_011, seed=1)
    for number in range(0, 4000, 97):
        place = 40 + number * len(first) // 4000
        damaged = put(first, place, b"\xff" * 13) + second
        sources = read(tmp_path, damaged, "a.ogg")
        assert len(sources) + len(sources.skipped) == 2


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "RF64", "W64"])
def test_a_file_cut_within_its_header_is_skipped(tmp_path: Path, form: str) -> None:
    (tmp_path / "whole.wav").write_bytes(WAV)
    content = coded(form)
    for length in range(1, 60):
        assert len(read(tmp_path, content[:length], "cut.wav").skipped) == 1
