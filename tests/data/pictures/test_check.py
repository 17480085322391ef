"""What is doubtful about pictures is told in one clause, the same for the same kind, and what Pillow reads is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from torchcpc.data.pictures.decode import plain
from torchcpc.data.pictures.formats import open_picture, pictures
from torchcpc.data.pictures.images import Images, scan_images

GREY = np.random.default_rng(0).integers(0, 256, (31, 37), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (31, 37, 3), dtype=np.uint8)
TWELVE = np.random.default_rng(2).integers(0, 4096, (31, 37)).astype(np.uint16)
READ_GREY = "a grey picture, which is read as three equal colours"
SLIVER_16 = "its 16-bit pixels stay below a quarter of their range, as 12-bit cameras write them: it is read as nearly black"
SLIVER = "its pixels use less than an eighth of their range"


def read(tmp_path: Path, *pixels: np.ndarray | Image.Image, size: int = 29, **more: bool) -> Images:
    for number, one in enumerate(pixels):
        (one if isinstance(one, Image.Image) else Image.fromarray(one)).save(tmp_path / f"{number}.png")
    for _ in range(2):  # the second scan remembers what the first found
        sources = scan_images([tmp_path], tmp_path / ".cache.json", size=size, **more)
    return sources


def told(sources: Images) -> list[list[str]]:
    return [[note.reason for note in sources.notes if note.path == str(item.path)] for item in sources.items]


def test_pictures_of_a_sliver_of_their_range(tmp_path: Path) -> None:
    sources = read(tmp_path, TWELVE, TWELVE * 15, GREY // 9, GREY, grey=True)
    assert told(sources) == [[SLIVER_16], [], [SLIVER], []]
    assert sources.read(0, 0, 29).max() < -0.8


def test_sixteen_bits_that_hold_eight(tmp_path: Path) -> None:
    assert told(read(tmp_path, GREY.astype(np.uint16), grey=True)) == [[SLIVER_16]]


def test_grey_read_as_colour_and_colour_as_grey(tmp_path: Path) -> None:
    palette = Image.fromarray(GREY).convert("P")
    mixed = Image.fromarray(COLOUR).convert("P", palette=Image.Palette.ADAPTIVE)
    pixels = [COLOUR, GREY, palette, mixed, np.dstack([GREY, GREY]), GREY > 127]
    assert told(read(tmp_path, *pixels)) == [[], [READ_GREY], [READ_GREY], [], [READ_GREY], [READ_GREY]]
    turned = "its colours are read as grey"
    assert told(read(tmp_path, *pixels, grey=True)) == [[turned], [], [], [turned], [], []]


def test_pictures_that_are_enlarged(tmp_path: Path) -> None:
    larger = read(tmp_path, COLOUR, np.tile(COLOUR, (2, 2, 1)), size=32)
    assert told(larger) == [["enlarged: it has fewer than the 32 x 32 pixels that are read"], []]
    assert told(read(tmp_path, COLOUR, size=31)) == [[], []]
    assert "33 x 33" in scan_images([tmp_path], size=31, margin=2).notes[0].reason


def writable() -> list[tuple[str, str]]:
    """(suffix, format) of everything that is both written and read."""
    read = pictures().suffixes
    return sorted(
        (suffix, form) for suffix, form in Image.registered_extensions().items() if suffix in read and form in Image.SAVE
    )


@pytest.mark.filterwarnings("ignore:IM image format")
@pytest.mark.parametrize(("suffix", "form"), writable())
def test_what_pillow_writes_and_reads_is_found(tmp_path: Path, suffix: str, form: str) -> None:
    for mode in ("RGB", "L", "P", "1", "RGBA"):
        try:
            Image.fromarray(np.tile(COLOUR[:16, :16], (4, 4, 1))).convert(mode).save(
                tmp_path / f"a{suffix.upper()}", format=form
            )
            break
        except (OSError, ValueError, KeyError):
            continue
    else:
        pytest.skip("writes none of these modes")
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if form in ("PFM", "FITS"):
        pytest.skip("floating-point pixels")
    sources = scan_images([tmp_path], size=8)
    assert len(sources) == 1 and not sources.skipped and sources.read(0, 0, 8).shape == (8, 8, 3)


def test_postscript_is_never_run_whatever_its_suffix(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "good.png")
    Image.fromarray(COLOUR).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "bad.png")
    sources = scan_images([tmp_path], size=8)
    assert [item.key for item in sources.items] == ["good.png"]
    assert [skipped.reason for skipped in sources.skipped] == ["unreadable: not a picture in a format that is known"]


def test_pictures_under_another_suffix_are_told(tmp_path: Path) -> None:
    Image.fromarray(COLOUR).save(tmp_path / "good.png")
    for number, form in enumerate(("png", "jpeg", "gif", "tiff", "webp", "bmp")):
        Image.fromarray(COLOUR).save(tmp_path / f"{number}.dat", format=form)
    sources = scan_images([tmp_path], size=8)
    assert len(sources) == 1 and len(sources.skipped) == 6
    assert {skipped.reason for skipped in sources.skipped} == {"its content is a picture, but its suffix is another; rename it"}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "I;16", "I", "P"])
def test_strips_give_the_same_pixels(mode: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    alpha = np.random.default_rng(3).integers(0, 256, (31, 37), dtype=np.uint8)
    pixels = {
        "RGBA": np.dstack([COLOUR, alpha]),
        "LA": np.dstack([GREY, alpha]),
        "I;16": TWELVE * 15,
        "I": TWELVE.astype(np.int32) * 15,
    }
    image = Image.fromarray(pixels.get(mode, COLOUR))
    if mode in ("P", "PA"):
        image = image.convert("P")
        image.info["transparency"] = 7
    for grey in (False, True):
        whole = np.asarray(plain(image.copy(), grey=grey))
        monkeypatch.setattr("torchcpc.data.pictures.decode._STRIP", 37 * 5)
        np.testing.assert_array_equal(np.asarray(plain(image.copy(), grey=grey)), whole)
        monkeypatch.undo()


def test_a_turned_picture_is_read_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOUR).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(plain(open_picture(tmp_path / "a.png"), grey=False)), np.rot90(COLOUR, -1))
