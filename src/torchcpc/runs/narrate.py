"""What is said of a training while it runs: a line at the bar, and notes."""

from torchcpc.contracts import Listener, Progress
from torchcpc.training.health import Metrics
from torchcpc.training.record import OnEvent, ignore


def narrate(listener: Listener, progress: Progress, steps: int, rate: float, then: OnEvent = ignore) -> OnEvent:
    """Hears the events of a training of `steps` updates on sources of `rate` positions per second, and passes them on."""
    line = ""

    def on_event(event: str, step: int, metrics: Metrics) -> None:
        nonlocal line
        if event == "train":
            line = training_line(metrics, rate)
        elif event == "valid":
            listener.note(f"update {step}: {validation_line(metrics)}")
        elif event == "warning":
            listener.note(f"warning at update {step}: {metrics['reason']}")
        progress(step, steps, line)
        then(event, step, metrics)

    return on_event


def training_line(metrics: Metrics, rate: float) -> str:
    """Loss, accuracy beside chance, and raw seconds per second."""
    speed = metrics["steps_per_second"] * float(metrics["positions"]) / rate
    ks = list(zip(metrics["horizons"], metrics["accuracy_per_k"].tolist(), strict=True))
    accuracy = " ".join(f"{k}:{share:.0%}" for k, share in (ks[0], ks[len(ks) // 2], ks[-1]))
    chance = float(metrics["chance_per_k"].nanmean())
    return f"loss {float(metrics['loss']):.2f} nats, accuracy at k {accuracy} (chance {chance:.1%}), {speed:.0f} s/s"


def validation_line(metrics: Metrics) -> str:
    """The bound beside its ceiling, and accuracy beside chance."""
    ceiling, chance = (sum(metrics[name]) / len(metrics[name]) for name in ("ceiling_per_k", "chance_per_k"))
    accuracy = " ".join(f"{k}:{share:.0%}" for k, share in zip(metrics["horizons"], metrics["accuracy_per_k"], strict=True))
    return (
        f"validation bound {metrics['bound']:.3f} of at most {ceiling:.2f} nats; accuracy at k {accuracy} (chance {chance:.1%})"
    )
