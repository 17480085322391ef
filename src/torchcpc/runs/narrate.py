"""Report the progress of a training: a line next to the progress bar, and notes. Each has at most 80 columns."""

from torchcpc.contracts import Listener, Progress
from torchcpc.domains import Unit
from torchcpc.training.health import Metrics
from torchcpc.training.record import OnEvent, ignore


def narrate(listener: Listener, progress: Progress, steps: int, unit: Unit, then: OnEvent = ignore) -> OnEvent:
    """Return a listener to the events of a training that shows them and passes them on.

    Args:
        listener: Receives the notes.
        progress: Receives the updates done, with a line of metrics.
        steps: Number of all updates.
        unit: Unit of the speed.
        then: Hears each event afterwards.
    """
    line = ""

    def on_event(event: str, step: int, metrics: Metrics) -> None:
        nonlocal line
        if event == "train":
            line = training_line(metrics, unit)
        elif event == "valid":
            listener.note(f"update {step}: {validation_line(metrics)}")
        elif event == "warning":
            listener.note(f"warning at update {step}: {metrics['reason']}")
        progress(step, steps, line)
        then(event, step, metrics)

    return on_event


def training_line(metrics: Metrics, unit: Unit) -> str:
    """Return a line with the loss, the accuracy next to chance (means over the horizons), and the speed."""
    speed = metrics["steps_per_second"] * float(metrics["positions"]) / unit.positions
    right, chance = (float(metrics[name].nanmean()) for name in ("accuracy_per_k", "chance_per_k"))
    return f"loss {float(metrics['loss']):.2f} nats, {_accuracy(right, chance)}, {_short(speed)} {unit.words} per second"


def validation_line(metrics: Metrics) -> str:
    """Return a line with the bound next to its ceiling, and the accuracy next to chance (means over the horizons)."""
    ceiling, right, chance = (_mean(metrics[f"{name}_per_k"]) for name in ("ceiling", "accuracy", "chance"))
    return f"held-out bound {metrics['bound']:.3f} of {ceiling:.2f} nats, {_accuracy(right, chance)}"


def _accuracy(right: float, chance: float) -> str:
    return f"accuracy {_short(100 * right)} %, chance {_short(100 * chance)} %"


def _short(value: float) -> str:
    """Return a number with few digits: 34, 3.4, 0.39 and 0.006."""
    if not value < 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if not 0 < value < 0.995 else f"{value:.{1 + (value >= 0.0995)}g}"


def _mean(values: list[float | None]) -> float:
    """Return the mean over the horizons that were measured. A window may be too short for some."""
    known = [value for value in values if value is not None and value == value]
    return sum(known) / len(known) if known else float("nan")
