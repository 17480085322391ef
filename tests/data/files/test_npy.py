"""Arrays of others: read as they are, or refused before anything of the size that they announce is made."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.files.npy import load_npy, load_npz

VALUES = np.arange(35.0).reshape(5, 7)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def archive(path: Path, members: dict[str, bytes], form: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", form) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def header(text: str) -> bytes:
    content = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(content).to_bytes(2, "little") + content.encode()


def announcing(shape: str, descr: str = "'<f8'") -> bytes:
    return header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}") + bytes(24)


@pytest.mark.parametrize(
    "array", [VALUES, np.asfortranarray(VALUES), VALUES.astype(">f4"), np.array(3.0), np.zeros((0, 3)), np.array(["a", "bc"])]
)
def test_a_whole_array_is_read_as_numpy_reads_it(tmp_path: Path, array: np.ndarray) -> None:
    (tmp_path / "a.npy").write_bytes(saved(array))
    found = load_npy(tmp_path / "a.npy")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (announcing("(1000000000000,)"), "8,000,000,000,000 bytes, and 24 are there"),
        (announcing("(10, 99999999999)"), "and 24 are there"),
        (announcing("(-3,)"), "header says"),
        (announcing("(3,)", "'<U100000000'"), "and 24 are there"),
        (announcing("(1000000000000,)", "'<U0'"), "0 bytes, and 24 are there"),
        (announcing("(3,)", "'|O'"), "pickled objects"),
        (announcing("((3,)", "'<f8'"), "not a readable npy file"),
        (header("{'descr': '<f8'"), "not a readable npy file"),
        (pickle.dumps([1]), "not a readable npy file: not a numpy array"),
        (b"", "not a readable npy file: not a numpy array"),
        (saved(VALUES)[:-1], "280 bytes, and 279 are there"),
    ],
)
def test_what_is_no_such_array_is_one_line_and_takes_no_memory(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(CPCError, match=said) as error:
        load_npy(tmp_path / "a.npy")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="No such file"):
        load_npy(tmp_path / "a.npy")
    with pytest.raises(CPCError, match="No such file"):
        load_npz(tmp_path / "a.npz")


def test_members_that_are_no_arrays_leave_the_others(tmp_path: Path) -> None:
    objects = io.BytesIO()
    np.save(objects, np.array([None, {}], dtype=object), allow_pickle=True)
    members = {
        "x.npy": saved(VALUES),
        "o.npy": objects.getvalue(),
        "notes.txt": b"hello",
        "p.npy": pickle.dumps([1]),
        "folder/": b"",
    }
    found = load_npz(archive(tmp_path / "a.npz", members))
    np.testing.assert_array_equal(found.arrays["x"], VALUES)
    assert set(found.arrays) == {"x"} and set(found.refused) == {"o", "notes.txt", "p"}
    assert "pickled objects" in found.refused["o"] and "not a numpy array" in found.refused["p"]


def test_a_member_of_an_archive_announces_no_more_than_it_has(tmp_path: Path) -> None:
    found = load_npz(archive(tmp_path / "a.npz", {"x.npy": announcing("(1000000000000,)")}, zipfile.ZIP_DEFLATED))
    assert "and 24 are there" in found.refused["x"]


def test_a_bomb_is_refused_before_it_is_unpacked_and_a_mask_is_not_one(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "mask.npz", x=np.zeros((1_000_003, 7), np.uint8))
    assert load_npz(tmp_path / "mask.npz").arrays["x"].shape == (1_000_003, 7)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w") as member:
        member.write(announcing("(25000000,)")[:-24])
        for _ in range(200):
            member.write(bytes(1_000_000))
    tracemalloc.start()
    with pytest.raises(CPCError, match="200 MB, more than 100 to 1: a decompression bomb.*without compression"):
        load_npz(tmp_path / "bomb.npz")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_an_archive_of_thousands_of_members_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="10,001 members"):
        load_npz(archive(tmp_path / "a.npz", {f"{n}.npy": b"" for n in range(10_001)}))


def test_an_archive_that_is_damaged_is_one_line(tmp_path: Path) -> None:
    whole = archive(tmp_path / "a.npz", {"x.npy": saved(VALUES)}).read_bytes()
    for length in range(0, len(whole), 53):
        (tmp_path / "a.npz").write_bytes(whole[:length])
        with pytest.raises(CPCError, match="not a readable npz file"):
            load_npz(tmp_path / "a.npz")


def test_letters_that_no_alphabet_has_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array(["ab", "c"]))
    content = (tmp_path / "x.npy").read_bytes()
    (tmp_path / "x.npy").write_bytes(content[:-4] + b"\xff\xff\xff\x7f")
    with pytest.raises(CPCError, match="texts with invalid characters"):
        load_npy(tmp_path / "x.npy")
