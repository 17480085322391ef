"""settings.json: read as it was written; a damaged one is one clear line."""

import json
from pathlib import Path

import pytest

from torchcpc.contracts import CPCError
from torchcpc.runs.build import schema
from torchcpc.runs.record import RunRecord
from torchcpc.settings import load_recipe, resolve

RECORD = RunRecord(
    recipe="r",
    seed=3,
    precision="32-true",
    roots=["/a"],
    settings=resolve(load_recipe("digits"), schema()),
    data={"hours": 0.5},
)


def test_round_trip(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    assert RunRecord.read(tmp_path) == RECORD
    assert "expanded" not in json.loads((tmp_path / "settings.json").read_text())
    assert list(tmp_path.iterdir()) == [tmp_path / "settings.json"]
    assert RECORD.versions.keys() >= {"torchcpc", "python", "torch", "numpy"}


def test_the_fingerprint_is_of_what_decides_the_weights() -> None:
    from dataclasses import replace

    same = replace(RECORD, recipe="s", versions={}, data={}, processes=2)
    assert same.fingerprint() == RECORD.fingerprint()
    for change in ({"seed": 4}, {"roots": []}, {"precision": "bf16-mixed"}, {"settings": {"data": {"name": "text"}}}):
        assert replace(RECORD, **change).fingerprint() != RECORD.fingerprint()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[1]", "damaged"),
        ('{"recipe": "r", "seed": 1, "roots": [], "settings": {}}', "precision"),
        ('{"recipe": "r", "seed": "x", "roots": [], "settings": {}, "precision": "32-true"}', "seed"),
    ],
)
def test_a_damaged_one(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(CPCError, match=f"settings.json is damaged.*{said}|settings.json (is )?{said}") as error:
        RunRecord.read(tmp_path)
    assert "\n" not in str(error.value)


def test_none(tmp_path: Path) -> None:
    with pytest.raises(CPCError, match="no settings.json"):
        RunRecord.read(tmp_path)
