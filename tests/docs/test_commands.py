"""Every command and Python block of the README and of the tutorials runs, in the order of its page, on small data with few updates."""

from __future__ import annotations

import functools
import re
import shutil
import sys
from pathlib import Path

import matplotlib
import pytest

import torchcpc
from tests.docs import small_data
from torchcpc.cli import main

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import doc_commands  # noqa: E402

# What the tests write in place of what the page says: pattern -> text. Everything else runs as it is shown.
SUBSTITUTIONS = {
    r"--devices \d+": "--devices 1",  # there is one device
    r"--accelerator cuda": "--accelerator cpu",
    r"--within 0.7 --clip-seconds 1": "--within 0.7 --clip-seconds 0.3",  # the small recordings last four seconds
    r"training\.steps=\d+": "",  # SMALL says how many
    r"encoder\.channels=\d+": "",
    r"^RATE, TAKES = 16000, \d+": "RATE, TAKES = 16000, 1",  # made-up recordings
    r"^SHIFTS, ROWS = 14, \d+": "SHIFTS, ROWS = 14, 400",  # made-up machines
    r"^n, correlation = 2000": "n, correlation = 300",  # pairs of numbers
    r"\b1000\b": "200",
}
STEPS = {"steps": 2, "warmup": 0, "validate_every": 2}
SMALL = ["--precision", "32-true", *(f"training.{name}={value}" for name, value in STEPS.items())]
MEL = ["encoder.channels=16", "context.dim=16", "windows.batch=4", "windows.windows_per_group=2", "split.validation=0.5"]
FRAMES = ["encoder.channels=8", "context.dim=8", "windows.length=3200", "windows.batch=4", "predictor.count=2"]
PICTURES = ["encoder.width=8", "encoder.channels=[8,8]", "encoder.inner=[8,8]", "context.dim=8", "split.validation=0.5"]
ROWS = ["encoder.dim=8", "context.dim=8", "split.validation=0.5"]
TEXT = ["data.splitting=lines", "encoder.embedding=16", "encoder.dim=16", "context.dim=16", "split.validation=0.5"]
# Sizes under which an update takes milliseconds, by recipe. A name that is not here trains as it is.
SIZES = {
    "speech": MEL,
    "mine.toml": MEL,
    "speech-paper": [*FRAMES, "split.validation=0.5"],
    "pictures": PICTURES,
    "series": [*ROWS, "windows.length=32", "windows.batch=4", "candidates.count=64"],
    "series-ecg": [*ROWS, "windows.length=720", "windows.batch=4", "candidates.count=32", "predictor.count=2"],
    "text": [*TEXT, "windows.length=8", "windows.batch=4"],
    "text-phrases": [*TEXT, "windows.length=8", "windows.batch=4"],
}
# Options that make a question small, by command.
FEWER = {
    "probe": ["--seeds", "1"],
    "probe --full": ["--seeds", "1", "--supervised-steps", "2", "--probes", "linear", "--curve", "2"],
    "anomalies": ["--samples", "256"],
    "score": ["--samples", "256"],
    "segment": ["--samples", "256"],
    "timeline": ["--samples", "256"],
}
# Runs that a page reads and does not train, with the recipe and data that stand in.
OTHER_RUNS = {"runs/phrases": ("text-phrases", "books/")}
# Lines of output that small data need not print: cautions, and rows whose breaks depend on the width of the numbers.
OF_THE_DATA = r"caution: |euclidean |spectral flux |surprise |evenly spaced "


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def small(text: str) -> str:
    for pattern, instead in SUBSTITUTIONS.items():
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    return text


def words_of(one: doc_commands.Shown) -> list[str]:
    """The words of a command as the tests run it."""
    words = doc_commands.Shown("cpc", small(one.text), one.line).words
    name = words[0]
    if name == "train" and "--resume" not in words:
        words += [*SIZES.get(words[1], []), *SMALL]
        words += [] if "cpu" in words else ["--accelerator", "cpu"]
    return words + FEWER.get("probe --full" if name == "probe" and "--full" in words else name, [])


def clear(one: doc_commands.Shown) -> None:
    """Remove the run that a command trains again: a page may name one folder twice, a reader would choose another."""
    if one.words[0] == "train":
        for folder in one.promises:
            shutil.rmtree(folder, ignore_errors=True)


def run_command(one: doc_commands.Shown, capsys: pytest.CaptureFixture[str]) -> None:
    words = words_of(one)
    clear(one)
    for run in set(words) & OTHER_RUNS.keys():
        if not Path(run).exists():
            recipe, data = OTHER_RUNS[run]
            assert main(["train", recipe, "--data", data, "-o", run, *SIZES[recipe], *SMALL, "--accelerator", "cpu"]) == 0
    capsys.readouterr()
    code = main(words)
    out, err = capsys.readouterr()
    assert code == 0, f"line {one.line}: {one.text}\nran as cpc {' '.join(words)}\n{err[-2000:]}"
    if one.saved_as:
        Path(one.saved_as).write_text(out)
    printed = [without_numbers(line) for line in (out + err).splitlines()]
    for line in one.output:
        begin = without_numbers(line.removesuffix("..."))
        assert re.match(OF_THE_DATA, line) or any(said.startswith(begin) for said in printed), (
            f"line {one.line}: {one.text} no longer prints a line such as {line!r}:\n{err}{out}"
        )


def without_numbers(line: str) -> str:
    """What of a line of output does not depend on the data: a number, or a time, is #, and a gap is one space."""
    return " ".join(re.sub(r"[-+]?\d[\d,.]*(?: (?:ms|s|min|h)\b)?", "#", line).split())


def run_block(one: doc_commands.Shown, names: dict[str, object]) -> None:
    exec(compile(small(one.text), f"line {one.line}", "exec"), names)


def small_torchcpc(monkeypatch: pytest.MonkeyPatch) -> None:
    """`torchcpc.train` and `torchcpc.CPC` with few updates, whatever a block asks for."""
    train = torchcpc.train
    small_sizes = {"encoder": {"channels": 16}, "context": {"dim": 16}, "windows": {"batch": 4, "windows_per_group": 2}}

    def few(recipe: str, *, out: str = "runs/from-python", **keywords: object) -> torchcpc.Run:
        shutil.rmtree(out, ignore_errors=True)
        few = {**small_sizes, "training": STEPS, "split": {"validation": 0.5}}
        return train(recipe, out=out, **{**keywords, **few})  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(torchcpc, "train", few)
    monkeypatch.setattr(torchcpc, "CPC", functools.partial(torchcpc.CPC, max_iter=2))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("page", doc_commands.PAGES)
def test_everything_shown_runs(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    small_torchcpc(monkeypatch)
    if not page.startswith("docs/tutorials/"):  # a tutorial writes its own data
        small_data.build(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for one in doc_commands.shown((ROOT / page).read_text(encoding="utf8")):
        if one.kind == "cpc":
            run_command(one, capsys)
        elif one.kind == "python":
            run_block(one, names)
        missing = [path for path in one.promises if not Path(path).exists()]
        assert not missing, f"line {one.line}: {one.text} promises {missing}"
