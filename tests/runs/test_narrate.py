"""What is said of a training while it runs."""

import torch

from torchcpc.contracts import Quiet
from torchcpc.runs.narrate import narrate, training_line, validation_line

TRAIN = {
    "loss": torch.tensor(2.5),
    "steps_per_second": 4.0,
    "positions": torch.tensor(8000),
    "horizons": [1, 2, 3],
    "accuracy_per_k": torch.tensor([0.5, 0.25, 0.125]),
    "chance_per_k": torch.tensor([0.25, float("nan"), 0.75]),
}
VALID = {
    "bound": 0.5,
    "ceiling_per_k": [1.0, 3.0],
    "chance_per_k": [0.5, 0.1],
    "accuracy_per_k": [0.6, 0.2],
    "horizons": [1, 2],
}


def test_lines() -> None:
    assert training_line(TRAIN, 16_000.0) == "loss 2.50 nats, accuracy at k 1:50% 2:25% 3:12% (chance 50.0%), 2 s/s"
    assert validation_line(VALID) == "validation bound 0.500 of at most 2.00 nats; accuracy at k 1:60% 2:20% (chance 30.0%)"


def test_the_line_of_an_update_stands_until_the_next_and_warnings_stay() -> None:
    notes, shown = [], []

    class Ears(Quiet):
        def note(self, text: str) -> None:
            notes.append(text)

    hear = narrate(Ears(), lambda done, total, note="": shown.append((done, total, note)), 9, 16_000.0)
    hear("train", 3, TRAIN)
    hear("step", 4, {})
    hear("valid", 4, VALID)
    hear("warning", 4, {"reason": "collapse: x"})
    line = training_line(TRAIN, 16_000.0)
    assert shown == [(3, 9, line), (4, 9, line), (4, 9, line), (4, 9, line)]
    assert notes == [f"update 4: {validation_line(VALID)}", "warning at update 4: collapse: x"]
