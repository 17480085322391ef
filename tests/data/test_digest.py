"""Digests of sources: what changes them and what does not, in files and in memory."""

import os
from pathlib import Path

import numpy as np
import pytest

from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.digest import difference, digests, file_digest, of_all
from torchcpc.data.text.texts import scan_texts


def memory(values: np.ndarray, keys: str = "abc", groups: str = "xxy", label: str = "1") -> Arrays:
    items = [Item(key, group, {"split": label}) for key, group in zip(keys, groups, strict=True)]
    return Arrays(list(values), items)


def test_sources_in_memory_are_known_by_key_group_labels_and_values() -> None:
    values = np.random.default_rng(0).normal(size=(3, 7, 2))
    before = digests(memory(values), ["split"])
    assert digests(memory(values.copy()), ["split"]) == before and list(before) == ["a", "b", "c"]
    other = values.copy()
    other[1, 3, 1] += 1e-3
    assert difference(before, digests(memory(other), ["split"])) == "1 changed (for instance b)"
    assert difference(before, digests(memory(values, groups="xyy"), ["split"])) == "1 changed (for instance b)"
    assert difference(before, digests(memory(values, label="2"), ["split"])) == "3 changed (for instance a)"
    assert difference(digests(memory(values)), digests(memory(values, label="2"))) == "their order changed"  # no such rule
    now = digests(memory(values, keys="abd"), ["split"])
    assert difference(before, now) == "1 added (for instance d), 1 gone (for instance c)"
    turned = digests(memory(values[::-1], keys="cba", groups="yxx"), ["split"])
    assert of_all(turned) != of_all(before) and difference(before, turned) == "their order changed"


@pytest.mark.parametrize("size", [0, 5, 1 << 16, (1 << 16) + 1, 1 << 20])
def test_a_file_is_known_by_its_content_and_not_by_its_date_or_place(tmp_path: Path, size: int) -> None:
    content = bytearray(np.random.default_rng(0).integers(256, size=size, dtype=np.uint8).tobytes())
    path, other = tmp_path / "a.wav", tmp_path / "b.wav"
    path.write_bytes(content)
    found = file_digest(path)
    os.utime(path, (1, 1))
    path.rename(other)
    assert file_digest(other) == found
    for place in {0, size - 1} if size else ():
        content[place] ^= 1
        other.write_bytes(content)
        assert file_digest(other) != found
        content[place] ^= 1
    other.write_bytes(content + b"0")
    assert file_digest(other) != found


def test_a_row_of_a_table_of_sentences_is_a_source_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("text\nOne cat.\nTwo dogs.\nNo bird.\n")
    before = digests(scan_texts([path]))
    path.write_text("text\nOne cat.\nTwo cats.\nNo bird.\n")
    assert difference(before, digests(scan_texts([path]))) == "1 changed (for instance s#2)"
