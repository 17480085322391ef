"""What an estimator says of its training, in the names of its own parameters: warnings, errors, and lines for `verbose`."""

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
# Kind of a warning of the training, which begins its reason -> what to do about it here.
REMEDIES = {
    _PLATEAU: "Raise learning_rate or max_iter, or check that the steps of a sequence follow one another in time.",
    "collapse": "Lower learning_rate, or raise candidates.",
    "saturation": "Raise candidates.",
}
# What only a recipe can do.
_ELSEWHERE = ("; the last checkpoint is as it was", ", set training.clip, or use --precision 32-true")
_SETTING = re.compile("|".join(rf"(?<![\w.]){re.escape(name)}\b" for name in PARAMETERS))
# Share of what was won that may be lost again without a word: validations differ by chance.
_LOSS = 0.1
# Share of the ceiling above which a bound was no chance, as `training.health` has it.
_WON = 0.02


class Shown:
    """A listener for `verbose`: 0 shows nothing, 1 and more the progress. Notes are the estimator's own."""

    def __init__(self, verbose: int) -> None:
        self._verbose = verbose

    def stage(self, name: str) -> AbstractContextManager[Progress]:
        return TERMINAL.stage(name) if self._verbose else nullcontext(silent)

    def note(self, text: str) -> None:
        """Nothing: it would speak of a folder that is gone when training ends."""


def translated(text: str) -> str:
    """A text about a recipe, about the parameters of the estimator instead."""
    for phrase in _ELSEWHERE:
        text = text.replace(phrase, "")
    return _SETTING.sub(lambda found: PARAMETERS[found[0]], text)


def own_error(error: CPCError) -> CPCError:
    """The same refusal in the estimator's own words."""
    return type(error)(translated(error.lines[0]), [translated(line) for line in error.lines[1:]])


def warning_of(reason: str, history: Sequence[Metrics]) -> str | None:
    """A warning of the training with what to do about it here. history: the validations so far. None for what `doubts` says when training
    ends: a network that was never better than untrained, and one that was better and fell back to chance."""
    kind, iteration = reason.partition(":")[0], history[-1]["step"] if history else 0
    if kind == "untrained" or (kind == _PLATEAU and best_of(history)["bound"] > _WON * _ceiling(history[-1])):
        return None
    fact = re.split(r"\. (?=[A-Z])", reason)[0] if kind in REMEDIES else translated(reason)
    return f"iteration {iteration}: {fact.rstrip('.')}. {REMEDIES.get(kind, '')}".rstrip()


def best_of(history: Sequence[Metrics]) -> Metrics:
    """The first validation with the highest bound: that of the weights that are kept. NaN is the lowest."""
    return max(history, key=lambda entry: (entry["bound"] == entry["bound"], entry["bound"]))


def doubts(history: Sequence[Metrics], max_iter: int) -> Iterator[str]:
    """What the validations say against the training as a whole: the untrained network was as good, or the best weights were soon lost."""
    first, best, last = history[0], best_of(history), history[-1]
    if not best["bound"] > first["bound"]:
        yield (
            f"the untrained network predicts held-out sequences as well as any trained one: its bound is {first['bound']:.3f} nats, that "
            f"after {max_iter} iterations {last['bound']:.3f}. The untrained weights are kept. Give more sequences, raise max_iter, or "
            "lower learning_rate."
        )
    elif best["bound"] - last["bound"] > _LOSS * (best["bound"] - first["bound"]):
        yield (
            f"the bound on held-out sequences fell from {best['bound']:.3f} nats at iteration {best['step']} to {last['bound']:.3f} at the "
            f"end: the network learned its training sequences by heart. The weights of iteration {best['step']} are kept. Give more "
            f"sequences, or lower max_iter to about {best['step']}."
        )


def summary(history: Sequence[Metrics]) -> str:
    """The bound on held-out sequences beside that of the untrained network and the ceiling."""
    best = best_of(history)
    return (
        f"held-out bound {best['bound']:.3f} of {_ceiling(best):.2f} nats at iteration {best['step']}; untrained network "
        f"{history[0]['bound']:.3f}"
    )


def _ceiling(entry: Metrics) -> float:
    known = [value for value in entry["ceiling_per_k"] if value == value]
    return sum(known) / len(known) if known else float("nan")
