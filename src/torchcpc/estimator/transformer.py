"""Contrastive Predictive Coding as a scikit-learn transformer for arrays in memory. It trains as `cpc train` does."""

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

# Rows that are embedded at once. This takes tens of megabytes, whatever the amount of data.
_POSITIONS = 1 << 16
# Marginal samples that estimate log Z. Its error is then a few hundredths of a nat, if scores are moderate.
_SAMPLES = 1024


@dataclass(kw_only=True, eq=False, repr=False)
class CPC(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Representations of sequences, learned without labels.

    The method is Contrastive Predictive Coding (van den Oord, Li and Vinyals, arXiv:1807.03748). An encoder turns each step x_t into
    a vector z_t. A context network sums up the steps so far in a vector c_t. Training makes c_t predict the z of future steps among
    other candidates. The estimator is a scikit-learn transformer, so it works in pipelines and in model selection.

    Every method takes the sequences X in one of these forms:

    - an array [cases, steps, channels];
    - a list of arrays [steps, channels], or [steps] for one channel. They may differ in length. NumPy arrays, pandas frames and
      tensors all work;
    - a pandas frame with the index levels (case, step), or one with a sequence in every cell;
    - a table [n, d], as an array or a pandas frame. `per` decides how it is read.

    Args:
        per: What a row of the result is. With "sequence", a table [n, d] holds n series of d steps and one channel. With "step", a
            table [n, d] is one sequence of n steps and d channels.
        output: "context" for c_t, which sums up all steps so far, or "latent" for z_t, which depends on step t alone.
        pool: How the steps of a sequence become one row: "mean+deviation", "mean" or "last". Only used with per="sequence".
        latent_dim: Width of z.
        context_dim: Width of c. Only used with context="gru".
        context: Kind of context network: "gru", or "none" for c_t = z_t.
        horizons: Predict 1 to this many steps ahead. Shorter sequences allow fewer, see `horizons_`.
        window: Steps in each random stretch of a sequence that training sees.
        batch: Stretches in each update.
        candidates: Number of steps in the pool that the true future competes with.
        strategy: Which steps may compete: "mixed" for all, "mixed_excluding" for those of other sequences, or "current_only" for
            those of the same sequence. `torchcpc.scores.candidates` describes every strategy.
        standardize: Whether each channel is brought to mean 0 and standard deviation 1. The training sequences give both numbers.
        validation: Fraction of the sequences that is held out to choose the best weights. A single sequence is cut into at most ten
            blocks, of which one is held out.
        max_iter: Number of updates.
        learning_rate: Peak learning rate of Adam. The rate rises linearly, then falls along half a cosine.
        device: Device that trains the model: "cpu", "cuda" or "auto". The trained model is kept and used on the CPU.
        random_state: Seed, or random state, of the weights, the order, the candidates and the held-out sequences. An int makes `fit`
            repeatable.
        verbose: What `fit` shows on the error stream. 0 shows nothing. 1 shows progress, the remaining time, and at the end `bound_`
            next to `untrained_bound_`. 2 also shows every validation.

    Attributes:
        model_: The trained torch module, with the weights that predict the held-out sequences best.
        bound_: InfoNCE bound of the model on the held-out sequences, in nats, as the mean over the horizons. It is slightly
            optimistic, because the weights were chosen by it. `score` on new data has no such bias.
        untrained_bound_: Bound of the network before its first update, on the same windows and candidates. `fit` warns if `bound_` is
            not above it, because training was then in vain.
        best_iter_: Number of updates after which the kept weights were saved. 0 means that no update beat the untrained network.
        n_iter_: Number of updates that were done.
        history_: List of dicts, one for each validation, that of the untrained network first. Each has the bounds, the ceilings and
            the accuracies for all horizons.
        horizons_: Number of horizons that were used.
        window_: Steps in a window, as used.
        mean_: Array [channels], subtracted from each channel.
        scale_: Array [channels], which divides each channel.
        log_partition_: Sample of the marginal distribution that gives log Z to `score_samples`.
        n_features_in_: Number of columns, if `fit` saw a table.
        feature_names_in_: Names of the columns, if `fit` saw a table with names.
        channels_in_: Names of the channels, if `fit` saw frames.

    Examples:
        >>> import numpy as np
        >>> from torchcpc import CPC
        >>> X = np.random.default_rng(0).normal(size=(20, 50, 3)).cumsum(axis=1)
        >>> CPC(max_iter=10, random_state=0).fit_transform(X).shape  # mean and deviation of c, 64 numbers each
        (20, 128)
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
        """Train on the sequences of X, and keep the weights that predict the held-out sequences best.

        It warns if training went wrong or was in vain (ConvergenceWarning), and if X looks implausible (UserWarning).

        Args:
            X: Sequences, in one of the forms that the class describes.
            y: Ignored.

        Returns:
            The fitted estimator.

        Raises:
            CPCError: For a parameter out of its range. If X is wrong, the error is also a ValueError.
        """
        self._check_parameters()
        given = self._read(X, reset=True).sequences
        parts = given if len(given) > 1 else blocks(given[0], length=self.window)
        longest = max(map(len, parts))
        if longest < 2:
            raise CollectionError(
                f"n_samples = {len(given)}, n_features = {given[0].shape[1]}: no sequence is long enough to predict a step "
                "from the one before (a single one is cut in two). `per` decides how a table is read."
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
        """Return the representations of X.

        The row of a step depends on that step and its past, and on nothing after it.

        Args:
            X: Sequences, in one of the forms that the class describes.

        Returns:
            The representations, float32. With per="sequence" they have the shape [cases, features]. With per="step", a table gives
            [n, features], a 3-D array gives [cases, steps, features], and anything else a list of [steps, features].
        """
        given = self._given(X)
        z, c = frames(self.model_, self._scaled(given.sequences), positions_per_batch=_POSITIONS)
        rows = c if self.output == "context" else z
        if self.per == "step":
            return given.like_input(rows)
        x_CF = pooled(rows, pool=self.pool)
        if given.cases is None or vars(self).get("_sklearn_output_config", {}).get("transform") != "pandas":
            return x_CF
        # scikit-learn would use the index of X here, but that has a row for each step.
        import pandas

        return pandas.DataFrame(x_CF, index=given.cases)

    def score(self, X: object, y: object = None) -> float:
        """Return the InfoNCE bound on X, which is log N - loss with N candidates from X. Higher is better, and chance is 0.

        Args:
            X: Sequences, in one of the forms that the class describes.
            y: Ignored.

        Returns:
            The bound in nats, as the mean over the horizons.
        """
        windows = sequential(
            self._scaled(self._given(X).sequences), length=self.window_, batch=self.batch, limit=VALIDATION_WINDOWS
        )
        return held_out_bound(self.model_, Contrast(Shared(count=self.candidates, strategy=self.strategy)), windows)["bound"]

    def score_samples(self, X: object) -> np.ndarray | list[np.ndarray]:
        """Return log p(x_t | past) / p(x_t), the pointwise mutual information of step t and its past. Its negative is the surprise.

        The score of step t is the mean over the horizons that reach it. At most 1,024 steps of the sequences given to `fit` estimate
        log Z.

        Args:
            X: Sequences, in one of the forms that the class describes.

        Returns:
            Scores in nats, float32. With per="step" there is one for each step, in the shapes of `transform` without the features.
            The first step of a sequence is NaN, because nothing predicts it. With per="sequence" the shape is [cases], with the mean
            over the steps.
        """
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
        """Compare the trained network with the untrained one, and warn about doubts."""
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
        """Return X as sequences [steps, channels], and check that it has the channels that `fit` saw."""
        found = collection(X)
        if reset:  # an earlier fit may have seen another kind of X
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
            raise CollectionError(
                f"sequences of {width} channels: fit saw {len(self.mean_)}. `per` decides how a table is read."
            )
        return found

    def _table(self, X: object, *, reset: bool) -> Collection:
        """Return a table as sequences, as `per` says. `as_table` refuses first what scikit-learn would cast."""
        data: Any = as_table(X)  # sklearn says str and means any table
        try:
            table: Any = validate_data(self, data, reset=reset, dtype=[np.float64, np.float32])
        except (TypeError, ValueError) as error:
            kind = NotNumeric if isinstance(error, TypeError) else CollectionError
            # About NaN scikit-learn writes a page, and about a wrong shape it prints the array.
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
