"""Pictures as they are found in the wild: every bad one is a listed skip with its reason, never an exception and never silence."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from torchcpc.contracts import CPCError
from torchcpc.data.pictures.images import scan_images

PIXELS = np.random.default_rng(0).integers(0, 256, (31, 37, 3), dtype=np.uint8)


def good(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS).save(path)


def cut(path: Path) -> None:
    good(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(side: int) -> Callable[[Path], None]:
    """A few hundred bytes that claim side x side pixels."""

    def make(path: Path) -> None:
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        packed = zlib.compress(bytes(1000))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))

    return make


FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty.png": (lambda path: path.write_bytes(b""), "the file is empty"),
    "text.jpg": (lambda path: path.write_text("not a picture at all"), "not a picture in a format that is known"),
    "cut.jpg": (cut, "unreadable: .*truncated"),
    "cut.png": (cut, "unreadable"),
    "bomb.png": (bomb(11_000), "refused as a decompression bomb"),
    "larger.png": (bomb(60_000), "refused as a decompression bomb"),
    "float.tiff": (lambda path: Image.fromarray(PIXELS[..., 0].astype(np.float32)).save(path), "floating-point pixels"),
    "negative.tiff": (
        lambda path: Image.fromarray(PIXELS[..., 0].astype(np.int32) - 300).save(path),
        "32-bit pixels from -300 to",
    ),
    "large.tiff": (
        lambda path: Image.fromarray(PIXELS[..., 0].astype(np.int32) * 65536).save(path),
        "^32-bit pixels from 0 to 16711680 have no agreed range .*; convert it to 8 or 16 bit",
    ),
    "phone.heic": (lambda path: path.write_bytes(b"anything"), "cannot be decoded; convert them, for instance to .jpg"),
    "link.png": (lambda path: path.symlink_to("nowhere.png"), "not a file"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_picture_is_left_out_and_told(tmp_path: Path, name: str) -> None:
    make, words = FAULTS[name]
    good(tmp_path / "class/good.png")
    make(tmp_path / "class" / name)
    for _ in range(2):  # the second scan remembers the verdict of the first
        sources = scan_images([tmp_path], tmp_path / ".cache.json", size=8)
        assert [item.key for item in sources.items] == ["class/good.png"]
        (skipped,) = sources.skipped
        assert skipped.path.endswith(name)
        assert re.search(words, skipped.reason), skipped.reason


def test_a_folder_of_nothing_but_bad_pictures_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    bomb(11_000)(tmp_path / "class/a.png")
    with pytest.raises(CPCError, match="none of 1 files can be used.*decompression bomb.*Name a folder of pictures"):
        scan_images([tmp_path], size=8)


def test_an_empty_class_is_told(tmp_path: Path) -> None:
    good(tmp_path / "train/cat/a.png")
    (tmp_path / "train/dog").mkdir()
    sources = scan_images([tmp_path], size=8)
    assert [(Path(s.path).name, s.reason) for s in sources.skipped] == [("dog", "a folder without a picture")]


def test_a_class_whose_every_picture_is_bad_is_told_by_them(tmp_path: Path) -> None:
    good(tmp_path / "cat/a.png")
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog/b.png").write_bytes(b"x")
    sources = scan_images([tmp_path], size=8)
    assert [Path(s.path).name for s in sources.skipped] == ["b.png"]


def test_a_picture_that_went_away_after_the_scan_is_an_error_with_its_name(tmp_path: Path) -> None:
    good(tmp_path / "cat/a.png")
    sources = scan_images([tmp_path], size=8)
    (tmp_path / "cat/a.png").write_bytes(b"changed")
    with pytest.raises(CPCError, match="cat/a.png could be read when it was scanned, but not now"):
        sources.read(0, 0, 8)


def test_an_integer_picture_that_changed_after_the_scan_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "cat/a.tiff"
    path.parent.mkdir()
    Image.fromarray(PIXELS[..., 0].astype(np.int32)).save(path)
    sources = scan_images([tmp_path], size=8)
    assert len(sources) == 1
    Image.fromarray(PIXELS[..., 0].astype(np.int32) - 300).save(path)
    with pytest.raises(CPCError, match="not now: 32-bit pixels from -300"):
        sources.read(0, 0, 8)


def test_a_jpeg_called_jfif_is_read(tmp_path: Path) -> None:
    good(tmp_path / "cat/a.jpg")
    (tmp_path / "cat/a.jpg").rename(tmp_path / "cat/a.JFIF")
    assert [item.key for item in scan_images([tmp_path], size=8).items] == ["cat/a.JFIF"]


def test_a_line_of_pixels_is_a_picture(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.new("RGB", (20_011, 1), "red").save(tmp_path / "cat/line.png")
    made = scan_images([tmp_path], size=8).read(0, 0, 8)
    np.testing.assert_allclose(made, np.broadcast_to([1, -1, -1], (8, 8, 3)), atol=1e-6)
