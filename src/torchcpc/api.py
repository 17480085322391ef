"""The Python interface: `load` or `train` a run, then call the same verbs that the command line has.

A verb takes data and options as keyword arguments. Data are a folder or a manifest, several of them, or open sources.
Each verb returns a typed result. It prints as a table, displays in a notebook, and converts to JSON and pandas.
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
from torchcpc.sharing.model_card import Terms
from torchcpc.sharing.share import push, save
from torchcpc.streaming import Stream
from torchcpc.training.record import OnEvent, ignore


class Where(TypedDict):
    """The device that a stage of work runs on, and the callback that shows its progress."""

    device: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Run:
    """A trained run, or a saved model, with the verbs of the command line.

    Use `load`, `train` or `resume` to get one. In every method, `data` is a folder or a manifest, several of them, or
    open sources. Each method says which data it reads by default.

    Attributes:
        trained: The model with its settings, its training record and its data.
    """

    trained: TrainedRun

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.trained.folder

    @property
    def model(self) -> CPCModel:
        """The torch module, in evaluation mode."""
        return self.trained.model

    def open(self, data: Data | None = None) -> Sources:
        """Open data with the settings of the run, such as its sample rate, vocabulary or channels.

        Args:
            data: The data to open. Default: the data that the run was trained on.

        Returns:
            The open sources. Every other verb takes them as `data`.

        Raises:
            CPCError: If the data do not exist, or none of the files can be read.
        """
        return self.trained.open(data)

    def embed(self, data: Data | None = None, *, per: str = "step") -> Embedding:
        """Compute z and c of all sources, in memory.

        Args:
            data: The data to embed. Default: all data of the run.
            per: "step" gives one row per step. "source" gives one row per source, the mean over its steps.

        Returns:
            The vectors, with the source, time and labels of each row.

        Raises:
            CPCError: If `per` is unknown, or every source is shorter than one step.
        """
        sources = self.open(data)
        with self._stage("embedding") as where:
            return embed(self.model, sources, per=per, **where)

    def write_embedding(self, path: Path | str, data: Data | None = None, *, per: str = "step") -> tuple[int, int]:
        """Write z and c of all sources to a file.

        Memory stays bounded for .csv and .parquet. An .npz file is assembled in memory.

        Args:
            path: The file to write. It ends in .csv, .parquet or .npz.
            data: The data to embed. Default: all data of the run.
            per: "step" or "source", as in `embed`.

        Returns:
            The number of rows and the number of sources.

        Raises:
            CPCError: If the suffix is another one, the file cannot be written, or every source is shorter than one
                step.
        """
        check_suffix(Path(path), TABLES)
        sources = self.open(data)
        with self._stage("embedding") as where:
            rows = embedding_rows(self.model, sources, per=per, **where)
            return write_rows(Path(path), rows, nothing=NOTHING), len(sources)

    def probe(
        self, data: Data | None = None, *, rows: ProbeRows | None = None, seed_runs: Sequence[Run] = (), **spec: object
    ) -> ProbeTable:
        """Measure how well simple classifiers read a label from the representations.

        Args:
            data: The labelled data. Default: the data of the run.
            rows: The rows of the table, such as the baselines and the number of untrained networks. Default: linear
                probes only.
            seed_runs: Runs of other seeds. The table shows averages over all seeds.
            **spec: Fields of `torchcpc.probes.question.ProbeSpec`. `label` is required. `alignment` may be the path
                of a file.

        Returns:
            The accuracy of each representation and baseline, with 95 % intervals.

        Raises:
            CPCError: If the label is unknown, or options exclude each other.

        Examples:
            >>> table = run.probe(label="speaker")
        """
        sources = self.trained.open(data, tested := named_roots(spec.get("test_data")))
        if isinstance(path := spec.get("alignment"), str | Path):
            spec["alignment"] = read_alignment(Path(path), column=str(spec.get("label")), rate=sources.rate)
        table = compare_probes(
            self._with(seed_runs), sources, specify(ProbeSpec, spec), rows or ProbeRows(), self.trained.listener
        )
        # Two tables with the same label but different data must not replace each other.
        names = () if are_open(data) else tuple(Path(root).name for root in (*named_roots(data), *tested))
        return replace(table, split=replace(table.split, data=names))

    def score(self, data: Data | None = None, **sample: object) -> Scores:
        """Prepare calibrated scores of every true future: log p(x_{t+k} | c_t) / p(x_{t+k}), in nats.

        Without `data`, half of the held-out sources are scored. The other half gives the samples for log Z.

        Args:
            data: The data to score. log Z of each source then comes from all other sources. Default: the held-out
                sources.
            **sample: Fields of `torchcpc.information.scoring.SampleSpec`: `samples`, `marginal`, `correction`,
                `seed`.

        Returns:
            The scores. They are computed when `write`, `to_pandas` or `profiles` is called.

        Raises:
            CPCError: If there are too few sources or steps for log Z.
        """
        return score(self.trained, data, specify(SampleSpec, sample))

    def rank(self, data: Data | None = None, *, seed_runs: Sequence[Run] = (), **spec: object) -> RankTable:
        """Measure how often the true future ranks first among other candidates.

        Args:
            data: The data to rank in. Default: the held-out sources.
            seed_runs: Runs of other seeds. The table shows averages over all seeds.
            **spec: Fields of `torchcpc.ranking.questions.RankSpec`, such as `candidates=100`.

        Returns:
            Top-1 accuracy, mean reciprocal rank and mean rank of CPC and of baselines, with 95 % intervals.

        Raises:
            CPCError: If the sources have too few steps for the candidates that were asked for.
        """
        return compare_ranks(self._with(seed_runs), data, specify(RankSpec, spec))

    def rank_step(
        self, step: str, data: Data | None = None, *, k: int | None = None, top: int = 10, **sample: object
    ) -> CandidateTable:
        """Rank all steps as the future of one context.

        Args:
            step: The context, as "SOURCE:STEP".
            data: The data that hold the context and the candidates. Default: the sources that `score` would score.
            k: Steps ahead. Default: the first horizon whose target shares no input with its context.
            top: The number of candidates to return.
            **sample: Fields of `torchcpc.information.scoring.SampleSpec`.

        Returns:
            The best candidates with their PMI in nats, and the rank of the true future.

        Raises:
            CPCError: If the step does not exist, `k` is no horizon of the model, or the run is one of pictures.
        """
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
        """Rank candidate sentences as the continuation of a text.

        Args:
            context: A text, or a list of its sentences. The last sentence is the latest one.
            candidates: The sentences to rank.
            data: The documents that log Z is estimated from. Default: the held-out documents.
            k: Sentences ahead. Default: the first horizon.
            top: The number of candidates to return. Default: all.
            **sample: Fields of `torchcpc.information.scoring.SampleSpec`.

        Returns:
            The candidates, best first, with their PMI in nats at every horizon.

        Raises:
            CPCError: If the run reads no text, or `k` is no horizon of the model.
        """
        self.trained.horizon_index(k)
        sources, indices, _ = self.trained.evaluated(data)
        drawn = draw_sample(self.trained, sources, indices, specify(SampleSpec, sample))
        return score_continuations(self.trained, drawn, context, candidates, k=k, top=top)

    def information(self, data: Data | None = None, **sample: object) -> InformationTable:
        """Estimate how many nats a context tells about the step k ahead, for every k.

        The table holds the InfoNCE bound and the calibrated mean PMI, both with 95 % intervals. One part of the
        sources gives the samples for log Z. The other part is evaluated.

        Args:
            data: The data to measure, at least two sources. Default: the held-out sources.
            **sample: Fields of `torchcpc.information.scoring.SampleSpec`: `samples`, `marginal`, `correction`,
                `seed`.

        Returns:
            One row per horizon, calibration checks, and cautions where numbers need care.

        Raises:
            CPCError: If this is a saved model without a training record, or there are too few sources or steps.
        """
        self.trained.require_record()
        spec, sources = specify(SampleSpec, sample), self.open(data)
        split = self.trained.partition_split(sources if data is not None else None)
        drawn = draw_sample(self.trained, sources, split.partition, spec, scored=split.evaluated)
        return measure(self.trained, sources, split, drawn)

    def segment(
        self,
        data: Data | None = None,
        *,
        alignment: Path | str = "",
        label: str = "phone",
        seed_runs: Sequence[Run] = (),
        **spec: object,
    ) -> SegmentTable:
        """Compare boundaries that the model finds with known ones.

        Args:
            data: The data to segment. Default: the data of the run.
            alignment: The file of known boundaries. It is required.
            label: The column of the alignment that holds the labels.
            seed_runs: Runs of other seeds. The table shows averages over all seeds.
            **spec: Fields of `torchcpc.segmentation.boundaries.SegmentSpec`.

        Returns:
            Precision, recall, F1 and R-value of each curve and baseline.

        Raises:
            CPCError: If no alignment is named, it cannot be read, or the run is one of pictures.
        """
        if not alignment:
            raise CPCError("alignment = '': name a file of known boundaries, or write those of the run with write_boundaries.")
        asked, known = specify(SegmentSpec, spec), read_alignment(Path(alignment), column=label)
        return compare_boundaries(self._with(seed_runs), self.open(data), known, asked)

    def write_boundaries(self, path: Path | str, data: Data | None = None, **spec: object) -> tuple[int, float, float]:
        """Write the boundaries of every source to a file. This needs no labels.

        Args:
            path: The file to write. It ends in .csv, .parquet or .npz.
            data: The data to segment. Default: the data of the run.
            **spec: Fields of `torchcpc.segmentation.boundaries.SegmentSpec`, such as `curve`, `prominence` or `rate`.

        Returns:
            The number of boundaries, their number per second, and the least prominence that a boundary must have.

        Raises:
            CPCError: If the suffix is another one, no peak is prominent enough, or the run is one of pictures.
        """
        check_suffix(Path(path), TABLES)
        asked = specify(SegmentSpec, spec)
        found = boundaries(self.trained, self.open(data), asked)
        count = write_rows(Path(path), found.rows, nothing="no peak is prominent enough: lower --prominence.")
        return count, found.per_second, found.threshold

    def anomalies(self, data: Data | None = None, *, out: Path | str | None = None, **spec: object) -> AnomalyTable:
        """Score every row of sensor series by its surprise, and raise alarms.

        The threshold is a quantile of the scores of the validation sources.

        Args:
            data: The series to score. Default: the sources that the run never saw, else its validation sources.
            out: A file for the scores. It ends in .csv, .parquet or .npz. Default: no file.
            **spec: Fields of `torchcpc.anomalies.detect.AnomalySpec`, such as `quantile=0.99`.

        Returns:
            Thresholds and alarms of each method. With `label`, also how well scores and alarms match the labelled
            anomalies.

        Raises:
            CPCError: If the run reads no sensor series, has no validation sources, or the label is unknown.
        """
        if out is not None:
            check_suffix(Path(out), TABLES)
        table, rows = detect(self.trained, data, specify(AnomalySpec, spec))
        if out is not None:
            write_scores(Path(out), rows, table, self.trained.listener)
        return table

    def nearest(self, data: Data | None = None, **spec: object) -> NearestTable:
        """Find the steps that are most similar to given sentences or steps.

        Args:
            data: The data to search. Default: all data of the run.
            **spec: Fields of `torchcpc.representations.nearest.NearestSpec`: `sentences`, `steps` ("SOURCE:STEP"),
                `by` and `top`.

        Returns:
            The most similar steps of each query, with their cosine similarity.

        Raises:
            CPCError: If there is no query, a step does not exist, or a sentence is given to a run that reads no text.
        """
        asked, sources = specify(NearestSpec, spec), self.open(data)
        with self._stage("searching") as where:
            return nearest(self.model, sources, asked, self.trained.config["data"], **where)

    def timeline(self, data: Data | None = None, **spec: object) -> Timeline:
        """Measure how expected each step of one source was, given all steps before it.

        Args:
            data: The data that hold the source. Default: the held-out sources.
            **spec: Fields of `torchcpc.information.timeline.TimelineSpec`, such as `source`, `smooth` or `shuffle`.

        Returns:
            PMI in nats of every step, for each horizon.

        Raises:
            CPCError: If the source is unknown or too short, there is no other source for log Z, or the run is one of
                pictures.
        """
        return pmi_timeline(self.trained, data, specify(TimelineSpec, spec))

    def timeline_page(self, path: Path | str, data: Data | None = None, **spec: object) -> RecordingView:
        """Write the timeline of one source as one HTML file.

        The page shows the source itself with its sound, PMI, surprise, boundaries and alarms. It needs bokeh, which
        `torchcpc[pages]` installs.

        Args:
            path: The HTML file to write.
            data: The data that hold the source. Default: the held-out sources.
            **spec: Fields of `torchcpc.recording.view.ViewSpec`, such as `source`, `start` and `end`.

        Returns:
            The content of the page.

        Raises:
            CPCError: If bokeh is missing, the stretch does not exist, or `timeline` would refuse the source.
        """
        check_library()
        view = view_source(self.trained, data, specify(ViewSpec, spec))
        write_recording_page(Path(path), view)
        return view

    def stream(self, data: Data | None = None, *, calibrated: bool = True, **sample: object) -> Stream:
        """Start a stream that takes chunks of input as they arrive.

        z, c and the scores are the same as on the whole sequence, whatever the size of the chunks.

        Args:
            data: The data that log Z is estimated from. Default: the held-out sources.
            calibrated: Whether the stream also gives PMI. Without it no data are read, and there are raw scores only.
            **sample: Fields of `torchcpc.information.scoring.SampleSpec`.

        Returns:
            A new stream. Call its `push` with each chunk.

        Raises:
            CPCError: If there are too few steps for log Z, the run is one of pictures, or `marginal` is "same_group". A stream does not say
                whose it is, so name `data` of its group, and `marginal="all"`.
        """
        if not calibrated:
            return self.model.stream()
        if ((spec := specify(SampleSpec, sample)).marginal or self.trained.marginal) == "same_group":
            raise CPCError(
                "marginal = 'same_group': a stream does not say whose it is. Name data of its group (its speaker), and marginal = 'all'."
            )
        sources, indices, _ = self.trained.evaluated(data)
        return self.model.stream(draw_sample(self.trained, sources, indices, spec))

    def expand(self, vectors: Path | str, out: Path | str, *, most: int = 100_000, seed: int = 0) -> Expanded:
        """Write a copy of the model that knows more words.

        The new words come from a file of word vectors. A linear map takes these vectors into the embedding of the
        model. The words of the model keep their own vectors.

        Args:
            vectors: The file of word vectors, such as fastText's .vec.
            out: The folder of the new model.
            most: The largest number of words to add.
            seed: Seed of the split that checks the map.

        Returns:
            The number of added words and the quality of the map.

        Raises:
            CPCError: If the model does not read whole words, `out` is in use, or too few words are shared.
        """
        return expand(self.trained, Path(vectors), Path(out), most=most, seed=seed)

    def export(self, path: Path | str) -> None:
        """Write the encoder and the context as one ONNX file.

        Args:
            path: The file to write. It ends in .onnx.

        Raises:
            CPCError: If onnx is not installed, the suffix is another one, or the run is one of pictures.
        """
        export_onnx(self.model, Path(path), names=facts_of(self.trained))

    def save_pretrained(
        self, folder: Path | str, *, license: str | None = None, data_license: str | None = None, datasets: Sequence[str] = ()
    ) -> Path:
        """Write the model into a folder for others, with a model card.

        The folder holds config.json, model.safetensors and README.md, which is the card. A text model has its tokenizer
        there too. No path of this machine is written. A README.md that you wrote or edited is kept, and a note says so.

        Args:
            folder: The folder to write. `load` reads it.
            license: The licence of the model, as an identifier of the Hugging Face Hub such as "mit".
            data_license: The licence of the training data. Without it, the card says that it is not stated.
            datasets: Data sets that the model was trained on, by their ids on the Hub.

        Returns:
            The folder.

        Raises:
            CPCError: If the folder cannot be written.
        """
        return save(self.trained, Path(folder), Terms(license, data_license, tuple(datasets)))

    def push_to_hub(
        self,
        repo_id: str,
        *,
        license: str | None = None,
        data_license: str | None = None,
        datasets: Sequence[str] = (),
        private: bool = True,
        token: str | None = None,
    ) -> str:
        """Upload the model and its card to the Hugging Face Hub.

        The files are those of `save_pretrained`. A card on the Hub that you wrote or edited is kept, and a note says so.

        Args:
            repo_id: "NAMESPACE/NAME", or "NAME" in the namespace of the token. A new repository is made if there is none.
            license: The licence of the model, as an identifier of the Hub such as "mit".
            data_license: The licence of the training data. Without it, the card says that it is not stated.
            datasets: Data sets that the model was trained on, by their ids on the Hub.
            private: Whether a new repository is private. A repository that exists stays as it is.
            token: The access token. Default: the token that `hf auth login` stored.

        Returns:
            The address of the repository. `load` reads the model by its repository id.

        Raises:
            CPCError: If the token is missing or may not write there, or the Hub cannot be reached.
        """
        return push(self.trained, repo_id, Terms(license, data_license, tuple(datasets)), private=private, token=token)

    def keep(self, result: SavedResult) -> Path:
        """Write a result into the run folder, so that the report shows it.

        Args:
            result: The result of any verb.

        Returns:
            The file that was written.

        Raises:
            CPCError: If the file cannot be written, or a damaged one is in its place.
        """
        return keep(self.folder, result)

    def report(self) -> Path:
        """Build report.html in the run folder, from the training log and all kept results.

        Returns:
            The HTML file.

        Raises:
            CPCError: If the folder is no run folder.
        """
        return build_report(self.folder)

    def _with(self, seed_runs: Sequence[Run]) -> list[TrainedRun]:
        """Return this run and the runs of other seeds, which share one set of notes."""
        return [self.trained, *(replace(run.trained, notes_given=self.trained.notes_given) for run in seed_runs)]

    @contextmanager
    def _stage(self, name: str) -> Iterator[Where]:
        """Announce a stage of work to the listener."""
        with self.trained.listener.stage(name) as progress:
            yield {"device": self.trained.device, "progress": progress}


def load(name: Path | str, *, device: str = "cpu", listener: Listener = QUIET) -> Run:
    """Load a run or a saved model.

    Args:
        name: A run folder, the folder of a saved model, or a Hugging Face Hub repository id.
        device: The torch device that the model is moved to, such as "cpu" or "cuda".
        listener: Shows notes and progress. Default: notes go to the Python log. `torchcpc.TERMINAL` shows bars.

    Returns:
        The run. A saved model has the same verbs, but those that need its training data ask for `data`.

    Raises:
        CPCError: If the name is none of these, or a file is damaged.
    """
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
    """Train a recipe as a new run.

    Args:
        recipe: The name of a shipped recipe, a .toml file, the settings.json of a run, or the sections as a mapping.
        name: The name of the recipe in the record of the run. Default: the recipe's own name.
        data: The training data: a folder or a manifest, several of them, or open sources. Some recipes need none.
        out: The folder of the run. Default: runs/NAME.
        seed: Seed of all random numbers.
        devices: The accelerator, the number of devices and machines, and the precision.
        listener: Shows notes and progress. Default: notes go to the Python log. `torchcpc.TERMINAL` shows bars.
        on_event: Called with (event, update, metrics) during training. `log_to("tensorboard")` makes such a function.
        data_settings: Settings that replace those of the recipe's section [data].
        **sections: Settings that replace those of other sections, such as `training={"steps": 5000}`.

    Returns:
        The trained run.

    Raises:
        CPCError: If settings or data are impossible, or the folder is in use.
        KeyboardInterrupt: If training was interrupted. All work is kept, and `resume` continues it. SIGTERM ends the
            process in the same way.
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
    """Continue an interrupted run to its end. The result is bit for bit the same as without the interruption.

    Args:
        folder: The run folder.
        data: The data of the run, if they are in memory or have moved. Default: the places that the run recorded.
        accept_changed_data: Whether to continue if the data have changed. The changes are then noted. Otherwise they
            are an error.
        devices: The accelerator, the number of devices and machines, and the precision.
        listener: Shows notes and progress. Default: notes go to the Python log.
        on_event: Called with (event, update, metrics) during training.

    Returns:
        The trained run.

    Raises:
        CPCError: If the folder is no run, its data have changed, or a file is damaged.
        KeyboardInterrupt: If training was interrupted again. All work is kept.
    """
    how = {"accept_changed_data": accept_changed_data, "devices": devices, "listener": listener, "on_event": on_event}
    return Run(resume_pretraining(Path(folder), data, **how).run)
