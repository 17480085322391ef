"""The command line from end to end on six tiny recordings: what it writes, what it refuses and how it says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.data.noise import write
from torchcpc import __version__
from torchcpc.cli import main
from torchcpc.contracts import CPCError
from torchcpc.data import scan
from torchcpc.evaluation.embedding import embed, embed_all, embed_long, frames
from torchcpc.pretrained import from_pretrained

LENGTHS = [8009, 4001, 6007, 5003, 3203, 7001]
# 20 steps a window, 8 numbers a step: an update takes milliseconds.
SMALL = [
    *("encoder.channels=8", "context.dim=8", "predictor.count=2", "candidates.count=32"),
    *("windows.length=3200", "windows.batch=4", "training.steps=6", "training.warmup=0", "training.log_every=1"),
]


def make_recordings(root: Path) -> Path:
    for number, length in enumerate(LENGTHS):
        write(root / f"speaker{number % 2}" / f"{number}.wav", length, seed=number)
    return root


def train(folder: Path, recordings: Path, *more: str) -> int:
    place = ["--data", str(recordings), "-o", str(folder)]
    return main(["train", "speech-small", *SMALL, *more, "--precision", "32-true", "--accelerator", "cpu", *place])


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keeps the scans of these tests out of the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_recordings(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, recordings: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "a"
    assert train(folder, recordings) == 0
    return folder


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]):
    """Runs a command that must fail with exit code 1, nothing on standard output and no traceback; returns what it said."""

    def run(*argv: str | Path) -> str:
        capsys.readouterr()
        assert main([str(word) for word in argv]) == 1
        out, err = capsys.readouterr()
        assert out == "" and "Traceback" not in err and err.startswith(f"cpc {argv[0]}: ") and err.endswith("\n")
        return err

    return run


# What is refused before any work


def test_one_fault_is_one_line_with_the_next_step(tmp_path: Path, refused) -> None:
    said = refused("train", "speech-smal", "-o", tmp_path / "run")
    assert (
        said == "cpc train: recipe 'speech-smal' is neither a shipped recipe nor a .toml file. Did you mean 'speech-small'?\n"
    )
    said = refused("train", "speech-small", "steps=3", "-o", tmp_path / "run")
    assert said == "cpc train: override 'steps=3': expected section.key=value, for instance training.steps=1000.\n"
    assert refused("train").startswith("cpc train: name a recipe (digits-demo, speech-paper, speech-small, ")
    assert "--resume takes recipe, settings and data from the run" in refused("train", "speech-small", "--resume", tmp_path)
    assert not (tmp_path / "run").exists()


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path, refused) -> None:
    wrong = ["training.step=3", "encoder.name=waveforms", "windows.batch=many", "trainnig.steps=3", "context.dim=0.5"]
    said = refused("train", "speech-small", *wrong, "--data", tmp_path, "-o", tmp_path / "run").splitlines()
    assert said[0] == "cpc train: settings are not valid:" and len(said) == 1 + len(wrong)
    for words in (
        "training.step is not a setting. Did you mean 'steps'?",
        "encoder.name = 'waveforms' is unknown. Did you mean 'waveform'?",
        "windows.batch = 'many': input should be a valid integer",
        "[trainnig] is not a section. Did you mean 'training'?",
        "context.dim = 0.5: input should be a valid integer",
    ):
        assert sum(words in line for line in said) == 1, words
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_no_toml_is_named(tmp_path: Path, refused) -> None:
    (tmp_path / "mine.toml").write_text("[data\n")
    assert f"recipe {tmp_path / 'mine.toml'}: not valid TOML" in refused("train", tmp_path / "mine.toml")


def test_a_run_folder_in_use_is_refused_and_left_as_it_is(tmp_path: Path, recordings: Path, refused) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    said = refused("train", "speech-small", "--data", recordings, "-o", tmp_path)
    assert "exists and is not empty. Continue it with `cpc train --resume" in said
    assert os.listdir(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize("data", [[], ["--data", "nowhere"]])
def test_a_fault_in_the_data_leaves_no_folder_that_blocks_the_next_try(tmp_path: Path, data: list[str], refused) -> None:
    said = refused("train", "speech-small", *data, "--accelerator", "cpu", "-o", tmp_path / "run")
    assert ("does not exist" if data else "no data was named") in said and not (tmp_path / "run").exists()


def test_other_commands_name_a_folder_that_is_no_run(tmp_path: Path, refused) -> None:
    for argv in (["report", tmp_path], ["train", "--resume", tmp_path], ["embed", tmp_path, "-o", tmp_path / "e.npz"]):
        assert str(tmp_path) in refused(*argv)
    assert "neither a folder here nor a Hub repository id" in refused("embed", "nowhere", "-o", tmp_path / "e.npz")


@pytest.mark.parametrize("argv", [[], ["trian"], ["train", "x", "--bogus"], ["report", "a", "b=c"], ["embed", "run"]])
def test_wrong_usage_is_exit_code_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2 and "usage: cpc" in capsys.readouterr().err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    for argv, words in [
        (["--version"], [f"torchcpc {__version__}"]),
        (["--help"], ["train", "embed", "probe", "report", "demo"]),
    ]:
        with pytest.raises(SystemExit) as caught:
            main(argv)
        assert caught.value.code == 0
        out = capsys.readouterr().out
        assert all(word in out for word in words)


@pytest.mark.parametrize("command", [[], ["train"], ["embed"], ["probe"], ["score"], ["information"]])
def test_help_imports_no_torch(command: list[str]) -> None:
    code = (
        "import sys\nfrom torchcpc.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n"
        "    sys.stderr.write(str(sorted({'torch', 'numpy', 'matplotlib', 'sklearn', 'soundfile'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "usage: " in done.stdout and done.stderr == "[]"


# From end to end


def test_train_writes_a_whole_run(trained: Path) -> None:
    wanted = {"settings.json", "metrics.jsonl", "latest.safetensors", "best.safetensors", "model.safetensors", "config.json"}
    assert {path.name for path in trained.iterdir()} >= wanted | {"skipped.json", "report.html"}
    assert not list(trained.glob("*.part")) and not list(trained.glob("*.tmp"))
    described = json.loads((trained / "settings.json").read_text())
    assert described["settings"]["training"]["steps"] == 6 and described["settings"]["encoder"]["channels"] == 8
    assert (described["data"]["trained"], described["data"]["validated"], described["data"]["groups"]) == (5, 1, 2)
    lines = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "train"] == [1, 2, 3, 4, 5, 6]
    (valid,) = [line for line in lines if line["event"] == "valid"]
    best, _ = from_pretrained(trained)
    assert valid["step"] == 6 and valid["bound"] < np.mean(valid["ceiling_per_k"])
    for name, tensor in load_file(trained / "latest.safetensors").items():
        if name.startswith("model."):
            assert torch.equal(best.state_dict()[name.removeprefix("model.")], tensor)


def test_resuming_a_finished_run_changes_nothing(trained: Path) -> None:
    names = ["model.safetensors", "latest.safetensors", "best.safetensors", "metrics.jsonl", "config.json", "settings.json"]
    before = {name: (trained / name).read_bytes() for name in names}
    assert main(["train", "--resume", str(trained), "--accelerator", "cpu"]) == 0
    assert {name: (trained / name).read_bytes() for name in names} == before


def test_interrupted_and_resumed_is_bit_for_bit_the_uninterrupted_run(
    tmp_path: Path, trained: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def pressed(total: int, rate: float) -> Iterator[object]:
        yield lambda event, step, metrics: os.kill(os.getpid(), signal.SIGINT) if (event, step) == ("step", 3) else None

    with monkeypatch.context() as patch:
        patch.setattr("torchcpc.commands.train.training_bar", pressed)
        assert train(tmp_path / "b", recordings) == 130
    assert "stopped after update 3; go on with: cpc train --resume" in capsys.readouterr().err
    assert not (tmp_path / "b/model.safetensors").exists()
    assert main(["train", "--resume", str(tmp_path / "b"), "--accelerator", "cpu"]) == 0
    assert (tmp_path / "b/model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    losses = []
    for folder in (trained, tmp_path / "b"):
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        losses.append([(line["step"], line["loss"]) for line in lines if line["event"] == "train"])
    assert losses[0] == losses[1] and len(losses[0]) == 6


def test_another_seed_is_another_model(tmp_path: Path, trained: Path, recordings: Path) -> None:
    assert train(tmp_path / "c", recordings, "--seed", "1", "training.steps=1") == 0
    assert (tmp_path / "c/model.safetensors").read_bytes() != (trained / "model.safetensors").read_bytes()


# Embeddings


def test_parquet_and_npz_hold_the_same_rows(tmp_path: Path, trained: Path, recordings: Path) -> None:
    for name in ("e.parquet", "e.npz"):
        assert main(["embed", str(trained), str(recordings), "-o", str(tmp_path / name)]) == 0
    table = pq.read_table(tmp_path / "e.parquet").to_pydict()
    with np.load(tmp_path / "e.npz", allow_pickle=False) as archive:
        assert set(archive.files) == set(table) == {"source", "step", "time_s", "z", "c"}
        for column in archive.files:
            np.testing.assert_array_equal(archive[column], np.array(table[column], dtype=archive[column].dtype))
    counts = {key: table["source"].count(key) for key in set(table["source"])}
    assert counts == {f"speaker{n % 2}/{n}.wav": length // 160 for n, length in enumerate(LENGTHS)}
    assert np.array(table["z"]).shape == np.array(table["c"]).shape == (sum(counts.values()), 8)
    np.testing.assert_allclose(table["time_s"], np.array(table["step"]) * 0.01)


def test_one_row_per_source_is_the_mean_over_its_steps(tmp_path: Path, trained: Path, recordings: Path) -> None:
    assert main(["embed", str(trained), str(recordings), "-o", str(tmp_path / "s.npz"), "--per", "source"]) == 0
    model, _ = from_pretrained(trained)
    sources = scan([recordings])
    z, c = frames(model, sources)
    with np.load(tmp_path / "s.npz") as archive:
        assert sorted(archive["source"]) == [item.key for item in sources.items] and set(archive["step"]) == {-1}
        for row, key in enumerate(archive["source"]):
            index = [item.key for item in sources.items].index(key)
            np.testing.assert_allclose(archive["z"][row], z[index].mean(axis=0), atol=1e-6)
            np.testing.assert_allclose(archive["c"][row], c[index].mean(axis=0), atol=1e-6)


def test_a_long_source_is_one_row_too(tmp_path: Path, trained: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources beyond a batch are embedded in pieces; that is no reason for several rows."""

    def in_pieces(model, sequences, **settings):
        return embed_all(model, sequences, positions_per_batch=4999, **settings)

    command = ["embed", str(trained), str(recordings), "--per", "source", "-o"]
    assert main([*command, str(tmp_path / "whole.npz")]) == 0
    monkeypatch.setattr("torchcpc.evaluation.embedding.embed_all", in_pieces)
    assert main([*command, str(tmp_path / "pieces.npz")]) == 0
    with np.load(tmp_path / "whole.npz") as whole, np.load(tmp_path / "pieces.npz") as pieces:
        assert sorted(pieces["source"]) == sorted(whole["source"])
        for part in "zc":
            for key in whole["source"]:
                one, other = whole[part][whole["source"] == key], pieces[part][pieces["source"] == key]
                np.testing.assert_allclose(one, other, atol=1e-5)


def test_without_data_the_runs_own_is_embedded(tmp_path: Path, trained: Path) -> None:
    assert main(["embed", str(trained), "-o", str(tmp_path / "e.npz"), "--per", "source"]) == 0
    with np.load(tmp_path / "e.npz") as archive:
        assert len(archive["source"]) == len(LENGTHS)


def test_neither_padding_nor_pieces_change_an_embedding(trained: Path, recordings: Path) -> None:
    model, _ = from_pretrained(trained)
    sources = scan([recordings])
    z, c = frames(model, sources)  # all six in one padded batch
    for index in range(len(sources)):
        (alone,) = embed(model, [([index], next(iter_alone(sources, index)))])
        pieces = list(embed_long(model, sources, index, positions=1117))
        assert len(pieces) > 2 and [piece.first_step for piece in pieces[:3]] == [0, 6, 12]
        np.testing.assert_allclose(alone.z_TD, z[index], atol=1e-5)
        np.testing.assert_allclose(alone.c_TC, c[index], atol=1e-5)
        np.testing.assert_allclose(np.concatenate([piece.z_TD for piece in pieces]), z[index], atol=1e-5)
        np.testing.assert_allclose(np.concatenate([piece.c_TC for piece in pieces]), c[index], atol=1e-5)
    assert np.std(np.concatenate(c), axis=0).min() > 1e-4  # the numbers compared are no constants


def iter_alone(sources, index: int) -> Iterator:
    from torchcpc.data.windows import cut

    yield cut(sources, [index], [0], sources.length(index))


def test_an_unknown_format_or_a_source_without_a_step_is_refused(
    tmp_path: Path, trained: Path, recordings: Path, refused
) -> None:
    said = refused("embed", trained, recordings, "-o", tmp_path / "e.csv")
    assert "cannot tell the format from '.csv'. End the name in .parquet or .npz" in said
    assert os.listdir(tmp_path) == []


# Saved models


@pytest.fixture
def saved(tmp_path: Path, trained: Path) -> Path:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(saved: Path, name: str) -> None:
    (saved / name).unlink()
    with pytest.raises(CPCError, match=f"holds no {name}: it is not a saved model"):
        from_pretrained(saved)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:40], "config.json is damaged"),
        (lambda text: "[]", "config.json is damaged"),
        (lambda text: "{}", "config.json is damaged"),
        (
            lambda text: text.replace('"format": 1', '"format": 2'),
            "has format 2, this torchcpc .* reads format 1. Update torchcpc",
        ),
        (lambda text: text.replace('"waveform"', '"os.system"'), "does not describe a model of this torchcpc"),
        (lambda text: text.replace('"channels"', '"chanels"'), "does not describe a model of this torchcpc"),
        (lambda text: text.replace('"channels": 8', '"channels": 11'), "does not fit .*instead of .*of different models"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(saved: Path, change, words: str) -> None:
    text = (saved / "config.json").read_text()
    (saved / "config.json").write_text(change(text))
    assert (saved / "config.json").read_text() != text
    with pytest.raises(CPCError, match=words):
        from_pretrained(saved)


def test_weights_that_do_not_fit_are_refused(saved: Path) -> None:
    weights = load_file(saved / "model.safetensors")
    name = sorted(weights)[0]
    save_file({("other" if key == name else key): value for key, value in weights.items()}, saved / "model.safetensors")
    with pytest.raises(CPCError, match=rf"does not fit .*{name}; other|does not fit .*other.*{name}"):
        from_pretrained(saved)
    (saved / "model.safetensors").write_bytes(b"PK\x03\x04 a pickle, perhaps")
    with pytest.raises(CPCError, match="is not a readable safetensors file"):
        from_pretrained(saved)


def test_a_saved_model_is_the_one_that_was_trained(saved: Path, trained: Path) -> None:
    one, config = from_pretrained(saved)
    other, _ = from_pretrained(trained)
    assert not one.training and config["encoder"]["channels"] == 8
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
