"""The walk below a folder: what is there is read, counted or skipped with a reason, each folder once, whatever the names and links."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import soundfile as sf

from tests.data.files.test_find import touch
from tests.data.noise import noise, write
from torchcpc.contracts import CPCError
from torchcpc.data.audio.recordings import SOUND, scan
from torchcpc.data.files.find import find
from torchcpc.data.files.walk import walk
from torchcpc.data.pictures.formats import pictures


def reasons(skipped: list) -> dict[str, str]:
    return {Path(skip.path).name: skip.reason for skip in skipped}


def test_files_of_other_kinds_are_counted_in_one_line(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.txt", "s/c.TXT", "s/d.json", "s/README", "labels.csv", "s/labels.csv", ".hidden.txt")
    (tmp_path / "labels.csv").write_text("path,digit\na.wav,1\n")
    _, skipped, notes = find([tmp_path], SOUND)
    assert not skipped
    assert [(note.path, note.reason) for note in notes] == [
        (str(tmp_path), "4 other files are not read: 2 .txt, 1 without a suffix, 1 .json")
    ]


def test_many_other_kinds_are_summed(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", *(f"{n}.k{n}" for n in range(8)))
    (note,) = find([tmp_path], SOUND).notes
    assert "8 other files" in note.reason and "3 more" in note.reason


def test_a_folder_of_other_kinds_only_says_which(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.txt")
    with pytest.raises(CPCError, match="holds no recording at any depth: 2 other files are not read: 2 .txt"):
        find([tmp_path], SOUND)


@pytest.mark.parametrize("form", sorted(set(sf.available_formats()) - {"RAW", "SD2", "XI"}))
def test_every_format_with_a_header_is_read(tmp_path: Path, form: str) -> None:
    suffix = {"NIST": "sph", "IRCAM": "sf", "MPC2K": "mpc", "WAVEX": "wav", "MAT4": "mat", "MAT5": "mat"}.get(
        form, form.lower()
    )
    rate = 8000 if form == "WVE" else 16_000
    for name in (f"a.{suffix}", f"B.{suffix.upper()}"):
        sf.write(tmp_path / name, noise(4001), rate, format=form, subtype=sf.default_subtype(form))
    sources = scan([tmp_path])
    assert len(sources) == 2 and not sources.skipped and not sources.notes
    assert sources.items[0].frames == pytest.approx(4001, abs=80)  # some formats hold whole blocks only


@pytest.mark.parametrize("suffix", ["au", "snd", "vox", "gsm", "raw", "wav", "mp3"])
def test_text_is_never_taken_for_sound(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / "good.wav")
    (tmp_path / f"notes.{suffix}").write_text("these are words, not samples. " * 500)
    sources = scan([tmp_path])
    assert [item.key for item in sources.items] == ["good.wav"]
    assert len(sources.skipped) + len(sources.notes) == 1


@pytest.mark.parametrize("name", ["noise", "noise.dat", "noise.txt", "deep/noise.wav2"])
def test_sound_under_another_suffix_is_told(tmp_path: Path, name: str) -> None:
    write(tmp_path / "good.wav")
    write(tmp_path / "other.flac")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / "other.flac").rename(tmp_path / name)
    sources = scan([tmp_path])
    assert [item.key for item in sources.items] == ["good.wav"]
    assert reasons(sources.skipped) == {Path(name).name: "its content is a recording, but its suffix is another; rename it"}


def test_sound_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav", "b.webm", "c.M4A", "d.mkv")
    _, skipped, notes = find([tmp_path], SOUND)
    assert {Path(s.path).name for s in skipped} == {"b.webm", "c.M4A", "d.mkv"} and not notes
    assert all("cannot be decoded; convert them, for instance to .wav" in s.reason for s in skipped)


def test_a_mesh_of_links_is_walked_once(tmp_path: Path) -> None:
    """Twelve folders that all link to each other make more paths than there are atoms in the universe."""
    for n in range(12):
        touch(tmp_path, f"f{n:02}/{n}.wav")
        for m in range(12):
            (tmp_path / f"f{n:02}/to{m:02}").symlink_to(tmp_path / f"f{m:02}", target_is_directory=True)
    files, skipped, _ = find([tmp_path], SOUND)
    assert [file.key for file in files] == [f"f{n:02}/{n}.wav" for n in range(12)]
    assert len(skipped) == 144


def test_a_mesh_outside_the_root_is_walked_once(tmp_path: Path) -> None:
    for n in range(9):
        touch(tmp_path, f"store/{n}/{n}.wav")
        for m in range(9):
            (tmp_path / f"store/{n}/to{m}").symlink_to(tmp_path / f"store/{m}", target_is_directory=True)
    (tmp_path / "root").mkdir()
    (tmp_path / "root/in").symlink_to(tmp_path / "store/0", target_is_directory=True)
    files, _, _ = find([tmp_path / "root"], SOUND)
    assert sorted(file.path.name for file in files) == [f"{n}.wav" for n in range(9)]
    assert len({file.key for file in files}) == 9 and files[0].key == "in/0.wav"


def test_a_link_out_of_the_root_does_not_lead_back_into_it(tmp_path: Path) -> None:
    touch(tmp_path, "above/root/a.wav", "above/b.wav")
    (tmp_path / "above/root/up").symlink_to(tmp_path / "above", target_is_directory=True)
    files, skipped, _ = find([tmp_path / "above/root"], SOUND)
    assert [file.key for file in files] == ["a.wav"]
    assert reasons(skipped) == {"up": "a link to a folder that contains it"}


def test_what_is_no_file_is_skipped(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    (tmp_path / "gone.wav").symlink_to("nowhere")
    (tmp_path / "self.wav").symlink_to("self.wav")
    (tmp_path / "selves").symlink_to("selves", target_is_directory=True)
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as bound:
        os.chdir(tmp_path)  # names of sockets are short
        try:
            bound.bind("socket.wav")
        finally:
            os.chdir(here)
        os.mkfifo(tmp_path / "pipe")
        files, skipped, notes = find([tmp_path], SOUND)
    assert [file.key for file in files] == ["a.wav"]
    assert set(reasons(skipped)) == {"pipe.wav", "zero.wav", "gone.wav", "self.wav", "socket.wav"}
    assert all(reason.startswith("not a file") for reason in reasons(skipped).values())
    assert len(notes) == 1  # the link to itself and the pipe without a suffix are counted, not opened


def test_names_that_are_no_text_are_skipped_once_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    folder = os.fsencode(tmp_path) + b"/speaker\xe9"
    os.mkdir(folder)
    for name in (b"/1.wav", b"/2.wav"):
        with open(folder + name, "wb"):
            pass
    files, skipped, _ = find([tmp_path], SOUND)
    assert [file.key for file in files] == ["a.wav"]
    (one,) = skipped
    assert "its name is not UTF-8" in one.reason and one.path.encode("utf8").decode().endswith("speaker\\udce9")
    assert [s.reason[:24] for s in walk(Path(os.fsdecode(folder)), SOUND).skipped] == ["its name is not UTF-8, s"]


def test_a_tree_deeper_than_paths_may_be_ends(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    finally:
        os.chdir(here)
    files, skipped, _ = find([tmp_path], SOUND)
    assert [file.key for file in files] == ["a.wav"]
    assert [s.reason.split(":")[0] for s in skipped] == ["the folder cannot be read"]


def test_the_stamp_is_that_of_the_file(tmp_path: Path) -> None:
    touch(tmp_path, "s/a.wav")
    (tmp_path / "link").symlink_to(tmp_path / "s", target_is_directory=True)
    (tmp_path / "b.wav").symlink_to(tmp_path / "s/a.wav")
    for file in walk(tmp_path, SOUND).files:
        status = file.path.stat()
        assert file.stamp == (status.st_size, status.st_mtime_ns) and file.real == os.path.realpath(file.path)


def test_no_suffix_runs_a_program_or_holds_a_film() -> None:
    assert not {".eps", ".ps", ".pdf", ".mpg", ".mpeg", ".wmf", ".emf", ".h5", ".hdf", ".grib", ".bufr"} & set(
        pictures().suffixes
    )
