"""Calibrated scores of some sources. They are computed when they are written, ranked or drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torchcpc.contracts import Sources, counted
from torchcpc.information.candidates import score_profiles
from torchcpc.information.result import Profile
from torchcpc.information.scoring import SampleSpec, draw_sample, score_rows, steps_in
from torchcpc.representations.write import Rows, write_rows
from torchcpc.runs.open_sources import Data
from torchcpc.runs.run import TrainedRun
from torchcpc.scores.calibration import Sample

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False)
class Scores:
    """Calibrated scores log p(x_{t+k} | c_t) / p(x_{t+k}) of some sources, in nats.

    Attributes:
        trained: The run.
        sources: The sources.
        indices: Which of them are scored.
        sample: Samples for log Z.
    """

    trained: TrainedRun
    sources: Sources
    indices: Sequence[int]
    sample: Sample

    @property
    def estimate(self) -> str:
        """What the scores rest on, and what their mean estimates, in words."""
        of = self.sample.estimand
        return f"log Z from {of.samples} samples of {counted(of.sources, 'source')}; the mean estimates {of.name}"

    def __repr__(self) -> str:
        return f"Scores({len(self.indices)} sources; {self.estimate})"

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame with one row for every pair (t, t+k). This needs pandas.

        The columns are `source`, `sequence`, `step`, `k`, `time_s`, `pmi`, `surprise` and `effective`, as in
        `score_rows`.
        """
        import pandas

        return pandas.concat(map(pandas.DataFrame, self._rows()), ignore_index=True)

    def write(self, path: Path | str) -> int:
        """Write PMI and surprise of every pair (t, t+k) to a file.

        Args:
            path: The file to write. It ends in .csv, .parquet or .npz.

        Returns:
            The number of pairs.

        Raises:
            CPCError: If the file cannot be written, or no source is longer than the first horizon.
        """
        nothing = f"no source is longer than k = {self.trained.model.predictor.horizons[0]} steps: nothing was scored."
        return write_rows(Path(path), self._rows(), nothing=nothing)

    def _rows(self) -> Iterator[Rows]:
        """Return the rows, piece by piece."""
        return score_rows(self.trained, self.sources, self.indices, self.sample)

    def profiles(self, k: int | None = None) -> tuple[tuple[Profile, ...], int]:
        """Return the sorted scores of candidates for some contexts, and the horizon.

        Args:
            k: The horizon. Default: the first whose target shares no input with its context.

        Raises:
            CPCError: If `k` is no horizon of the model, or no source is long enough.
        """
        model, index = self.trained.model, self.trained.horizon_index(k)
        steps = list(steps_in(self.trained, self.sources, self.indices, "scoring"))
        return score_profiles(model, self.sample, steps, self.sources, index=index), model.predictor.horizons[index]


def score(run: TrainedRun, data: Data | None, spec: SampleSpec) -> Scores:
    """Return the scores of the sources in `data`, with log Z from all other sources.

    Args:
        run: The run.
        data: The data to score. Default: half of the held-out sources, with log Z from the other half.
        spec: How log Z is estimated.
    """
    if data is None and run.record is not None:
        drawn_from, scored, origin = run.partition_split()
        run.listener.note(f"{counted(len(scored), 'source')} scored, log Z from {counted(len(drawn_from), 'other')}: {origin}")
        return Scores(run, run.open(), scored, draw_sample(run, run.open(), drawn_from, spec, scored=scored))
    sources, indices, _ = run.evaluated(data)
    return Scores(run, sources, indices, draw_sample(run, sources, indices, spec, scored=indices))
