"""Pictures of every kind as squares of one size: against a slow reading of the same pixels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from torchcpc.contracts import CPCError
from torchcpc.data.pictures import formats
from torchcpc.data.pictures.decode import plain, square
from torchcpc.data.pictures.images import scan_images


def colours(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def test_folders_give_class_and_split_at_any_depth(tmp_path: Path) -> None:
    for name in ("train/cat/a.png", "train/dog/deep/b.PNG", "test/cat/c.bmp"):
        save(tmp_path / name, colours(5, 5))
    sources = scan_images([tmp_path], size=5)
    assert [item.key for item in sources.items] == ["test/cat/c.bmp", "train/cat/a.png", "train/dog/deep/b.PNG"]
    assert sources.labels("class") == ["cat", "cat", "dog"] and sources.labels("split") == ["test", "train", "train"]
    assert scan_images([tmp_path / "train"], size=5).labels("class") == ["cat", "dog"]
    # A picture is a group of its own, and keeps its number in a selection.
    chosen = sources.select([2, 0])
    assert [chosen.group(0), chosen.group(1)] == [2, 0] and chosen.labels("class") == ["dog", "cat"]


def columns(roots: list[Path]) -> list[dict[str, str]]:
    return [dict(item.labels) for item in scan_images(roots, size=5).items]


def test_a_class_may_be_called_like_a_split(tmp_path: Path) -> None:
    for name in ("car/a.png", "train/b.png", "bus/test/c.png", "bus/deep/d.png"):
        save(tmp_path / name, colours(5, 5))
    (tmp_path / "train/empty").mkdir()
    sources = scan_images([tmp_path], size=5)
    assert sources.labels("class") == ["bus", "bus", "car", "train"] and sources.labels("split") == [""] * 4
    assert sources.skipped == []  # a folder in a class is none
    # Beside parts of the data those without labels are another.
    for name in ("e/train/k/a.png", "e/unlabelled/b.png"):
        save(tmp_path / name, colours(5, 5))
    sources = scan_images([tmp_path / "e"], size=5)
    assert sources.labels("class") == ["k", ""] and sources.labels("split") == ["train", "unlabeled"]
    # What holds no picture is no class.
    (tmp_path / "d/val/k").mkdir(parents=True)
    save(tmp_path / "d/train/k/a.png", colours(5, 5))
    (tmp_path / "d/notes").mkdir()
    sources = scan_images([tmp_path / "d"], size=5)
    assert sources.labels("split") == ["train"] and sources.labels("class") == ["k"]
    assert [Path(s.path).relative_to(tmp_path / "d").as_posix() for s in sources.skipped] == ["notes", "val/k"]


def test_folders_that_tell_roots_apart_are_no_classes(tmp_path: Path) -> None:
    for name in ("train/images/cat/a.png", "train/images/dog/deep/b.png", "test/images/cat/c.png"):
        save(tmp_path / name, colours(5, 5))
    roots = [tmp_path / "train/images", tmp_path / "test/images"]
    expected = [{"split": "train", "class": "cat"}, {"split": "train", "class": "dog"}, {"split": "test", "class": "cat"}]
    assert columns(roots) == expected
    assert scan_images(roots, size=5).items[0].key == "train/images/cat/a.png"
    # Roots that are no parts of the data, with and without parts in them; a root that is a picture has no class.
    for name in ("u/k/a.png", "v/valid/k/a.png", "v/a.png"):
        save(tmp_path / name, colours(5, 5))
    found = columns([tmp_path / "u", tmp_path / "v", tmp_path / "test/images/cat/c.png"])
    assert found == [{"class": "k"}, {}, {"split": "val", "class": "k"}, {}]


def test_folders_for_validation_are_one_split(tmp_path: Path) -> None:
    for name in ("val/k/a.png", "valid/k/b.png", "Validation/k/c.png", "TEST/k/d.png", "train/k/e.png"):
        save(tmp_path / name, colours(5, 5))
    sources = scan_images([tmp_path], size=5)
    assert dict(zip((item.key[0] for item in sources.items), sources.labels("split"), strict=True)) == {
        "V": "val",
        "T": "test",
        "t": "train",
        "v": "val",
    }
    assert sources.labels("split").count("val") == 3


def test_avif_is_read_where_pillow_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for able in (False, True):
        monkeypatch.setattr(formats.features, "check", lambda name, able=able: able)
        kind = formats.pictures()
        assert (".avif" in kind.suffixes) is able and (".avif" in kind.unsupported) is not able
    monkeypatch.setattr(formats.features, "modules", {})  # a Pillow before 11.3, which warns of a name it does not know
    assert ".avif" in formats.pictures().unsupported


def test_rows_of_pixels_in_order_to_the_value(tmp_path: Path) -> None:
    pixels = colours(7, 7)
    save(tmp_path / "k/a.png", pixels)
    sources = scan_images([tmp_path], size=7)
    assert sources.length(0) == 7
    whole = sources.read(0, 0, 7)
    assert whole.dtype == np.float32 and whole.shape == (7, 7, 3)
    np.testing.assert_allclose(whole, pixels / 127.5 - 1, atol=1e-6)
    np.testing.assert_array_equal(sources.read(0, 2, 3), whole[2:5])
    assert sources.read(0, 5, 11).shape == (2, 7, 3) and sources.read(0, 9, 2).shape == (0, 7, 3)


def test_a_training_window_is_a_crop_of_the_margin_mirrored_half_the_time(tmp_path: Path) -> None:
    pixels = colours(8, 8)
    save(tmp_path / "k/a.png", pixels)
    sources = scan_images([tmp_path], size=5, margin=3, flip=True)
    whole = pixels / 127.5 - 1
    np.testing.assert_allclose(sources.read(0, 0, 5), whole[1:6, 1:6], atol=1e-6)  # the middle, without an rng
    rng, seen = np.random.default_rng(0), set()
    for _ in range(400):
        made = sources.read(0, 0, 5, rng)
        seen |= {
            (top, left, flip)
            for top in range(4)
            for left in range(4)
            for flip in (False, True)
            if np.allclose(made[:, :: -1 if flip else 1], whole[top : top + 5, left : left + 5], atol=1e-6)
        }
    assert len(seen) == 32
    np.testing.assert_array_equal(*(sources.read(0, 0, 5, np.random.default_rng(7)) for _ in range(2)))


def test_any_shape_is_its_middle_square(tmp_path: Path) -> None:
    wide = colours(6, 16)
    assert np.array_equal(np.asarray(square(Image.fromarray(wide), 6)), wide[:, 5:11])
    assert np.array_equal(np.asarray(square(Image.fromarray(wide.transpose(1, 0, 2)), 6)), wide.transpose(1, 0, 2)[5:11])
    flat = np.full((31, 17, 3), 77, dtype=np.uint8)
    for side in (1, 5, 64):
        assert np.array_equal(np.asarray(square(Image.fromarray(flat), side)), np.full((side, side, 3), 77))


def test_every_mode_becomes_colour_or_grey() -> None:
    grey = colours(5, 7)[..., 0]
    three = np.stack([grey] * 3, axis=2)
    alpha = np.dstack([three, np.zeros_like(grey)])  # wholly transparent: white
    binary = np.where(grey > 127, 255, 0).astype(np.uint8)
    cases = {
        "L": (Image.fromarray(grey), three),
        "16 bit": (Image.fromarray(grey.astype(np.uint16) * 257), three),
        "32 bit": (Image.fromarray(grey.astype(np.int32) * 257), three),
        "1": (Image.fromarray(binary).convert("1"), np.stack([binary] * 3, axis=2)),
        "palette": (Image.fromarray(three).convert("P", palette=Image.Palette.ADAPTIVE, colors=256), three),
        "RGBA": (Image.fromarray(alpha), np.full_like(three, 255)),
        "LA": (Image.fromarray(np.dstack([grey, np.full_like(grey, 255)])), three),
        "CMYK": (Image.fromarray(np.dstack([255 - three, np.zeros_like(grey)]), mode=None).convert("CMYK"), None),
    }
    for name, (image, expected) in cases.items():
        made = plain(image, grey=False)
        assert made.mode == "RGB" and made.size == (7, 5), name
        if expected is not None:
            np.testing.assert_allclose(np.asarray(made).astype(int), expected, atol=1, err_msg=name)
        assert plain(image, grey=True).mode == "L"


def test_small_integers_of_32_bits_are_8_bits(tmp_path: Path) -> None:
    for name, top, expected in (("8", 255, 255), ("16", 256, 0), ("full", 65535, 255)):
        image = Image.fromarray(np.full((5, 7), top, np.int32))
        assert np.asarray(plain(image, grey=True)).tolist() == [[expected] * 7] * 5, name
    # Pillow scales a pgm file of 10 bits to 16, so what is small in it is dark.
    (tmp_path / "k.pgm").write_bytes(b"P5\n7 5\n1023\n" + np.full((5, 7), 3, ">u2").tobytes())
    with Image.open(tmp_path / "k.pgm") as image:
        assert image.mode == "I" and np.asarray(plain(image, grey=True)).max() == 0


def test_16_bits_are_divided_without_wider_copies() -> None:
    import tracemalloc

    image = Image.fromarray(np.full((701, 1009), 65535, np.uint16))
    tracemalloc.start()
    try:
        plain(image, grey=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 701 * 1009  # bytes: int64 alone would be as many


def test_an_orientation_tag_turns_the_picture(tmp_path: Path) -> None:
    pixels = colours(5, 5)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise shows it upright
    (tmp_path / "k").mkdir()
    Image.fromarray(pixels).save(tmp_path / "k/a.png", exif=exif)
    made = scan_images([tmp_path], size=5).read(0, 0, 5)
    np.testing.assert_allclose(made, np.rot90(pixels, -1) / 127.5 - 1, atol=1e-6)


def test_labels_csv_and_grey(tmp_path: Path) -> None:
    save(tmp_path / "a.png", colours(5, 5))
    (tmp_path / "labels.csv").write_text("path,class,split\na.png,cat,test\n", encoding="utf8")
    sources = scan_images([tmp_path], size=5, grey=True)
    assert sources.labels("class") == ["cat"] and sources.labels("split") == ["test"]
    assert sources.read(0, 0, 5).shape == (5, 5, 1)
    (tmp_path / "labels.csv").write_text("path,speaker\na.png,ann\n", encoding="utf8")
    assert columns([tmp_path]) == [{"speaker": "ann"}]


@pytest.mark.parametrize("settings", [{"size": 0}, {"size": 5, "margin": -1}])
def test_impossible_sizes_are_refused(tmp_path: Path, settings: dict[str, int]) -> None:
    save(tmp_path / "a.png", colours(5, 5))
    with pytest.raises(CPCError, match="at least 1 pixel"):
        scan_images([tmp_path], **settings)


def test_a_collection_needs_its_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from torchcpc.data.pictures.hub_images import hub_images

    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(CPCError, match=r"needs the package `datasets`: pip install 'torchcpc\[datasets\]'"):
        hub_images([tmp_path], size=5)


class Collection:
    """What is used of a `datasets` collection with two classes and one damaged row."""

    split = "train"

    class Names:
        @staticmethod
        def int2str(value: int) -> str:
            return ("cat", "dog")[value]

    def __init__(self) -> None:
        self.rows = [{"picture": Image.fromarray(colours(6, 6, n)), "label": n - 1} for n in range(3)]
        self.rows.append({"picture": None, "label": 1})
        self.features = {"picture": None, "label": self.Names()}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict:
        return self.rows[number]


def test_a_collection_is_read_like_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    import types

    from torchcpc.data.pictures.hub_images import hub_images

    library = types.ModuleType("datasets")
    library.load_dataset = lambda name: {"train": Collection(), "test": Collection()}  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "datasets", library)
    sources = hub_images([], size=6, dataset="someone/pictures", image="picture")
    assert sources.labels("split") == ["train"] * 3 + ["test"] * 3 and sources.labels("class") == ["", "cat", "dog"] * 2
    np.testing.assert_allclose(sources.read(1, 0, 6), colours(6, 6, 1) / 127.5 - 1, atol=1e-6)
    assert [s.reason for s in sources.skipped] == ["column 'picture' holds no picture"] * 2
    assert [item.key for item in sources.items[:2]] == ["train/0000000", "train/0000001"]
    with pytest.raises(CPCError, match="column 'image' is not there; the columns are picture, label. Set data.image"):
        hub_images([], size=6, dataset="someone/pictures")
    for roots, name in (([], ""), (["a"], "b")):
        with pytest.raises(CPCError, match="either a collection on the Hub, or folders"):
            hub_images(roots, size=6, dataset=name)


def test_folders_of_collections_have_keys_of_their_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import types

    from torchcpc.data.pictures.hub_images import hub_images

    saved = {str(tmp_path / "a/x"): Collection(), str(tmp_path / "b/x"): {"validation": Collection(), "valid": Collection()}}
    library = types.ModuleType("datasets")
    library.load_from_disk = saved.__getitem__  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "datasets", library)
    roots = [*saved, str(tmp_path / "a/../a/x")]
    sources = hub_images(roots, size=6, image="picture")
    found = [item.key for item in sources.items]
    assert found[::3] == ["a/x/train/0000000", "b/x/validation/0000000", "b/x/valid/0000000"]
    assert len(set(found)) == len(sources.groups) == 9
    assert sources.labels("split") == ["train"] * 3 + ["val"] * 6
    assert (sources.skipped[0].path, sources.skipped[0].reason) == (roots[2], f"the same folder as {roots[0]}, listed twice")
    assert hub_images(roots[:1], size=6, image="picture").items[0].key == "train/0000000"
