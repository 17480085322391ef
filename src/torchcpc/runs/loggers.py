"""Loggers of Lightning Fabric, such as TensorBoard's, for the metrics of a training. metrics.jsonl is always written too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from torchcpc.contracts import CPCError, check_choice
from torchcpc.training.health import Metrics
from torchcpc.training.record import OnEvent

if TYPE_CHECKING:
    from lightning_fabric.loggers.logger import Logger


def _tensorboard(folder: Path, step: int) -> Logger:
    from lightning_fabric.loggers.tensorboard import TensorBoardLogger

    # A killed run logs the updates after its last checkpoint again, so TensorBoard must drop them.
    purge_step = step + 1 if step else None
    return TensorBoardLogger(folder, name="tensorboard", version="", default_hp_metric=False, purge_step=purge_step)


# Name -> function (run folder, update that the run continues from) -> logger that writes into the run folder.
LOGGERS: dict[str, Callable[[Path, int], Logger]] = {"tensorboard": _tensorboard}


def log_to(*loggers: Logger | str) -> OnEvent:
    """Return a listener that sends the metrics of a training to loggers, as in `train(..., on_event=log_to("tensorboard"))`.

    It logs the settings once. Metrics have names such as `train/loss`, `valid/bound` and `valid/accuracy_k1`. If there are several
    processes, only the first one logs.

    Args:
        loggers: Loggers of Lightning Fabric, or names in `LOGGERS`. A logger given by name writes into the run folder.

    Returns:
        The listener, for the argument `on_event`.

    Raises:
        CPCError: For an unknown name, and for a logger that is not installed.
    """
    for name in loggers:
        if isinstance(name, str):
            check_logger(name)
    opened: list[Logger] = []

    def hear(event: str, step: int, metrics: Metrics) -> None:
        if event == "begun":
            folder = Path(metrics["folder"])
            opened[:] = [LOGGERS[each](folder, step) if isinstance(each, str) else each for each in loggers]
            for logger in opened:
                logger.log_hyperparams(_flat(metrics["settings"]))
        for logger in opened:
            if event in ("train", "valid"):
                logger.log_metrics(scalars(event, metrics), step)
                logger.save()  # viewers see it at once, and a kill loses nothing
            elif event == "left":
                logger.finalize("success")

    return hear


def check_logger(name: str) -> None:
    """Check the name of a logger.

    Raises:
        CPCError: For a name that is not in `LOGGERS`, and for a logger that is not installed.
    """
    check_choice("logger", name, LOGGERS)
    if find_spec(name) is None:
        raise CPCError(f"logger = {name!r} is not installed. Install it with: pip install 'torchcpc[{name}]'.")


def scalars(split: str, metrics: Metrics) -> dict[str, float]:
    """Return metrics under the names that loggers show.

    A metric is called `split`/NAME. One with a value for each horizon also gives `split`/NAME_kK for each horizon K, and its mean is
    then `split`/NAME.

    Args:
        split: "train" or "valid".
        metrics: Metrics of an update or a validation.
    """
    found: dict[str, float] = {}
    for name, value in metrics.items():
        if name.endswith("_per_k"):
            stem, values = name.removesuffix("_per_k"), _numbers(value)
            found |= {f"{split}/{stem}_k{k}": each for k, each in zip(metrics["horizons"], values, strict=True)}
            found.setdefault(f"{split}/{stem}", sum(values) / len(values))
        elif isinstance(value, int | float) or (isinstance(value, Tensor) and not value.ndim):
            found[f"{split}/{name}"] = float(value)
    return found


def _numbers(values: Tensor | Sequence[float]) -> list[float]:
    return values.tolist() if isinstance(values, Tensor) else [float(value) for value in values]


def _flat(settings: Mapping[str, Mapping[str, object]]) -> dict[str, str | float]:
    """Return settings as section.key -> a value that every logger takes."""
    return {
        f"{section}.{key}": value if isinstance(value, bool | int | float | str) else str(value)
        for section, values in settings.items()
        for key, value in values.items()
    }
