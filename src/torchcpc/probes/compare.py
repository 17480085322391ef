"""From trained runs and labelled data to a probe table: every row gets the same sources, the same labels, the same probe."""

from collections.abc import Sequence
from dataclasses import replace

from torchcpc.baselines.words import mean_embedding
from torchcpc.contracts import QUIET, CPCError, Listener, Sources, note_lines
from torchcpc.data.clips import Clips
from torchcpc.probes.columns import listed
from torchcpc.probes.cross_validation import TFIDF, WORD_MEAN, CrossValidation
from torchcpc.probes.question import ProbeRows, ProbeSpec, settled
from torchcpc.probes.result import ProbeTable
from torchcpc.probes.rows import ClipFeatures
from torchcpc.probes.single_split import SingleSplit
from torchcpc.probes.table import ProbeRow, differences, embedding_map
from torchcpc.representations.embed import embedded_sources
from torchcpc.runs.build import build
from torchcpc.runs.run import TrainedRun
from torchcpc.settings import Settings

Design = SingleSplit | CrossValidation


def compare(
    runs: Sequence[TrainedRun], sources: Sources, spec: ProbeSpec, rows: ProbeRows, listener: Listener = QUIET
) -> ProbeTable:
    """The table of one question about `runs`, which are one network under several seeds. Rows: CPC c and z, the same network
    untrained, and the handmade features of the domain, each under every probe, the linear one with its label-efficiency curve; and
    the same network trained on the labels. With folds: under the linear probe without a curve; of text also the mean of the trained
    word embeddings, TF-IDF, and CPC z beside TF-IDF. Raises CPCError for what cannot be asked."""
    run = runs[0]
    if any(_sizes(other.config) != _sizes(run.config) for other in runs):
        raise CPCError("the runs of --seed-runs are of other sizes than the first: a row is one network under several seeds.")
    if spec.by_frame and run.model.encoder.layout.sequences > 1:
        raise CPCError("a picture has a label as a whole: leave --alignment and --unit frame out.")
    read = [own.open(sources) for own in runs]
    spec, rows = settled(spec, rows, read[0])
    spec = _matched(spec, read[0], listener)
    stride = run.model.encoder.stride
    said = {"noun": run.domain.source}
    design = CrossValidation(read[0], spec, stride, **said) if spec.folds else SingleSplit(read[0], spec, rows, stride, **said)
    offered = [*run.domain.handmade, *design.word_features]
    wanted = offered if rows.baselines is None else rows.baselines
    if unknown := [name for name in wanted if name not in offered]:
        raise CPCError(f"baseline {unknown[0]!r} is unknown. Choose among: {listed(unknown[0], offered)}")
    whole = [name for name in wanted if spec.by_frame and name in run.domain.handmade and not _by_step(name, run, design)]
    if whole:
        listener.note(f"note: {', '.join(whole)} describe a whole source, so frames are not probed on them.")
        wanted = [name for name in wanted if name not in whole]
    with listener.stage("probing") as progress:
        # Seeds that no run trained from, so that the rows are independent of the learned ones.
        fresh = [replace(run, model=build(run.config, seed=10_000 + seed).eval().to(run.device)) for seed in range(rows.seeds)]
        learned = [_represented(own, design, sources) for own, sources in zip(runs, read, strict=True)]
        random = [_represented(own, design, read[0]) for own in fresh]
        made = {f"CPC {which}": ("cpc", [own[which] for own in learned]) for which in design.order}
        made |= {f"random init {which}": ("untrained", [own[which] for own in random]) for which in design.order if random}
        names, answered = [*made, *(name for name in wanted if name != TFIDF)], list[ProbeRow]()
        for done, name in enumerate(names):
            progress(done, len(names), name)
            role, seeds = made.get(name) or ("handmade", _handmade(name, runs, read, design))
            answered += design.answer(name, role, seeds)
        answered += design.answer_from_words(wanted)
        if rows.supervised_steps:
            progress(len(names), len(names), "supervised")
            answered.append(design.answer_supervised(run.config, rows.supervised_steps, rows.seeds))
        progress(len(names), len(names), "map")
        x_MD, shown = design.tested(learned[0][design.order[0]])
        points = embedding_map(x_MD, shown.y_M, spec.label, design.names, design.tested_keys())
    test = answered[0].test
    return ProbeTable(
        label=spec.label,
        unit=design.unit,
        classes=len(design.names),
        chance=design.chance(test),
        train=design.training,
        validation=design.validation,
        test=len(test.y_M),
        split=design.split,
        rows=tuple(row.summary(design.names) for row in answered),
        differences=differences(answered),
        efficiency=tuple(point.summary() for point in design.points),
        map=points,
    )


def _matched(spec: ProbeSpec, sources: Sources, listener: Listener) -> ProbeSpec:
    """The specification with its frame labels by the keys of the sources."""
    if spec.alignment is None:
        return spec
    for line in note_lines(spec.alignment.notes):
        listener.note(line)
    return replace(spec, alignment=spec.alignment.matched(sources))


def _represented(run: TrainedRun, design: Design, sources: Sources) -> dict[str, ClipFeatures]:
    """z and c of every clip as this run reads them."""
    clips = Clips(sources, design.clips.items)
    z, c = design.gather((i, (z, c)) for i, z, c in embedded_sources(run.model, clips, device=run.device))
    return {"z": z, "c": c}


def _handmade(name: str, runs: Sequence[TrainedRun], read: Sequence[Sources], design: Design) -> list[ClipFeatures]:
    """Features of every clip that need no training, or the mean of the word embeddings that each run has trained."""
    run, clips = runs[0], design.clips
    if name != WORD_MEAN:
        function, stride = run.domain.handmade[name], run.model.encoder.stride
        return list(design.gather((i, (function(clips.read(i, 0, clips.length(i)), stride),)) for i in range(len(clips))))
    made = []
    for own, sources in zip(runs, read, strict=True):
        table_VE = own.model.get_parameter("encoder.embedding.weight").detach().cpu().numpy()
        texts = Clips(sources, clips.items)
        made.append({i: mean_embedding(texts.read(i, 0, texts.length(i)), table_VE)[None] for i in range(len(texts))})
    return made


def _by_step(name: str, run: TrainedRun, design: Design) -> bool:
    """Whether handmade features have a row for every step of the encoder."""
    length, stride = design.clips.length(0), run.model.encoder.stride
    return len(run.domain.handmade[name](design.clips.read(0, 0, length), stride)) == length // stride


def _sizes(config: Settings) -> Settings:
    """What runs of other seeds have in common: all but the scale of the channels and the vocabulary, which each took from its own
    training sources."""
    own = ("mean", "scale", "tokenizer")
    parts = {part: config[part] for part in ("encoder", "context", "predictor", "data")}
    return {part: {key: value for key, value in section.items() if key not in own} for part, section in parts.items()}
