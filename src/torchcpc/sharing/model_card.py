"""The model card: README.md next to a saved model, in the form that the Hugging Face Hub shows. It names no path of this machine."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from torchcpc import __version__
from torchcpc.contracts import CPCError, counted, printable
from torchcpc.domains import given
from torchcpc.report import format
from torchcpc.report.results import RunFolder, read_folder
from torchcpc.runs.run import TrainedRun
from torchcpc.sharing.card_results import bound, caveats, probes
from torchcpc.text_table import TextTable

CARD = "README.md"
PAPER = """@article{oord2018representation,
  title = {Representation Learning with Contrastive Predictive Coding},
  author = {van den Oord, Aaron and Li, Yazhe and Vinyals, Oriol},
  journal = {arXiv preprint arXiv:1807.03748},
  year = {2018}
}"""


class Terms(NamedTuple):
    """What only the user knows. license: of the model; data_license: of its training data; datasets: their ids on the Hub."""

    license: str | None = None
    data_license: str | None = None
    datasets: tuple[str, ...] = ()


def model_card(run: TrainedRun, name: str, terms: Terms) -> str:
    """Return the card as Markdown with YAML front matter.

    Args:
        run: The run, or a saved model, of which less is known.
        name: What `torchcpc.load` finds the model by.
        terms: Licences and data sets.
    """
    measured = _measured(run)
    parts = [
        f"---\n{_front_matter(run, terms)}\n---",
        f"# {printable(Path(name).name)}",
        _purpose(run),
        f"## Use\n\n{_use(run, name)}",
        f"## Model\n\n{_model(run)}",
        f"## Bound\n\n{bound(measured)}",
        f"## Training data\n\n{_data(run)}",
        f"## Licences\n\n{_licences(terms)}",
        f"## Probes\n\n{probes(measured)}",
        f"## Caveats\n\n{_listed(caveats(measured, run.record))}",
        f"## Citation\n\n```bibtex\n{PAPER}\n```\n\nThe model was {_version(run)}.",
    ]
    return "\n\n".join(parts) + "\n"


def _measured(run: TrainedRun) -> RunFolder | None:
    """Return what the files of the run folder hold, or None for a saved model that is no run."""
    if run.record is None:
        return None
    try:
        return read_folder(run.folder)
    except CPCError:
        return None


def _front_matter(run: TrainedRun, terms: Terms) -> str:
    from huggingface_hub import ModelCardData

    collection = run.config["data"].get("dataset", "")
    # An id of the Hub, and not the path of a copy.
    datasets = [*terms.datasets, *([collection] if collection and not Path(collection).exists() else [])]
    return ModelCardData(
        library_name="torchcpc",
        pipeline_tag="feature-extraction",
        tags=["torchcpc", "contrastive-predictive-coding", "self-supervised-learning", "arxiv:1807.03748"],
        license=terms.license,
        datasets=list(dict.fromkeys(datasets)) or None,
    ).to_yaml()


def _purpose(run: TrainedRun) -> str:
    several = counted(2, run.domain.source).removeprefix("2 ")
    return (
        f"This model turns {several} into vectors. It learned without labels, by Contrastive Predictive Coding "
        "([arXiv:1807.03748](https://arxiv.org/abs/1807.03748)): from the past it picks the true future among other candidates."
    )


def _use(run: TrainedRun, name: str) -> str:
    data, what = '"data/"', f"your data: a folder, or a table of {counted(2, run.domain.source).removeprefix('2 ')}"
    if run.domain.reader is given:
        data, what = "torchcpc.cases(x)", "x: [cases, steps, channels]"
    elif not run.domain.needs_data and not (run.record and run.record.roots):
        data, what = "", "the data that the recipe names"
    model, names = run.model, (run.domain.source, run.domain.step)
    stride = counted(model.encoder.stride, "position")
    return (
        f"```python\nimport torchcpc\n\nrun = torchcpc.load({json.dumps(name, ensure_ascii=False)})\n"
        f"embedding = run.embed({data})  # {what}\nprint(embedding.z.shape, embedding.c.shape)\n```\n\n"
        f"`z` holds {model.encoder.dim} numbers for each {names[1]}, from the encoder alone. `c` holds {model.context.dim} numbers, from "
        f'the {names[1]} and all before it. The input is read in steps of {stride}. `run.embed(..., per="source")` gives one row for '
        f"each {names[0]}."
    )


def _model(run: TrainedRun) -> str:
    config, horizons, record = run.config, run.model.predictor.horizons, run.record
    rows = [
        ("encoder", f"{config['encoder']['name']}, {counted(run.model.encoder.dim, 'number')} a step"),
        ("context", f"{config['context']['name']}, {counted(run.model.context.dim, 'number')} a step"),
        ("predictor", f"{config['predictor']['name']}, {horizons[0]} to {horizons[-1]} steps ahead"),
        ("parameters", f"{sum(each.numel() for each in run.model.parameters()):,}"),
    ]
    if record is not None:
        windows, training = record.settings["windows"], record.settings["training"]
        rows = [("recipe", Path(record.recipe).name or "not named"), *rows]
        rows += [
            (
                "candidates",
                ", ".join(str(record.settings["candidates"].get(key, "")) for key in ("name", "strategy")).strip(", "),
            ),
            ("batch", f"{windows['batch']} windows of {counted(windows['length'], 'position')}"),
            ("updates planned", f"{training['steps']:,}"),
            ("seed", str(record.seed)),
            ("precision", record.precision),
        ]
    return TextTable(("setting", "value"), rows).markdown()


def _data(run: TrainedRun) -> str:
    record = run.record
    if record is None:
        return "This copy of the model does not say what it was trained on."
    names = [Path(root).name for root in record.roots] or [str(run.config["data"].get("dataset") or run.config["data"]["name"])]
    counts, source = record.data, counted(2, run.domain.source).removeprefix("2 ")
    rows = [("data", ", ".join(Path(name).name if Path(name).is_absolute() else name for name in names))]
    known = [(source, "recordings"), ("used for training", "trained"), ("held out for validation", "validated")]
    known += [("left out of training", "unseen"), ("groups, such as speakers", "groups"), ("skipped", "skipped")]
    if counts.get("groups") == counts.get("recordings"):
        known = [(words, key) for words, key in known if key != "groups"]
    rows += [(words, format.count(counts[key])) for words, key in known if counts.get(key)]
    if counts.get("hours"):
        rows.append(("duration of all", format.duration(counts["hours"])))
    return TextTable(("what", "value"), rows).markdown()


def _licences(terms: Terms) -> str:
    model = f"Model: {printable(terms.license)}." if terms.license else "The licence of the model is not stated."
    missing = "The licence of the training data is not stated. Whoever shares this model should state it (`data_license=`)."
    return f"- {model}\n- {f'Training data: {printable(terms.data_license)}.' if terms.data_license else missing}"


def _version(run: TrainedRun) -> str:
    trained = run.record.versions.get("torchcpc") if run.record else None
    return (
        f"trained by torchcpc {printable(trained)} and saved by torchcpc {__version__}"
        if trained
        else f"saved by torchcpc {__version__}"
    )


def _listed(lines: Sequence[str] | Iterator[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
