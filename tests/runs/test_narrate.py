"""What is said of a training while it runs."""

import torch

from torchcpc.contracts import Quiet
from torchcpc.domains import DOMAINS, Unit
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


AUDIO = Unit("seconds of audio", 16_000.0)


def test_lines() -> None:
    assert training_line(TRAIN, AUDIO) == "loss 2.50 nats, accuracy 29 %, chance 50 %, 2.0 seconds of audio per second"
    assert validation_line(VALID) == "held-out bound 0.500 of 2.00 nats, accuracy 40 %, chance 30 %"
    shares = {"accuracy_per_k": torch.tensor([0.0996]), "chance_per_k": torch.tensor([0.0039])}
    assert "accuracy 10 %, chance 0.39 %, 2.0 seconds" in training_line(TRAIN | shares, AUDIO)
    shares = {"accuracy_per_k": torch.tensor([0.0]), "chance_per_k": torch.tensor([1 / 16_384])}
    assert "accuracy 0.0 %, chance 0.006 %" in training_line(TRAIN | shares, AUDIO)
    unknown = VALID | {name: [0.5, float("nan")] for name in ("ceiling_per_k", "chance_per_k", "accuracy_per_k")}
    assert validation_line(unknown) == "held-out bound 0.500 of 0.50 nats, accuracy 50 %, chance 50 %"


def test_no_line_is_wider_than_a_terminal() -> None:
    """Of the longest run, on the fastest machine."""
    few = {"accuracy_per_k": torch.tensor([0.094]), "chance_per_k": torch.tensor([0.0004]), "steps_per_second": 99_999 * 2.0}
    assert len(training_line(TRAIN | few, AUDIO)) == 80
    few = {"bound": -0.5, "ceiling_per_k": [12.3], "accuracy_per_k": [0.094], "chance_per_k": [0.001]}
    assert len(f"update 999999: {validation_line(VALID | few)}") <= 80


def test_every_domain_has_its_own_unit() -> None:
    class Clocked:
        rate = 8000.0

    settings = {"windows": {"length": 32}}
    units = {name: domain.unit(settings, Clocked()) for name, domain in DOMAINS.items()}  # pyright: ignore[reportArgumentType]
    assert units["audio"] == ("seconds of audio", 8000.0) and units["text"] == ("sentences", 1.0)
    assert units["images"] == units["hub_images"] == units["digits"] == ("pictures", 32)
    assert units["series"] == units["arrays"] == units["synthetic"] == ("rows", 1.0)


def test_the_line_of_an_update_stands_until_the_next_and_warnings_stay() -> None:
    notes, shown = [], []

    class Ears(Quiet):
        def note(self, text: str) -> None:
            notes.append(text)

    hear = narrate(Ears(), lambda done, total, note="": shown.append((done, total, note)), 9, AUDIO)
    hear("train", 3, TRAIN)
    hear("step", 4, {})
    hear("valid", 4, VALID)
    hear("warning", 4, {"reason": "collapse: x"})
    line = training_line(TRAIN, AUDIO)
    assert shown == [(3, 9, line), (4, 9, line), (4, 9, line), (4, 9, line)]
    assert notes == [f"update 4: {validation_line(VALID)}", "warning at update 4: collapse: x"]
