"""Calibrated scores of some sources, which are computed when they are written, ranked or drawn."""

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
    """log p(x_{t+k} | c_t) / p(x_{t+k}) in nats, of the sources at `indices` against a marginal sample."""

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
        """A row for every pair (t, t+k), with the columns of `score_rows`; in memory (needs pandas)."""
        import pandas

        return pandas.concat(map(pandas.DataFrame, self._rows()), ignore_index=True)

    def write(self, path: Path | str) -> int:
        """PMI and surprise of every pair (t, t+k) in a .parquet or .npz file; returns their number."""
        nothing = f"no source is longer than k = {self.trained.model.predictor.horizons[0]} steps: nothing was scored."
        return write_rows(Path(path), self._rows(), nothing=nothing)

    def _rows(self) -> Iterator[Rows]:
        return score_rows(self.trained, self.sources, self.indices, self.sample)

    def profiles(self, k: int | None = None) -> tuple[tuple[Profile, ...], int]:
        """The sorted scores of candidates for some contexts, and the horizon: k, by default the first without overlap."""
        model, index = self.trained.model, self.trained.horizon_index(k)
        steps = list(steps_in(self.trained, self.sources, self.indices, "scoring"))
        return score_profiles(model, self.sample, steps, self.sources, index=index), model.predictor.horizons[index]


def score(run: TrainedRun, data: Data | None, spec: SampleSpec) -> Scores:
    """Of the sources in `data`, each against samples of all the others; without data, of half of what the run held out against the rest."""
    if data is None and run.record is not None:
        drawn_from, scored, origin = run.partition_split()
        run.listener.note(f"{counted(len(scored), 'source')} scored, log Z from {counted(len(drawn_from), 'other')}: {origin}")
        return Scores(run, run.open(), scored, draw_sample(run, run.open(), drawn_from, spec))
    sources, indices, _ = run.evaluated(data)
    return Scores(run, sources, indices, draw_sample(run, sources, indices, spec))
