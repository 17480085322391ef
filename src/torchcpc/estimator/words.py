"""Messages of the estimator about its training: warnings, errors, and lines for `verbose`.

They use the names of the estimator's parameters instead of the names of settings.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from torchcpc.contracts import CPCError, Progress, silent
from torchcpc.progress import TERMINAL
from torchcpc.training.health import Metrics

# Setting of a recipe -> parameter of the estimator.
PARAMETERS = {
    "encoder.dim": "latent_dim",
    "context.name": "context",
    "context.dim": "context_dim",
    "predictor.count": "horizons",
    "candidates.count": "candidates",
    "candidates.strategy": "strategy",
    "windows.length": "window",
    "windows.batch": "batch",
    "split.validation": "validation",
    "training.steps": "max_iter",
    "training.learning_rate": "learning_rate",
    "accelerator": "device",
}
_PLATEAU = "chance-level plateau"
# Kind of a training warning, which is the first word of its reason -> what to do about it in the estimator.
REMEDIES = {
    _PLATEAU: "Raise learning_rate or max_iter, or check that the steps of a sequence follow one another in time.",
    "collapse": "Lower learning_rate, or raise candidates.",
    "saturation": "Raise candidates.",
}
# Phrases that only apply to recipes.
_ELSEWHERE = ("; the last checkpoint is as it was", ", set training.clip, or use --precision 32-true")
_SETTING = re.compile("|".join(rf"(?<![\w.]){re.escape(name)}\b" for name in PARAMETERS))
# The bound may lose this share of its gain again without a warning, because validations differ by chance.
_LOSS = 0.1
# A bound above this share of its ceiling is better than chance, as in `training.health`.
_WON = 0.02


class Shown:
    """A listener that shows the progress if `verbose` is at least 1. It drops notes, because the estimator writes its own."""

    def __init__(self, verbose: int) -> None:
        self._verbose = verbose

    def stage(self, name: str) -> AbstractContextManager[Progress]:
        return TERMINAL.stage(name) if self._verbose else nullcontext(silent)

    def note(self, text: str) -> None:
        """Do nothing: a note would name a temporary folder, which is deleted when training ends."""


def translated(text: str) -> str:
    """Return a text about a recipe with the estimator's parameters in place of settings."""
    for phrase in _ELSEWHERE:
        text = text.replace(phrase, "")
    return _SETTING.sub(lambda found: PARAMETERS[found[0]], text)


def own_error(error: CPCError) -> CPCError:
    """Return the same error with the estimator's parameters in place of settings."""
    return type(error)(translated(error.lines[0]), [translated(line) for line in error.lines[1:]])


def warning_of(reason: str, history: Sequence[Metrics]) -> str | None:
    """Return a training warning with the remedy for the estimator.

    Args:
        reason: The warning, as training reports it.
        history: The validations so far.

    Returns:
        The warning. None if `doubts` reports it when training ends: the network was never better than the untrained one, or it fell
        back to chance.
    """
    kind, iteration = reason.partition(":")[0], history[-1]["step"] if history else 0
    if kind == "untrained" or (kind == _PLATEAU and best_of(history)["bound"] > _WON * _ceiling(history[-1])):
        return None
    fact = re.split(r"\. (?=[A-Z])", reason)[0] if kind in REMEDIES else translated(reason)
    return f"iteration {iteration}: {fact.rstrip('.')}. {REMEDIES.get(kind, '')}".rstrip()


def best_of(history: Sequence[Metrics]) -> Metrics:
    """Return the first validation with the highest bound, whose weights are kept. NaN counts as the lowest."""
    return max(history, key=lambda entry: (entry["bound"] == entry["bound"], entry["bound"]))


def doubts(history: Sequence[Metrics], max_iter: int) -> Iterator[str]:
    """Yield the doubts about the whole training: the untrained network was as good, or the bound fell again after its best."""
    first, best, last = history[0], best_of(history), history[-1]
    if not best["bound"] > first["bound"]:
        yield (
            f"the untrained network predicts held-out sequences as well as any trained one: its bound is {first['bound']:.3f} nats, and "
            f"{last['bound']:.3f} after {max_iter} iterations. The untrained weights are kept. Give more sequences, raise max_iter, or "
            "lower learning_rate."
        )
    elif best["bound"] - last["bound"] > _LOSS * (best["bound"] - first["bound"]):
        yield (
            f"the bound on held-out sequences fell from {best['bound']:.3f} nats at iteration {best['step']} to {last['bound']:.3f} at the "
            f"end: the network overfitted its training sequences. The weights of iteration {best['step']} are kept. Give more "
            f"sequences, or lower max_iter to about {best['step']}."
        )


def summary(history: Sequence[Metrics]) -> str:
    """Return a line with the bound on held-out sequences, its ceiling, and the bound of the untrained network."""
    best = best_of(history)
    return (
        f"held-out bound {best['bound']:.3f} of {_ceiling(best):.2f} nats at iteration {best['step']}; untrained network "
        f"{history[0]['bound']:.3f}"
    )


def _ceiling(entry: Metrics) -> float:
    known = [value for value in entry["ceiling_per_k"] if value == value]
    return sum(known) / len(known) if known else float("nan")
