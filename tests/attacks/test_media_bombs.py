"""Small files that claim to be large, or decode to what is: each is refused in one line, before it fills the memory or the day."""

from __future__ import annotations

import io
import resource
import struct
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from PIL import Image

from tests.attacks.test_picture_files import chunk, good
from tests.data.noise import write
from torchcpc.data.audio import check
from torchcpc.data.audio.recordings import scan
from torchcpc.data.pictures.images import scan_images


def only_fault(sources, good: str) -> str:
    assert [item.key for item in sources.items] == [good]
    (skipped,) = sources.skipped
    return skipped.reason


def silence(path: Path, frames: int, *, rate: int = 16_000) -> None:
    with sf.SoundFile(path, "w", rate, 1, format="FLAC") as file:
        for _ in range(0, frames, 1 << 20):
            file.write(np.zeros(1 << 20, np.int16))


def test_hours_of_silence_in_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "good.wav")
    silence(tmp_path / "bomb.flac", 4 << 20)
    assert only_fault(scan([tmp_path]), "good.wav") == "silent: no sample above 0.0001"  # four minutes are no bomb
    monkeypatch.setattr(check, "_BOMB_SAMPLES", 1 << 20)
    size = (tmp_path / "bomb.flac").stat().st_size
    assert size < (4 << 20) / 200
    reason = only_fault(scan([tmp_path]), "good.wav")
    assert reason.startswith(f"refused as a decompression bomb: {size} bytes decode to more than ")


def test_long_recordings_are_no_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_BOMB_SAMPLES", 1 << 12)
    for name in ("a.wav", "b.flac", "c.ogg", "d.mp3"):
        write(tmp_path / name, 40_009)
    assert len(scan([tmp_path])) == 4


@pytest.mark.parametrize(
    ("channels", "rate", "bits"), [(65_535, 16_000, 16), (0, 16_000, 16), (1, 0, 16), (1, 2**32 - 1, 16), (1, 16_000, 0)]
)
def test_impossible_headers(tmp_path: Path, channels: int, rate: int, bits: int) -> None:
    write(tmp_path / "good.wav")
    write(tmp_path / "bad.wav", 20_011)
    content = bytearray((tmp_path / "bad.wav").read_bytes())
    frame = channels * bits // 8 & 0xFFFF
    content[22:36] = struct.pack("<HIIHH", channels, rate, min(rate * frame, 2**32 - 1), frame, bits)
    (tmp_path / "bad.wav").write_bytes(content)
    assert only_fault(scan([tmp_path]), "good.wav")


@pytest.mark.parametrize("frames", [2**36 - 1, 2**33])
def test_a_flac_that_claims_more_than_it_holds(tmp_path: Path, frames: int) -> None:
    write(tmp_path / "good.wav")
    write(tmp_path / "bad.flac", 20_011)
    content = bytearray((tmp_path / "bad.flac").read_bytes())
    content[21] = content[21] & 0xF0 | frames >> 32
    content[22:26] = struct.pack(">I", frames & 0xFFFF_FFFF)
    (tmp_path / "bad.flac").write_bytes(content)
    assert only_fault(scan([tmp_path]), "good.wav").startswith(("truncated: ", "unreadable"))


def tiff(side: int) -> bytes:
    """A header that claims side x side pixels, and none of them."""
    tags = [
        (256, 4, side),
        (257, 4, side),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, side),
        (279, 4, 9),
    ]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(4)


def gif(side: int) -> bytes:
    content = io.BytesIO()
    Image.new("P", (5, 7)).save(content, "GIF")
    whole = bytearray(content.getvalue())
    whole[6:10] = struct.pack("<HH", side, side)
    return bytes(whole)


def ico(side: int) -> bytes:
    """An icon of one pixel by its own word, whose picture is a PNG of side x side."""
    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IEND", b"")
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", 1, 1, 0, 0, 1, 32, len(head), 22) + head


def bmp(side: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIIIII", 154, 0, 54, 40, side, side, 1, 24, 0, 100, 0, 0, 0, 0) + bytes(100)


def pgm(side: int) -> bytes:
    return b"P5 %d %d 255\n" % (side, side) + bytes(100)


@pytest.mark.parametrize("make", [tiff, gif, ico, bmp, pgm])
@pytest.mark.parametrize("side", [9_999, 65_000])
def test_pictures_that_claim_too_much(tmp_path: Path, make, side: int) -> None:
    good(tmp_path / "good.png")
    (tmp_path / f"bomb.{make.__name__}").write_bytes(make(side))
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    sources = scan_images([tmp_path], size=8)
    assert only_fault(sources, "good.png").startswith(("refused as a decompression bomb", "unreadable"))
    assert time.process_time() - begun < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KB


def test_the_largest_transparent_picture_takes_bounded_memory(tmp_path: Path) -> None:
    Image.new("RGBA", (4500, 4500), (9, 99, 199, 99)).save(tmp_path / "a.png", compress_level=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sources = scan_images([tmp_path], size=8)
    assert len(sources) == 1 and sources.read(0, 0, 8).shape == (8, 8, 3)
    # 20 million pixels: 81 MB as they are, 61 MB as read, and strips. All at once they would take 385 MB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 260_000  # KB
