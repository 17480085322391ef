"""Every command against a tiny run of every reader: it works, or refuses in one line that says why and what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.commands import bigrams
from tests.conformance.worlds import WORLDS, World, library
from torchcpc.cli import COMMANDS, main
from torchcpc.domains import DOMAINS

FEW = ["--seeds", "1", "--supervised-steps", "2", "--probes", "linear", "--curve", "2"]
# Sentences of the documents of the reader of text.
WORDS = [bigrams.sentence(state, np.random.default_rng(state)) for state in range(3)]


# Name of the case -> its command line; the first word of each is the command.
CASES: dict[str, Callable[[World, Path], list[str]]] = {
    "train": lambda world, out: ["train", "--resume", str(world.run), "--accelerator", "cpu"],
    "embed": lambda world, out: ["embed", str(world.run), *world.data, "-o", str(out / "e.npz")],
    "probe": lambda world, out: [*probe(world), *FEW],
    "probe --folds": lambda world, out: [*probe(world), "--folds", "2", "--seeds", "1"],
    "probe --alignment": lambda world, out: [
        *(
            "probe",
            str(world.run),
            *world.data,
            "--label",
            "phone",
            "--alignment",
            alignment(world, out),
            "--validation",
            "0.4",
            *FEW,
        ),
    ],
    "recipes": lambda world, out: ["recipes", str(world.run / "settings.json")],
    "train settings.json": lambda world, out: ["train", str(world.run / "settings.json"), *of(world), "-o", str(out / "again")],
    "score": lambda world, out: ["score", str(world.run), "-o", str(out / "s.npz")],
    "rank": lambda world, out: ["rank", str(world.run), "--candidates", "5", "--contexts", "3"],
    "rank --step": lambda world, out: ["rank", str(world.run), *world.data, "--step", world.step],
    "rank --context": lambda world, out: ["rank", str(world.run), *world.data, *texts(out)],
    "timeline": lambda world, out: ["timeline", str(world.run), "-o", str(out / "t.svg")],
    "timeline -o page.html": lambda world, out: ["timeline", str(world.run), "-o", str(out / "t.html"), "--samples", "61"],
    "nearest": lambda world, out: ["nearest", str(world.run), *world.data, "--step", world.step],
    "nearest --text": lambda world, out: ["nearest", str(world.run), *world.data, "--text", WORDS[0]],
    "expand": lambda world, out: ["expand", str(world.run), vectors(world, out), "-o", str(out / "larger")],
    "anomalies": lambda world, out: ["anomalies", str(world.run)],
    "information": lambda world, out: ["information", str(world.run)],
    "export": lambda world, out: ["export", str(world.run), "-o", str(out / "m.onnx")],
    "segment": lambda world, out: ["segment", str(world.run), *world.data, "-o", str(out / "b.csv")],
    "segment --alignment": lambda world, out: ["segment", str(world.run), *world.data, "--alignment", alignment(world, out)],
    "report": lambda world, out: ["report", str(world.run)],
    "demo": lambda world, out: ["demo", "-o", str(world.run)],
}
PICTURES, TEXTLESS = ("images", "hub_images"), tuple(name for name in WORLDS if name != "text")
# The pairs that cannot be had: case -> reader -> words of the line that says why.
REFUSED: dict[str, dict[str, str]] = {
    "probe --alignment": dict.fromkeys(PICTURES, "picture") | dict.fromkeys(("digits", "synthetic", "text"), "no labels"),
    "probe --folds": {"synthetic": "the training part"},  # its one label column says what is the test
    "rank": dict.fromkeys(PICTURES, "picture"),
    "rank --step": dict.fromkeys(PICTURES, "sequences"),
    "rank --context": dict.fromkeys(TEXTLESS, "not text"),
    "timeline": dict.fromkeys(PICTURES, "sequences"),
    "timeline -o page.html": dict.fromkeys(PICTURES, "sequences"),
    "nearest": dict.fromkeys(PICTURES, "picture"),
    "nearest --text": dict.fromkeys(TEXTLESS, "not text"),
    "expand": dict.fromkeys(TEXTLESS, "not text"),
    "anomalies": dict.fromkeys([name for name in WORLDS if name != "series"], "sensor"),
    "export": dict.fromkeys(PICTURES, "sequences"),
    "segment": dict.fromkeys(PICTURES, "picture"),
    "segment --alignment": dict.fromkeys(PICTURES, "picture") | dict.fromkeys(("digits", "synthetic", "text"), "no labels"),
    "demo": dict.fromkeys(WORLDS, "exists and is not empty"),
}


def of(world: World) -> list[str]:
    return ["--data", *world.data] if world.data else []


def probe(world: World) -> list[str]:
    table = world.run.parent / "sentences.tsv"
    return ["probe", str(world.run), *([str(table)] if table.is_file() else world.data), "--label", world.label]


def alignment(world: World, out: Path) -> str:
    """Intervals of the twelve recordings and the thirteen series."""
    path = out / "phones.csv"
    lines = [
        f"{n},{world.interval_s * m:.2f},{world.interval_s * (m + 1):.2f},{'ab'[m % 2]}\n" for n in range(13) for m in range(3)
    ]
    path.write_text("recording,start_s,end_s,phone\n" + "".join(lines))
    return str(path)


def vectors(world: World, out: Path) -> str:
    """Vectors of two numbers for every word of the documents, and one more."""
    path, words = (
        out / "vectors.txt",
        sorted({bigrams.word(state, n) for state in range(bigrams.STATES) for n in range(bigrams.WORDS)}),
    )
    path.write_text("".join(f"{word} {n % 7} {n % 11}\n" for n, word in enumerate([*words, "novelty"])))
    return str(path)


def texts(out: Path) -> list[str]:
    (out / "context.txt").write_text("\n".join(WORDS))
    (out / "candidates.txt").write_text("\n".join(WORDS[::-1]))
    return ["--context", str(out / "context.txt"), "--candidates-file", str(out / "candidates.txt")]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    """A world by the name of its reader, made when it is first asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setitem(sys.modules, "datasets", library())
        yield cache(lambda name: WORLDS[name](tmp_path_factory.mktemp(name)))


def test_every_command_and_every_reader_is_met() -> None:
    assert {argv.split()[0] for argv in CASES} == COMMANDS.keys()
    # Arrays are handed over in Python: no file holds them, so no command can open them.
    assert WORLDS.keys() == DOMAINS.keys() - {"arrays"}


@pytest.mark.parametrize("reader", WORLDS)
@pytest.mark.parametrize("case", CASES)
def test_it_works_or_says_in_one_line_why_not(
    worlds: Callable[[str], World], reader: str, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = worlds(reader)
    capsys.readouterr()
    code = main(CASES[case](world, tmp_path))
    said = capsys.readouterr().err
    reason = REFUSED.get(case, {}).get(reader)
    if reason is None:
        assert code == 0, said
        return
    assert code == 1 and "Traceback" not in said
    # Notes may stand before; the refusal is the last line, a sentence or two with the next step.
    last = said.strip().splitlines()[-1]
    assert last.startswith(f"cpc {case.split()[0]}: ") and reason in last and last.endswith(".") and len(last) < 400, said
