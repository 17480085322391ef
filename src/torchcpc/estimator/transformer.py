"""Contrastive Predictive Coding as a scikit-learn transformer, from arrays in memory; the training is that of `cpc train`."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from torchcpc.contracts import CPCError, Item, grouped
from torchcpc.data.arrays import Arrays
from torchcpc.data.collection import Collection, blocks, channels, collection, turned
from torchcpc.data.numbers import CollectionError, NotNumeric, as_table
from torchcpc.data.plausible import far_values
from torchcpc.data.splits import hold_out
from torchcpc.data.windows import sequential
from torchcpc.estimator import words
from torchcpc.information.scoring import SampleSpec, marginal, pmi_by_step
from torchcpc.objectives import Contrast
from torchcpc.progress import TERMINAL
from torchcpc.representations.embed import frames
from torchcpc.representations.pool import POOLS, pooled
from torchcpc.runs.build import schema
from torchcpc.runs.devices import Devices
from torchcpc.runs.narrate import validation_line
from torchcpc.runs.prepare import VALIDATION_WINDOWS
from torchcpc.runs.pretrain import pretrain
from torchcpc.scores import Shared
from torchcpc.settings import Settings, resolve, suggest
from torchcpc.signals import deferred
from torchcpc.statistics.standardise import Scale
from torchcpc.training.health import Metrics
from torchcpc.training.validation import held_out_bound

if TYPE_CHECKING:
    import pandas

# Rows that are embedded at once: tens of megabytes, for any amount of data.
_POSITIONS = 1 << 16
# Marginal samples behind log Z: its error is then a few hundredths of a nat where scores are moderate.
_SAMPLES = 1024


@dataclass(kw_only=True, eq=False, repr=False)
class CPC(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Representations of sequences, learned without labels (van den Oord, Li, Vinyals, arXiv:1807.03748).

    X, everywhere: [cases, steps, channels]; or a list of [steps, channels] (numpy, pandas, tensors) of any lengths, or of [steps]; or a
    frame of pandas with an index of (case, step), or with a sequence in every cell; or a table [n, d] (numpy or pandas), which `per`
    reads. A table of n rows gives n rows, and a frame of n steps n steps.

    per: "sequence" - a row of the result is a sequence, and so is a row of a table: n series of d steps of one channel;
        "step" - a row of the result is a step, and a table is one sequence of n steps of d channels.
    output: "context" (c_t, which sums up all steps so far) or "latent" (z_t, of its own step alone).
    pool: how the steps of a sequence become its row: "mean+deviation", "mean" or "last".
    latent_dim, context_dim: widths of z and c. context: "gru", or "none" for c_t = z_t.
    horizons: predict 1 to this many steps ahead (fewer where sequences are shorter: `horizons_`).
    window, batch: training sees `batch` random stretches of `window` steps an update. candidates: size of the pool that the true future
        competes with; strategy: who may be in it ("mixed", "mixed_excluding" the own sequence, "current_only"; see `scores.candidates`).
    standardize: bring each channel to mean 0 and deviation 1, by the sequences that are trained on.
    validation: fraction of the sequences held out to choose the best weights; of a single sequence, one of up to ten blocks.
    max_iter, learning_rate: updates, and Adam's step size at its peak (linear rise, then half a cosine).
    device: what trains it ("cpu", "cuda", "auto"); the trained model is kept, and used, on the CPU.
    random_state: an int makes fit repeatable, weights, order, candidates and held-out sequences alike.
    verbose: what fit shows on the error stream. 0: nothing; 1: progress with the time to the end, then `bound_` beside
        `untrained_bound_`; 2: every validation too.

    Attributes:
        model_: the torch module, with the weights that predict the held-out sequences best.
        bound_: InfoNCE bound of these weights on the held-out sequences, in nats, mean over horizons. It is slightly hopeful, for the
            weights were chosen by it; `score` on fresh data is not.
        untrained_bound_: the same of the network before its first update, on the same windows and candidates. Where `bound_` is not
            above it, training was in vain, and fit warns.
        best_iter_: updates after which the weights are kept. 0: none was better than the untrained network.
        history_: all validations, that of the untrained network first: bounds, ceilings and accuracies per horizon.
        n_iter_: updates done. horizons_, window_: as used. mean_, scale_: of each channel. log_partition_: behind `score_samples`.
    """

    per: str = "sequence"
    output: str = "context"
    pool: str = "mean+deviation"
    latent_dim: int = 64
    context_dim: int = 64
    context: str = "gru"
    horizons: int = 8
    window: int = 128
    batch: int = 32
    candidates: int = 512
    strategy: str = "mixed"
    standardize: bool = True
    validation: float = 0.1
    max_iter: int = 1000
    learning_rate: float = 2e-3
    device: str = "cpu"
    random_state: int | np.random.RandomState | None = None
    verbose: int = 0

    def fit(self, X: object, y: object = None) -> Self:
        """Trains on the sequences of X; y is ignored. Keeps the weights that predict the held-out sequences best. Warns where training
        went wrong, or was in vain. Raises CPCError (a ValueError where X is at fault)."""
        self._check_parameters()
        given = self._read(X, reset=True).sequences
        parts = given if len(given) > 1 else blocks(given[0], length=self.window)
        longest = max(map(len, parts))
        if longest < 2:
            raise CollectionError(
                f"n_samples = {len(given)}, n_features = {given[0].shape[1]}: no sequence is long enough to predict a step "
                "from the one before (a single one is cut in two). A table is read by `per`."
            )
        self._warn_of_doubts(parts)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        trained = np.concatenate([parts[i] for i in hold_out(_arrays(parts), seed, validation=self.validation).train])
        scale = Scale.of(trained.astype(np.float64), relative=1e-10, absolute=0.0, constant=1.0)
        same = np.zeros_like(scale.mean_D), np.ones_like(scale.scale_D)
        self.mean_, self.scale_ = (scale.mean_D, scale.scale_D) if self.standardize else same
        self.window_ = min(self.window, longest)
        self.horizons_, self.history_ = min(self.horizons, self.window_ - 1), []
        scaled, devices = self._scaled(parts), Devices(accelerator=self.device, precision="32-true")
        how = {"seed": seed, "devices": devices, "listener": words.Shown(self.verbose), "on_event": self._heard}
        try:
            with deferred(), TemporaryDirectory() as folder:
                run, outcome = pretrain(self._settings(), scaled, Path(folder), **how)
        except CPCError as error:
            raise words.own_error(error) from None
        self.model_, self.n_iter_ = run.model, outcome.step
        self._judge()
        self.log_partition_ = marginal(self.model_, scaled, list(range(len(scaled))), SampleSpec(_SAMPLES, seed=seed))
        return self

    def transform(self, X: object) -> "np.ndarray | list[np.ndarray] | pandas.DataFrame":
        """Representations, float32. per="sequence": [cases, features]; per="step": [n, features] of a table, [cases, steps, features] of a
        3-D array, else a list of [steps, features]. A step's row knows the past of its sequence and nothing after it."""
        given = self._given(X)
        z, c = frames(self.model_, self._scaled(given.sequences), positions_per_batch=_POSITIONS)
        rows = c if self.output == "context" else z
        if self.per == "step":
            return given.like_input(rows)
        x_CF = pooled(rows, pool=self.pool)
        if given.cases is None or vars(self).get("_sklearn_output_config", {}).get("transform") != "pandas":
            return x_CF
        # scikit-learn would give it the index of X, which has a row for each step.
        import pandas

        return pandas.DataFrame(x_CF, index=given.cases)

    def score(self, X: object, y: object = None) -> float:
        """The InfoNCE bound on X in nats, mean over horizons: log N - loss, among candidates from X. Higher is better, chance is 0."""
        windows = sequential(
            self._scaled(self._given(X).sequences), length=self.window_, batch=self.batch, limit=VALIDATION_WINDOWS
        )
        return held_out_bound(self.model_, Contrast(Shared(count=self.candidates, strategy=self.strategy)), windows)["bound"]

    def score_samples(self, X: object) -> np.ndarray | list[np.ndarray]:
        """log p(x_t | past) / p(x_t) in nats, mean over the horizons that reach step t; its negative is the surprise. per="step": a value
        per step, shaped as in `transform` without features, NaN for the first step, which nothing predicts. per="sequence": [cases], the
        mean over the steps. log Z is from at most 1,024 steps of the sequences given to fit."""
        given = self._given(X)
        values = pmi_by_step(self.model_, self._scaled(given.sequences), self.log_partition_, positions_per_batch=_POSITIONS)
        if self.per == "step":
            return given.like_input(values)
        return np.array([value[1:].mean() if len(value) > 1 else np.nan for value in values], np.float32)

    @property
    def _n_features_out(self) -> int:
        dim = self.model_.context.dim if self.output == "context" else self.model_.encoder.dim
        return 2 * dim if self.per == "sequence" and self.pool == "mean+deviation" else dim

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        if tags.transformer_tags:
            tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _check_parameters(self) -> None:
        for name, choices in (("per", ("sequence", "step")), ("output", ("context", "latent")), ("pool", POOLS)):
            if (value := getattr(self, name)) not in choices:
                raise CollectionError(f"{name} = {value!r} is unknown.{suggest(str(value), choices)}")
        for name in ("latent_dim", "context_dim", "horizons", "window", "batch", "candidates", "max_iter"):
            if not isinstance(value := getattr(self, name), Integral) or value < 1:
                raise CollectionError(f"{name} = {value!r}: a whole number, at least 1.")
        if not isinstance(self.verbose, Integral) or self.verbose < 0:
            raise CollectionError(f"verbose = {self.verbose!r}: 0, 1 or 2.")
        if not (isinstance(self.learning_rate, Real) and 0 < self.learning_rate < np.inf):
            raise CollectionError(f"learning_rate = {self.learning_rate!r}: a number above 0.")

    def _settings(self) -> Settings:
        training = {"steps": self.max_iter, "learning_rate": self.learning_rate, "schedule": "cosine"}
        training |= {"warmup": self.max_iter // 20, "validate_every": max(1, self.max_iter // 10)}
        given = {
            "data": {"name": "arrays"},
            "encoder": {"name": "vectors", "features": len(self.mean_), "dim": self.latent_dim},
            "context": {"name": self.context} | ({} if self.context == "none" else {"dim": self.context_dim}),
            "predictor": {"name": "bilinear", "count": self.horizons_},
            "candidates": {"name": "shared", "count": self.candidates, "strategy": self.strategy},
            "windows": {"length": self.window_, "batch": self.batch},
            "split": {"validation": self.validation},
            "training": training,
        }
        return resolve(given, schema())

    def _heard(self, event: str, step: int, metrics: Metrics) -> None:
        if event == "valid":
            self.history_.append({"step": step, **metrics})
            if self.verbose > 1:
                TERMINAL.note(f"iteration {step}: {validation_line(metrics)}")
        elif event == "warning" and (text := words.warning_of(metrics["reason"], self.history_)):
            warnings.warn(text, ConvergenceWarning, stacklevel=2)

    def _judge(self) -> None:
        """What came of the training, beside what the untrained network can do."""
        best = words.best_of(self.history_)
        self.bound_, self.best_iter_, self.untrained_bound_ = best["bound"], best["step"], self.history_[0]["bound"]
        for doubt in words.doubts(self.history_, self.n_iter_):
            warnings.warn(doubt, ConvergenceWarning, stacklevel=3)
        if self.verbose:
            TERMINAL.note(words.summary(self.history_))

    def _warn_of_doubts(self, sequences: Sequence[np.ndarray]) -> None:
        far = [replace(note, path=f"sequence {note.path}") for note in far_values(_arrays(sequences))]
        for doubt in filter(None, (turned(sequences), *map(str, grouped(far)))):
            warnings.warn(doubt, UserWarning, stacklevel=3)

    def _read(self, X: object, *, reset: bool = False) -> Collection:
        """X as sequences [steps, channels], with the channels that were trained on."""
        found = collection(X)
        if reset:  # of an earlier fit on another kind of X
            for stale in ("n_features_in_", "feature_names_in_", "channels_in_"):
                self.__dict__.pop(stale, None)
        if found is None:
            found = self._table(X, reset=reset)
        elif reset and found.names:
            self.channels_in_ = found.names
        elif found.names and found.names != (known := vars(self).get("channels_in_", found.names)):
            raise CollectionError(f"channels {[*found.names]}: fit saw {[*known]}. Select these columns, in this order.")
        width = channels(found.sequences)
        if not reset and width != len(self.mean_):
            raise CollectionError(f"sequences of {width} channels: fit saw {len(self.mean_)}. A table is read by `per`.")
        return found

    def _table(self, X: object, *, reset: bool) -> Collection:
        """A table by `per`, checked by scikit-learn once what it would cast is refused."""
        data: Any = as_table(X)  # sklearn says str and means any table
        try:
            table: Any = validate_data(self, data, reset=reset, dtype=[np.float64, np.float32])
        except (TypeError, ValueError) as error:
            kind = NotNumeric if isinstance(error, TypeError) else CollectionError
            # Of NaN scikit-learn says a page, of a wrong shape it prints the array.
            text = re.sub(r"array=.*?\.\n", "\n", str(error), flags=re.DOTALL)
            text = re.sub(r"\nCPC does not accept.*", " Impute or leave out these rows.", text, flags=re.DOTALL)
            raise kind(" ".join(text.split())) from None
        if self.per == "sequence":
            return Collection(list(table[:, :, None]))
        return Collection([table], rows=np.arange(len(table)))

    def _given(self, X: object) -> Collection:
        check_is_fitted(self)
        return self._read(X)

    def _scaled(self, sequences: Sequence[np.ndarray]) -> Arrays:
        return _arrays([((rows - self.mean_) / self.scale_).astype(np.float32) for rows in sequences])


def _arrays(sequences: Sequence[np.ndarray]) -> Arrays:
    return Arrays(sequences, [Item(str(number), str(number)) for number in range(len(sequences))])
