"""A name means a source by its path, or by its file name where no other has it; sources of one name are never confused."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError, Item
from torchcpc.data.alignment import Alignment, read_table
from torchcpc.data.arrays import Arrays
from torchcpc.data.keys import Keys, without_suffix

TIMIT = ("fcjf0/sa1.wav", "fcjf0/sx2.wav", "mdab0/sa1.wav")


def keys(*names: str, root: str = "/data/timit") -> Keys:
    return Keys(names, [Path(root) / name for name in names])


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("fcjf0/sa1.wav", 0),
        ("fcjf0/sa1", 0),
        ("./mdab0//sa1", 2),
        ("timit/mdab0/sa1.wav", 2),
        ("sx2", 1),
        ("sx2.wav", 1),
        ("/data/timit/fcjf0/sa1.wav", 0),
        ("/data/timit/fcjf0/sa1", 0),
        ("/timit/fcjf0/sa1.wav", None),
        ("other/fcjf0/sa1", None),
        ("mdab0/sx2", None),
        ("sx2.flac", None),
        ("x2", None),
        ("", None),
        ("/", None),
    ],
)
def test_names_mean_sources_by_path_first(name: str, place: int | None) -> None:
    assert keys(*TIMIT).one(name) == place


def test_a_file_name_that_several_have_is_refused() -> None:
    with pytest.raises(CPCError, match=r"'sa1' may be any of 2 \(fcjf0/sa1.wav, mdab0/sa1.wav\); write its path"):
        keys(*TIMIT).one("sa1")
    # The one at the top has that name for its path, so it is the one that is meant.
    assert keys("a/x.wav", "x.wav").one("x") == 1 and keys("a/x.wav", "x.wav").one("a/x") == 0
    with pytest.raises(CPCError, match="may be any of 2"):
        keys("x.wav", "x.flac").one("x")
    assert keys("x.wav", "x.flac").one("x.flac") == 1


def test_what_follows_a_suffix_stays() -> None:
    names = ("a/b.wav", "b.npz#3", "b.wav@1.5-2", "b.c.wav", "C#.wav", "user@host.mp3", "t#12", "a.b/c", ".hidden")
    assert [without_suffix(name) for name in names] == [
        "a/b",
        "b#3",
        "b@1.5-2",
        "b.c",
        "C#",
        "user@host",
        "t#12",
        "a.b/c",
        ".hidden",
    ]
    assert keys("b.npz#0", "b.npz#1").one("b#1") == 1
    assert Keys(["case-0", "case-1"], [None, None]).one("case-1") == 1


@pytest.mark.parametrize("seed", range(20))
def test_any_tail_of_a_path_means_its_source_or_is_refused(seed: int) -> None:
    """Witness: every source whose path ends in the name, searched one by one."""
    rng = random.Random(seed)
    names = list(
        {"/".join(rng.choice("abc") for _ in range(rng.randint(1, 4))) + rng.choice((".wav", ".flac")) for _ in range(23)}
    )
    found = keys(*names, root="/r")
    for name in names:
        parts = ("r", *name.split("/"))
        for depth in range(1, len(parts) + 1):
            for tail in ("/".join(parts[-depth:]), "/".join(parts[-depth:]).rpartition(".")[0]):
                ends = [i for i, other in enumerate(names) if f"/r/{other}".endswith(f"/{tail}")]
                bare = [i for i, other in enumerate(names) if f"/r/{other}".rpartition(".")[0].endswith(f"/{tail}")]
                own = [i for i, other in enumerate(names) if other == tail] or [
                    i for i, other in enumerate(names) if other.rpartition(".")[0] == tail
                ]
                assert sorted(found.meant(tail)) == sorted(own or ends or bare)


def labelled(*rows: str, folder: Path) -> Alignment:
    path = folder / "phones.csv"
    path.write_text("recording,start_s,end_s,Phone\n" + "".join(f"{row}\n" for row in rows), encoding="utf8")
    return read_table(path, column="phone")


def test_alignments_are_told_apart_by_folder(tmp_path: Path) -> None:
    items = [Item(name, "x", {}, Path("/data") / name) for name in TIMIT]
    data = Arrays([np.zeros((9, 2), np.float32)] * 3, items)
    named = labelled(
        "fcjf0/sa1,0,0.02,sh", "/data/mdab0/sa1.wav,0,0.02,iy", "sx2,0,0.02,ae", "other,0,1,b", folder=tmp_path
    ).matched(data)
    assert {key: named.names[named.frames(key, 1)[0]] for key in TIMIT} == dict(zip(TIMIT, ("sh", "ae", "iy"), strict=True))
    with pytest.raises(CPCError, match=r"'sa1' may be any of 2 \(fcjf0/sa1.wav, mdab0/sa1.wav\)"):
        labelled("sa1,0,0.02,sh", folder=tmp_path).matched(data)
    with pytest.raises(CPCError, match=r"recordings 'sx2' and 'fcjf0/sx2' of the labels are both fcjf0/sx2.wav"):
        labelled("sx2,0,0.02,sh", "fcjf0/sx2,0.03,0.04,sh", folder=tmp_path).matched(data)
    with pytest.raises(CPCError, match=r"1 recording has no labels \(mdab0/sa1.wav\), while the labels name 2 \(sx2, other\)"):
        labelled("sx2,0,0.02,sh", "other,0,1,b", folder=tmp_path).matched(data).require(["mdab0/sa1.wav"])


def test_labels_of_a_stretch_begin_with_it(tmp_path: Path) -> None:
    items = [
        Item("a.wav@1-2", "x", {}, Path("/r/a.wav"), 1.0, "a.wav", 1.0),
        Item("a.wav@0-1", "x", {}, Path("/r/a.wav"), 1.0, "a.wav"),
    ]
    data = Arrays([np.zeros((9, 2), np.float32)] * 2, items)
    alignment = labelled("a,0.2,1.3,p", "a,1.3,1.7,q", "a,2.5,3,r", folder=tmp_path)
    matched = alignment.matched(data)
    for key, begin in (("a.wav@1-2", 1.0), ("a.wav@0-1", 0.0)):
        np.testing.assert_array_equal(matched.frames(key, 100), alignment.frames("a", 100, begin_s=begin))
        assert matched.spans[key][1].max() <= 1.0
