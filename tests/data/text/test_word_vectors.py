"""Files of word vectors in both formats, and every way they are broken."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.text.word_vectors import open_vectors

WORDS = {"the": [0.5, -1.25, 3.0], "naïve": [0.0, 2.5, -0.125], "42": [7.0, 8.0, 9.0]}


def text(words: dict[str, list[float]], *, header: bool) -> str:
    lines = [f"{len(words)} 3"] if header else []
    return "\n".join([*lines, *(f"{word} {' '.join(map(str, numbers))}" for word, numbers in words.items())]) + "\n"


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("ending", [".txt", ".txt.gz"])
def test_both_formats_and_compressed(tmp_path: Path, header: bool, ending: str) -> None:
    path = tmp_path / f"vectors{ending}"
    content = text(WORDS, header=header).encode()
    path.write_bytes(gzip.compress(content) if ending.endswith("gz") else content)
    file = open_vectors(path)
    assert (file.dim, file.announced) == (3, 3 if header else None)
    found = dict(file.words())
    assert {word: vector.tolist() for word, vector in found.items()} == WORDS
    assert all(vector.dtype == np.float32 for vector in found.values())
    assert (file.read, file.malformed, file.repeated) == (3, 0, 0)


def test_only_what_is_asked_for_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text(text(WORDS, header=False) + "unasked 1 2 not a number\n")
    file = open_vectors(path)
    assert [word for word, _ in file.words({"42", "the"}.__contains__)] == ["the", "42"]
    assert (file.read, file.malformed) == (4, 0)


def test_bad_lines_are_counted_and_the_first_of_two_stands(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(
        text(WORDS, header=True).encode()
        + b"the 9 9 9\n\nalone\nbad\xff 1 2 3\nnan 1 nan 3\na b.c 1 2 3\nword 1 two 3\nlast 1 2 3"
    )
    file = open_vectors(path)
    found = dict(file.words())
    assert list(found) == [*WORDS, "last"] and found["the"].tolist() == WORDS["the"]
    assert (file.read, file.malformed, file.repeated) == (5, 6, 1)
    assert list(dict(file.words())) == list(found) and file.malformed == 6, "a second pass counts afresh"


@pytest.mark.parametrize("line", ["short 1 2", "long 1 2 3 4"])
def test_another_dimension_is_an_error_with_its_line(tmp_path: Path, line: str) -> None:
    path = tmp_path / "v.txt"
    path.write_text(text(WORDS, header=True) + line + "\n")
    with pytest.raises(CPCError, match=rf"line 5: '{line.split()[0]}' has \d numbers, the file has 3 per word"):
        list(open_vectors(path).words())


def test_what_is_no_file_of_vectors(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="cannot be read"):
        open_vectors(tmp_path / "none.txt")
    for content in (b"", b"only words here\nand here\n", bytes(range(256)) * 20):
        (tmp_path / "v.txt").write_bytes(content)
        with pytest.raises(CPCError, match="does not hold word vectors as text"):
            open_vectors(tmp_path / "v.txt")
    (tmp_path / "v.txt").write_text("5 0\n")
    with pytest.raises(CPCError, match="says 0 numbers per word"):
        open_vectors(tmp_path / "v.txt")
    (tmp_path / "v.txt.gz").write_text("not compressed")
    with pytest.raises(CPCError, match="cannot be read"):
        open_vectors(tmp_path / "v.txt.gz")


def damaged(content: bytes, how: str) -> bytes:
    packed = bytearray(gzip.compress(content))
    if how == "cut off":
        return bytes(packed[: len(packed) * 2 // 3])
    packed[len(packed) // 2 :] = b"\xff" * (len(packed) - len(packed) // 2)
    return bytes(packed)


@pytest.mark.parametrize("how", ["cut off", "overwritten"])
def test_a_damaged_gz_is_one_clear_error_in_whatever_pass_it_is_met(tmp_path: Path, how: str) -> None:
    path, rng = tmp_path / "v.txt.gz", np.random.default_rng(0)
    many = {f"word{n}": rng.normal(size=3).tolist() for n in range(4001)}
    content = text(many, header=True).encode()
    path.write_bytes(gzip.compress(content))
    file = open_vectors(path)
    path.write_bytes(damaged(content, how))
    for _ in range(2):
        with pytest.raises(CPCError, match=r"v\.txt\.gz cannot be read: .*download it again"):
            list(file.words())
    path.write_bytes(gzip.compress(content)[:11])
    with pytest.raises(CPCError, match=r"v\.txt\.gz cannot be read: .*download it again"):
        open_vectors(path)
    path.unlink()
    with pytest.raises(CPCError, match="cannot be read: No such file"):
        list(file.words())


def test_binary_vectors_are_told_from_text_though_they_begin_with_its_header(tmp_path: Path) -> None:
    path, rng = tmp_path / "v.bin", np.random.default_rng(0)
    vectors = rng.normal(size=(211, 53)).astype(np.float32)
    path.write_bytes(b"211 53\n" + b"".join(f"word{n} ".encode() + v.tobytes() + b"\n" for n, v in enumerate(vectors)))
    with pytest.raises(CPCError, match="does not hold word vectors as text.*Save binary vectors as text"):
        open_vectors(path)


def test_a_header_of_another_dimension_than_the_vectors_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("2 5\none 1 2 3\ntwo 1 2 3\n")
    with pytest.raises(CPCError, match="line 2: 'one' has 3 numbers, the file has 5 per word"):
        open_vectors(path)
