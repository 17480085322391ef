"""How far a run got, in the words of those who load or resume it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from torch import nn

from tests.test_architecture import loaded
from torchcpc.contracts import CPCError
from torchcpc.runs.standing import standing, status_note
from torchcpc.training import checkpoint
from torchcpc.training.state import RunState


def make(folder: Path, *, latest: int | None, best: int | None, patience: int = 0, bounds: list[float] | None = None) -> Path:
    """A run of 1,500 updates that validates every 100."""
    training = {"steps": 1500, "patience": patience}
    (folder / "settings.json").write_text(json.dumps({"settings": {"training": training}}))
    for name, step in (("latest", latest), ("best", best)):
        if step is not None:
            state = RunState(step=step, best=None if best is None else 1.25)
            checkpoint.save(folder / f"{name}.safetensors", nn.Linear(2, 3), state)
    lines = [{"event": "valid", "step": 100 * number, "bound": bound} for number, bound in enumerate(bounds or [])]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"event": "valid", "st')
    return folder


@pytest.mark.parametrize(
    ("latest", "best", "said", "resumed"),
    [
        (
            120,
            100,
            "is unfinished, at update 120 of 1,500 (best validation bound 1.250 nats at update 100, which",
            "at update 120 of",
        ),
        (
            7,
            0,
            "at update 7 of 1,500 (best validation bound 1.250 nats at update 0, the untrained network, which",
            "at update 7 of",
        ),
        (None, 0, "is unfinished, before its first checkpoint of 1,500 updates (best", "at update 0 of 1,500"),
        (1500, 1400, "", "already has all its 1,500 updates: nothing to do"),
        (1500, 0, "warning: the model of RUN is the untrained network: no update beat it", "already has all"),
        (None, None, "", "at update 0 of 1,500"),
    ],
)
def test_words(tmp_path: Path, latest: int | None, best: int | None, said: str, resumed: str) -> None:
    folder = make(tmp_path, latest=latest, best=best)
    found = status_note(folder).replace(str(folder), "RUN")
    assert said in found and bool(said) == bool(found) and "\n" not in found
    assert resumed in standing(folder).resumed()


@pytest.mark.parametrize(("bounds", "ended"), [([9.0, 1.0, 2.0, 0.5, 0.4], True), ([0.0, 1.0, 2.0, 0.5, 3.0], False)])
def test_a_run_that_ran_out_of_patience_is_finished(tmp_path: Path, bounds: list[float], ended: bool) -> None:
    """The untrained network, however good, is not what patience is measured from."""
    folder = make(tmp_path, latest=400, best=200, patience=2, bounds=bounds)
    assert standing(folder).ended == ended and bool(status_note(folder)) != ended
    words = "stopped early at update 400 of 1,500, after 2 validations without a new best: nothing to do"
    assert (words in standing(folder).resumed()) == ended


def test_what_is_damaged_or_no_run_is_left_to_those_who_need_it(tmp_path: Path) -> None:
    assert status_note(tmp_path) == status_note(tmp_path / "nowhere") == ""
    folder = make(tmp_path, latest=3, best=0)
    (folder / "latest.safetensors").write_bytes(b"\0" * 99)
    assert status_note(folder) == ""
    with pytest.raises(CPCError, match="latest.safetensors is not a whole torchcpc checkpoint"):
        standing(folder)
    for content in ("[]", "{", '{"settings": {"training": {"steps": [1]}}}'):
        (folder / "settings.json").write_text(content)
        with pytest.raises(CPCError, match="settings.json"):
            standing(folder)


def test_it_needs_no_torch() -> None:
    assert loaded("import torchcpc.runs.standing", "torch") == set()
