"""Runs from Python: `load` or `train` one, then ask it what the commands ask.

A verb takes data (a folder or manifest, several of them, or open sources; by default the run's own) and the fields of its
specification as keywords. It returns a typed result, which prints itself, shows in a notebook, and converts to JSON and pandas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from torchcpc.anomalies.detect import AnomalySpec, detect, write_scores
from torchcpc.anomalies.result import AnomalyTable
from torchcpc.atomic import TABLES, check_suffix
from torchcpc.contracts import QUIET, CPCError, Listener, Progress, Sources
from torchcpc.data.alignment import read_alignment
from torchcpc.information.candidates import rank_candidates, score_continuations
from torchcpc.information.measure import measure
from torchcpc.information.result import CandidateTable, ContinuationTable, InformationTable, Timeline
from torchcpc.information.score import Scores, score
from torchcpc.information.scoring import SampleSpec, draw_sample
from torchcpc.information.timeline import TimelineSpec, pmi_timeline
from torchcpc.model import CPCModel
from torchcpc.probes.compare import compare as compare_probes
from torchcpc.probes.question import ProbeRows, ProbeSpec
from torchcpc.probes.result import ProbeTable
from torchcpc.ranking.compare import compare as compare_ranks
from torchcpc.ranking.questions import RankSpec
from torchcpc.ranking.result import RankTable
from torchcpc.recording.result import RecordingView
from torchcpc.recording.view import ViewSpec, view_source
from torchcpc.report import build_report, write_recording_page
from torchcpc.report.library import check_library
from torchcpc.report.results import keep
from torchcpc.representations.nearest import NearestSpec, nearest
from torchcpc.representations.result import Embedding, NearestTable
from torchcpc.representations.rows import NOTHING, embed, embedding_rows
from torchcpc.representations.write import write_rows
from torchcpc.results import SavedResult
from torchcpc.runs.build import changed
from torchcpc.runs.devices import ANY_DEVICE, Devices
from torchcpc.runs.expand_vocabulary import Expanded, expand
from torchcpc.runs.onnx import export_onnx, facts_of
from torchcpc.runs.open_sources import Data, are_open, named_roots
from torchcpc.runs.pretrain import pretrain
from torchcpc.runs.pretrain import resume as resume_pretraining
from torchcpc.runs.run import TrainedRun, load_run
from torchcpc.segmentation.boundaries import SegmentSpec, boundaries
from torchcpc.segmentation.compare import compare as compare_boundaries
from torchcpc.segmentation.result import SegmentTable
from torchcpc.settings import load_recipe, recipe_name
from torchcpc.settings.specify import specify
from torchcpc.streaming import Stream
from torchcpc.training.record import OnEvent, ignore


class Where(TypedDict):
    """Where a stage of the work runs, and who hears how far it is."""

    device: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Run:
    """A trained run with the verbs of the command line. trained: its model, settings, record and data."""

    trained: TrainedRun

    @property
    def folder(self) -> Path:
        return self.trained.folder

    @property
    def model(self) -> CPCModel:
        """The torch module, in evaluation mode."""
        return self.trained.model

    def open(self, data: Data | None = None) -> Sources:
        """The sources in `data`, read with the run's own settings (sample rate, vocabulary, channels); by default its own."""
        return self.trained.open(data)

    def embed(self, data: Data | None = None, *, per: str = "step") -> Embedding:
        """z and c in memory: a row a step, or with per = "source" the mean of each source."""
        sources = self.open(data)
        with self._stage("embedding") as where:
            return embed(self.model, sources, per=per, **where)

    def write_embedding(self, path: Path | str, data: Data | None = None, *, per: str = "step") -> tuple[int, int]:
        """The same in a .csv, .parquet or .npz file, the first two in bounded memory. Returns the numbers of rows and of sources."""
        check_suffix(Path(path), TABLES)
        sources = self.open(data)
        with self._stage("embedding") as where:
            rows = embedding_rows(self.model, sources, per=per, **where)
            return write_rows(Path(path), rows, nothing=NOTHING), len(sources)

    def probe(
        self, data: Data | None = None, *, rows: ProbeRows | None = None, seed_runs: Sequence[Run] = (), **spec: object
    ) -> ProbeTable:
        """How well simple models read a label (`label="speaker"`) off the representations, compared with baselines.

        Args:
            rows: What stands in the table.
            seed_runs: Runs of other seeds, whose numbers are averaged.
            spec: Fields of `probes.ProbeSpec`; an alignment may be a path.
        """
        sources = self.trained.open(data, tested := named_roots(spec.get("test_data")))
        if isinstance(path := spec.get("alignment"), str | Path):
            spec["alignment"] = read_alignment(Path(path), column=str(spec.get("label")), rate=sources.rate)
        table = compare_probes(
            self._with(seed_runs), sources, specify(ProbeSpec, spec), rows or ProbeRows(), self.trained.listener
        )
        # Of two tables with one label but other data the second must not replace the first.
        names = () if are_open(data) else tuple(Path(root).name for root in (*named_roots(data), *tested))
        return replace(table, split=replace(table.split, data=names))

    def score(self, data: Data | None = None, **sample: object) -> Scores:
        """Calibrated scores of every true future: log p(x_{t+k} | c_t) / p(x_{t+k}) in nats. sample: fields of `SampleSpec`."""
        return score(self.trained, data, specify(SampleSpec, sample))

    def rank(self, data: Data | None = None, *, seed_runs: Sequence[Run] = (), **spec: object) -> RankTable:
        """How often the true future comes first among other candidates. spec: fields of `ranking.RankSpec`."""
        return compare_ranks(self._with(seed_runs), data, specify(RankSpec, spec))

    def rank_step(
        self, step: str, data: Data | None = None, *, k: int | None = None, top: int = 10, **sample: object
    ) -> CandidateTable:
        """The best candidates for the future of one context, "SOURCE:STEP"."""
        self.trained.horizon_index(k)
        scores = self.score(data, **sample)
        return rank_candidates(self.trained, scores.sources, scores.indices, scores.sample, step, k=k, top=top)

    def rank_texts(
        self,
        context: str | Sequence[str],
        candidates: Sequence[str],
        data: Data | None = None,
        *,
        k: int | None = None,
        top: int | None = None,
        **sample: object,
    ) -> ContinuationTable:
        """Which candidate sentences continue a text best. data: documents that log Z is drawn from."""
        self.trained.horizon_index(k)
        sources, indices, _ = self.trained.evaluated(data)
        drawn = draw_sample(self.trained, sources, indices, specify(SampleSpec, sample))
        return score_continuations(self.trained, drawn, context, candidates, k=k, top=top)

    def information(self, data: Data | None = None, **sample: object) -> InformationTable:
        """What contexts say about the steps ahead, per step k, in nats. sample: fields of `SampleSpec`."""
        self.trained.require_record()
        spec, sources = specify(SampleSpec, sample), self.open(data)
        split = self.trained.partition_split(sources if data is not None else None)
        return measure(self.trained, sources, split, draw_sample(self.trained, sources, split.partition, spec))

    def segment(
        self,
        data: Data | None = None,
        *,
        alignment: Path | str = "",
        label: str = "phone",
        seed_runs: Sequence[Run] = (),
        **spec: object,
    ) -> SegmentTable:
        """How well boundaries match those of an alignment, which must be named. spec: fields of `segmentation.SegmentSpec`."""
        if not alignment:
            raise CPCError("alignment = '': name a file of known boundaries, or write those of the run with write_boundaries.")
        asked, known = specify(SegmentSpec, spec), read_alignment(Path(alignment), column=label)
        return compare_boundaries(self._with(seed_runs), self.open(data), known, asked)

    def write_boundaries(self, path: Path | str, data: Data | None = None, **spec: object) -> tuple[int, float, float]:
        """Boundaries of every source in a .csv, .parquet or .npz file. Returns their number, their number
        per second, and the prominence that they have at least."""
        check_suffix(Path(path), TABLES)
        asked = specify(SegmentSpec, spec)
        found = boundaries(self.trained, self.open(data), asked)
        count = write_rows(Path(path), found.rows, nothing="no peak is so prominent: lower --prominence.")
        return count, found.per_second, found.threshold

    def anomalies(self, data: Data | None = None, *, out: Path | str | None = None, **spec: object) -> AnomalyTable:
        """Surprise of every row of sensor series, and alarms; `out`: a file for the scores. spec: fields of `anomalies.AnomalySpec`."""
        if out is not None:
            check_suffix(Path(out), TABLES)
        table, rows = detect(self.trained, data, specify(AnomalySpec, spec))
        if out is not None:
            write_scores(Path(out), rows, table, self.trained.listener)
        return table

    def nearest(self, data: Data | None = None, **spec: object) -> NearestTable:
        """The steps most similar to some sentences or steps. spec: fields of `NearestSpec`."""
        asked, sources = specify(NearestSpec, spec), self.open(data)
        with self._stage("searching") as where:
            return nearest(self.model, sources, asked, self.trained.config["data"], **where)

    def timeline(self, data: Data | None = None, **spec: object) -> Timeline:
        """How expected each step of one source was by all before it. spec: fields of `information.timeline.TimelineSpec`."""
        return pmi_timeline(self.trained, data, specify(TimelineSpec, spec))

    def timeline_page(self, path: Path | str, data: Data | None = None, **spec: object) -> RecordingView:
        """The same as one HTML file: the source itself, its sound, surprise, boundaries and alarms. spec: fields of
        `recording.view.ViewSpec`. Raises CPCError without bokeh (torchcpc[pages])."""
        check_library()
        view = view_source(self.trained, data, specify(ViewSpec, spec))
        write_recording_page(Path(path), view)
        return view

    def stream(self, data: Data | None = None, *, calibrated: bool = True, **sample: object) -> Stream:
        """A stream that takes chunks as they arrive. calibrated: with PMI, whose log Z is drawn from `data` or from held-out sources."""
        if not calibrated:
            return self.model.stream()
        sources, indices, _ = self.trained.evaluated(data)
        return self.model.stream(draw_sample(self.trained, sources, indices, specify(SampleSpec, sample)))

    def expand(self, vectors: Path | str, out: Path | str, *, most: int = 100_000, seed: int = 0) -> Expanded:
        """Writes `out`: the model with the words of a file of word vectors, mapped into its own embedding."""
        return expand(self.trained, Path(vectors), Path(out), most=most, seed=seed)

    def export(self, path: Path | str) -> None:
        """Writes encoder and context as one ONNX file."""
        export_onnx(self.model, Path(path), names=facts_of(self.trained))

    def keep(self, result: SavedResult) -> Path:
        """Writes a result into the run folder, where the report finds it."""
        return keep(self.folder, result)

    def report(self) -> Path:
        """Builds report.html in the run folder."""
        return build_report(self.folder)

    def _with(self, seed_runs: Sequence[Run]) -> list[TrainedRun]:
        return [self.trained, *(replace(run.trained, told=self.trained.told) for run in seed_runs)]

    @contextmanager
    def _stage(self, name: str) -> Iterator[Where]:
        with self.trained.listener.stage(name) as progress:
            yield {"device": self.trained.device, "progress": progress}


def load(name: Path | str, *, device: str = "cpu", listener: Listener = QUIET) -> Run:
    """A run, or a saved model, from a folder or a Hugging Face Hub repository id. Raises CPCError for anything else."""
    return Run(load_run(name, device=device, listener=listener))


def train(
    recipe: str | Path | Mapping[str, Mapping[str, object]],
    *,
    name: str = "",
    data: Data | None = None,
    out: Path | str | None = None,
    seed: int = 0,
    devices: Devices = ANY_DEVICE,
    listener: Listener = QUIET,
    on_event: OnEvent = ignore,
    data_settings: Mapping[str, object] | None = None,
    **sections: Mapping[str, object],
) -> Run:
    """Trains a recipe (one that ships, a .toml file, the settings.json of a run, or its sections) on `data`, as the new run `out`.

    Args:
        name: What the run calls its recipe, by default the recipe's own name.
        out: By default runs/NAME.
        devices: What trains: accelerator, devices, machines, precision.
        on_event: Hears (event, update, metrics) of the training, such as `log_to("tensorboard")`.
        data_settings: Settings that replace those of the section [data] of the recipe.
        sections: Settings that replace those of other sections, such as `training={"steps": 5000}`.

    Raises:
        CPCError: For impossible settings or data, and for a folder in use.
        KeyboardInterrupt: When it was interrupted. What was done is kept, and `resume` continues it. SIGTERM ends the process likewise.
    """
    tables, title = (recipe, name) if isinstance(recipe, Mapping) else (load_recipe(str(recipe)), name or recipe_name(recipe))
    settings = changed(tables, {**sections, **({"data": data_settings} if data_settings else {})})
    folder = Path(out) if out else Path("runs") / (title or "mine")
    how = {"recipe": title, "seed": seed, "devices": devices, "listener": listener, "on_event": on_event}
    return Run(pretrain(settings, data, folder, **how).run)


def resume(
    folder: Path | str,
    data: Data | None = None,
    *,
    accept_changed_data: bool = False,
    devices: Devices = ANY_DEVICE,
    listener: Listener = QUIET,
    on_event: OnEvent = ignore,
) -> Run:
    """Continues an interrupted run to its end, bit for bit as if it had never stopped. Raises as `train` does.

    Args:
        data: Its sources, where they are in memory or in another place now.
        accept_changed_data: Goes on where its sources have changed, and says how. Otherwise that is refused.
        on_event: Hears (event, update, metrics) of the training.
    """
    how = {"accept_changed_data": accept_changed_data, "devices": devices, "listener": listener, "on_event": on_event}
    return Run(resume_pretraining(Path(folder), data, **how).run)
