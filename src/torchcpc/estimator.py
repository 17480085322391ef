"""Contrastive Predictive Coding as a scikit-learn transformer, from arrays in memory; the training is that of `cpc train`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
from lightning_fabric import Fabric
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from torchcpc.data.arrays import Arrays, Item
from torchcpc.data.collection import CollectionError, blocks, channels, collection
from torchcpc.data.splits import hold_out
from torchcpc.data.windows import sequential
from torchcpc.information.pmi_per_step import pmi_by_step
from torchcpc.information.scoring import marginal
from torchcpc.objectives import Contrast
from torchcpc.representations.embed import frames
from torchcpc.representations.pool import POOLS, pooled
from torchcpc.runs.pretrain import SCHEMA, VALIDATION_WINDOWS, create_run, pretrain
from torchcpc.runs.saved import from_pretrained
from torchcpc.scores import Shared
from torchcpc.settings import resolve, suggest
from torchcpc.training.validation import held_out_bound

# Rows that are embedded at once: tens of megabytes, for any amount of data.
_POSITIONS = 1 << 16
# Marginal samples behind log Z: its error is then a few hundredths of a nat where scores are moderate.
_SAMPLES = 1024


class CPC(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Representations of sequences, learned without labels (van den Oord, Li, Vinyals, arXiv:1807.03748).

    X, everywhere: [cases, steps, channels]; or a list of [steps, channels] (numpy, pandas, tensors) of any lengths, or of [steps];
    or a table [n, d] (numpy or pandas), which `per` reads. Whatever it is, a table of n rows gives n rows.

    per: "sequence" - a row of the result is a sequence, and so is a row of a table: n series of d steps of one channel;
        "step" - a row of the result is a step, and a table is one sequence of n steps of d channels.
    output: "context" (c_t, which sums up all steps so far) or "latent" (z_t, of its own step alone).
    pool: how the steps of a sequence become its row: "mean+deviation", "mean" or "last".
    latent_dim, context_dim: widths of z and c. context: "gru", or "none" for c_t = z_t.
    horizons: predict 1 to this many steps ahead (fewer where sequences are shorter: `horizons_`).
    window, batch: training sees `batch` random stretches of `window` steps an update. candidates: size of the pool that the true
        future competes with; strategy: who may be in it ("mixed", "mixed_excluding" the own sequence, "current_only"; see
        `scores.strategies`).
    standardize: bring each channel to mean 0 and deviation 1, by the sequences that are trained on.
    validation: fraction of the sequences held out to choose the best weights; of a single sequence, one of up to ten blocks.
    max_iter, learning_rate: updates, and Adam's step size at its peak (linear rise, then half a cosine).
    device: what trains it ("cpu", "cuda", "auto"); the trained model is kept, and used, on the CPU.
    random_state: an int makes fit repeatable, weights, order, candidates and held-out sequences alike.

    Attributes: `model_` (the torch module), `bound_` (best validation bound, nats, mean over horizons: slightly hopeful, for the weights
    were chosen by it; `score` on fresh data is not), `history_` (all validations: bounds, ceilings and accuracies per horizon), `n_iter_`,
    `horizons_`, `window_`, `mean_`, `scale_`, `log_partition_`.
    """

    def __init__(
        self,
        *,
        per: str = "sequence",
        output: str = "context",
        pool: str = "mean+deviation",
        latent_dim: int = 64,
        context_dim: int = 64,
        context: str = "gru",
        horizons: int = 8,
        window: int = 128,
        batch: int = 32,
        candidates: int = 512,
        strategy: str = "mixed",
        standardize: bool = True,
        validation: float = 0.1,
        max_iter: int = 1000,
        learning_rate: float = 2e-3,
        device: str = "cpu",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.per, self.output, self.pool = per, output, pool
        self.latent_dim, self.context_dim, self.context = latent_dim, context_dim, context
        self.horizons, self.window, self.batch = horizons, window, batch
        self.candidates, self.strategy = candidates, strategy
        self.standardize, self.validation = standardize, validation
        self.max_iter, self.learning_rate = max_iter, learning_rate
        self.device, self.random_state = device, random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains on the sequences of X; y is ignored. Raises CPCError (a ValueError where X is at fault), warns as `cpc train` does."""
        for name, choices in (("per", ("sequence", "step")), ("output", ("context", "latent")), ("pool", POOLS)):
            if getattr(self, name) not in choices:
                raise CollectionError(
                    f"{name} = {getattr(self, name)!r} is unknown.{suggest(str(getattr(self, name)), choices)}"
                )
        for name in ("latent_dim", "context_dim", "horizons", "window", "batch", "candidates", "max_iter"):
            if not isinstance(getattr(self, name), Integral) or getattr(self, name) < 1:
                raise CollectionError(f"{name} = {getattr(self, name)!r}: a whole number, at least 1.")
        if not (isinstance(self.learning_rate, Real) and 0 < self.learning_rate < np.inf):
            raise CollectionError(f"learning_rate = {self.learning_rate!r}: a number above 0.")
        given = self._read(X, reset=True)
        parts = given if len(given) > 1 else blocks(given[0], length=self.window)
        longest = max(map(len, parts))
        if longest < 2:
            raise CollectionError(
                f"n_samples = {len(given)}, n_features = {given[0].shape[1]}: no sequence is long enough to predict a step "
                "from the one before (a single one is cut in two). A table is read by `per`."
            )
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        sources = _arrays(parts)
        self._standardise_by([parts[i] for i in hold_out(sources, seed, validation=self.validation).train])
        self.window_ = min(self.window, longest)
        self.horizons_ = min(self.horizons, self.window_ - 1)
        self.history_ = []
        scaled = self._scaled(parts)
        with TemporaryDirectory() as folder:
            run = Path(folder)
            create_run(run, self._settings(), recipe="estimator", roots=(), seed=seed, precision="32-true")
            fabric = Fabric(accelerator=self.device, devices=1, precision="32-true")
            outcome = pretrain(run, scaled, fabric=fabric, on_event=self._heard)
            if outcome.interrupted:
                raise KeyboardInterrupt
            self.model_, _ = from_pretrained(run)
        self.bound_, self.n_iter_ = outcome.best, outcome.step
        self.log_partition_ = marginal(self.model_, scaled, list(range(len(scaled))), count=_SAMPLES, seed=seed)
        return self

    def transform(self, X: Any) -> Any:
        """Representations, float32. per="sequence": [cases, features]; per="step": [n, features] of a table, [cases, steps, features] of a
        3-D array, else a list of [steps, features]. A step's row knows the past of its sequence and nothing after it."""
        check_is_fitted(self)
        z, c = frames(self.model_, self._scaled(self._read(X)), positions_per_batch=_POSITIONS)
        rows = c if self.output == "context" else z
        return pooled(rows, pool=self.pool) if self.per == "sequence" else _like(X, rows)

    def score(self, X: Any, y: Any = None) -> float:
        """The InfoNCE bound on X in nats, mean over horizons: log N - loss, among candidates from X. Higher is better, chance is 0."""
        check_is_fitted(self)
        sources = self._scaled(self._read(X))
        windows = sequential(sources, length=self.window_, batch=self.batch, limit=VALIDATION_WINDOWS)
        return held_out_bound(self.model_, Contrast(Shared(count=self.candidates, strategy=self.strategy)), windows)["bound"]

    def score_samples(self, X: Any) -> Any:
        """log p(x_t | past) / p(x_t) in nats, mean over the horizons that reach step t; its negative is the surprise.

        per="step": a value per step, shaped as in `transform` without features, NaN for the first step, which nothing predicts.
        per="sequence": [cases], the mean over the steps. log Z is from at most 1,024 steps of the sequences given to fit.
        """
        check_is_fitted(self)
        values = pmi_by_step(self.model_, self._scaled(self._read(X)), self.log_partition_, positions_per_batch=_POSITIONS)
        if self.per == "step":
            return _like(X, values)
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

    def _settings(self) -> dict[str, dict[str, Any]]:
        given = {
            "data": {"name": "arrays"},
            "encoder": {"name": "vectors", "features": len(self.mean_), "dim": self.latent_dim},
            "context": {"name": self.context} | ({} if self.context == "none" else {"dim": self.context_dim}),
            "predictor": {"name": "bilinear", "count": self.horizons_},
            "candidates": {"name": "shared", "count": self.candidates, "strategy": self.strategy},
            "windows": {"length": self.window_, "batch": self.batch},
            "split": {"validation": self.validation},
            "training": {
                "steps": self.max_iter,
                "learning_rate": self.learning_rate,
                "warmup": self.max_iter // 20,
                "schedule": "cosine",
                "validate_every": max(1, self.max_iter // 10),
            },
        }
        return resolve(given, {**SCHEMA, "data": {"arrays": _arrays}})

    def _heard(self, event: str, step: int, metrics: dict[str, Any]) -> None:
        if event == "valid":
            self.history_.append({"step": step, **metrics})
        elif event == "warning":
            warnings.warn(f"update {step}: {metrics['reason']}", ConvergenceWarning, stacklevel=2)

    def _read(self, X: Any, *, reset: bool = False) -> list[np.ndarray]:
        """X as sequences [steps, channels], with as many channels as were trained on."""
        found = collection(X)
        if found is None:
            table: Any = validate_data(self, X, reset=reset, dtype=[np.float64, np.float32])
            found = list(table[:, :, None]) if self.per == "sequence" else [table]
        elif reset:
            # Of an earlier fit on a table. Sources of a collection have channels, checked below, but no fixed number of features.
            for stale in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(stale, None)
        width = channels(found)
        if not reset and width != len(self.mean_):
            raise CollectionError(f"sequences of {width} channels: fit saw {len(self.mean_)}. A table is read by `per`.")
        return found

    def _standardise_by(self, sequences: Sequence[np.ndarray]) -> None:
        rows = np.concatenate(sequences).astype(np.float64)
        self.mean_, self.scale_ = np.zeros(rows.shape[1]), np.ones(rows.shape[1])
        if self.standardize:
            self.mean_, deviation = rows.mean(axis=0), rows.std(axis=0)
            # A constant channel deviates from its own mean by rounding, which is no scale.
            self.scale_ = np.where(deviation > 1e-10 * abs(self.mean_), deviation, 1.0)

    def _scaled(self, sequences: Sequence[np.ndarray]) -> Arrays:
        return _arrays([((each - self.mean_) / self.scale_).astype(np.float32) for each in sequences])


def _arrays(sequences: Sequence[np.ndarray] = ()) -> Arrays:
    return Arrays(sequences, [Item(str(number), str(number)) for number in range(len(sequences))])


def _like(X: Any, rows: list[np.ndarray]) -> Any:
    """One array per sequence, in the shape in which the sequences came."""
    if collection(X) is None:
        return rows[0]
    return rows if isinstance(X, list | tuple) or len(X.shape) != 3 else np.stack(rows)
