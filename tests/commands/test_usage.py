"""What the command line refuses before any work, and how it says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from torchcpc import __version__
from torchcpc.cli import main
from torchcpc.settings import recipes


def test_one_fault_is_one_line_with_the_next_step(tmp_path: Path, refused) -> None:
    said = refused("train", "speech-smal", "-o", tmp_path / "run")
    assert said == "cpc train: recipe 'speech-smal' is neither a shipped recipe nor a .toml file. Did you mean 'speech'?\n"
    said = refused("train", "speech-waveform", "steps=3", "-o", tmp_path / "run")
    assert said == "cpc train: override 'steps=3': expected section.key=value, for instance training.steps=1000.\n"
    assert refused("train").startswith(f"cpc train: name a recipe ({', '.join(recipes())}) ")
    assert "--resume takes recipe, settings, seed and precision from the run" in refused(
        "train", "speech-waveform", "--resume", tmp_path
    )
    assert not (tmp_path / "run").exists()


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path, refused) -> None:
    wrong = ["training.step=3", "encoder.name=waveforms", "windows.batch=many", "trainnig.steps=3", "context.dim=0.5"]
    said = refused("train", "speech-waveform", *wrong, "--data", tmp_path, "-o", tmp_path / "run").splitlines()
    assert said[0] == "cpc train: settings are not valid:" and len(said) == 1 + len(wrong)
    for words in (
        "training.step is not a setting. Did you mean 'steps'?",
        "encoder.name = 'waveforms' is unknown. Did you mean 'waveform'?",
        "windows.batch = 'many': whole number, at least 1",
        "[trainnig] is not a section. Did you mean 'training'?",
        "context.dim = 0.5: whole number, 1 to 1,048,576",
    ):
        assert sum(words in line for line in said) == 1, words
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_is_no_toml_is_named(tmp_path: Path, refused) -> None:
    (tmp_path / "mine.toml").write_text("[data\n")
    assert f"recipe {tmp_path / 'mine.toml'}: not valid TOML" in refused("train", tmp_path / "mine.toml")


def test_a_run_folder_in_use_is_refused_and_left_as_it_is(tmp_path: Path, recordings: Path, refused) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    said = refused("train", "speech-waveform", "--data", recordings, "-o", tmp_path)
    assert "exists and is not empty: it holds thesis.tex. Choose another folder" in said
    assert os.listdir(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize("data", [[], ["--data", "nowhere"]])
def test_a_fault_in_the_data_leaves_no_folder_that_blocks_the_next_try(tmp_path: Path, data: list[str], refused) -> None:
    said = refused("train", "speech-waveform", *data, "--accelerator", "cpu", "-o", tmp_path / "run")
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


@pytest.mark.parametrize("command", [[], ["train"], ["embed"], ["probe"], ["score"], ["rank"], ["information"]])
def test_help_imports_no_torch(command: list[str]) -> None:
    code = (
        "import sys\nfrom torchcpc.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n"
        "    sys.stderr.write(str(sorted({'torch', 'numpy', 'matplotlib', 'sklearn', 'soundfile'} & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "usage: " in done.stdout and done.stderr == "[]"
