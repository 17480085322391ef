"""A disk that is full, read-only or not where it should be: one clear line, nothing half written, and what was there stays."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from torchcpc import atomic
from torchcpc.atomic import check_writable, copy_file, replacing, write_json, write_text
from torchcpc.cli import main
from torchcpc.contracts import CPCError

EVENTS = ("mkstemp", "write", "fsync", "replace")


def refuse(monkeypatch: pytest.MonkeyPatch, event: str, number: int) -> None:
    """From now on, the disk refuses this event."""

    def refused(*given: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    if event == "mkstemp":
        monkeypatch.setattr(atomic.tempfile, "mkstemp", refused)
    elif event == "write":
        monkeypatch.setattr(Path, "write_text", refused)
    else:
        monkeypatch.setattr(atomic.os, event, refused)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("event", EVENTS)
def test_a_refused_event_is_one_line_and_the_earlier_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str, number: int
) -> None:
    write_text(tmp_path / "a.txt", "before")
    with monkeypatch.context() as patch:
        refuse(patch, event, number)
        with pytest.raises(CPCError) as error:
            write_text(tmp_path / "a.txt", "after")
    assert str(error.value).startswith(f"cannot write {tmp_path / 'a.txt'}: {os.strerror(number)}. Free some space")
    assert (tmp_path / "a.txt").read_text() == "before" and os.listdir(tmp_path) == ["a.txt"]


def test_an_unlink_that_is_refused_hides_no_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a read-only disk neither writing nor removing works."""
    refuse(monkeypatch, "fsync", errno.ENOSPC)
    refuse(monkeypatch, "unlink", errno.EROFS)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: os.unlink(path))
    with pytest.raises(CPCError, match="No space left"):
        write_text(tmp_path / "a.txt", "after")


def test_the_folder_is_synced_after_the_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    real = os.fsync, os.replace
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: (events.append(f"sync {_kind(handle)}"), real[0](handle)))
    monkeypatch.setattr(atomic.os, "replace", lambda a, b: (events.append("replace"), real[1](a, b)))
    write_json(tmp_path / "a.json", {"x": 1})
    assert events == ["sync file", "replace", "sync folder"]


def _kind(handle: int) -> str:
    return "folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file"


IMPOSSIBLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "below a file": (lambda root: root / "file" / "x.npz", "Not a directory|File exists"),
    "far below a file": (lambda root: root / "file" / "a" / "x.npz", "Not a directory"),
    "a folder": (lambda root: root / "folder.npz", "Is a directory"),
    "a name too long": (lambda root: root / f"{'x' * 300}.npz", "File name too long"),
    "a folder's name too long": (lambda root: root / ("x" * 300) / "x.npz", "File name too long"),
    "NUL in the name": (lambda root: root / "a\0b.npz", "null"),
    "NUL in the folder": (lambda root: root / "a\0b" / "x.npz", "null"),
    "a pipe": (lambda root: root / "pipe.npz", "no file but a device or a pipe"),
    "a device": (lambda root: Path("/dev/null"), "no file but a device or a pipe"),
    "a loop of links": (lambda root: root / "loop" / "x.npz", "symbolic links|File exists"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder.npz").mkdir()
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_an_impossible_place_is_one_line_before_and_after_the_work(place: Path, name: str) -> None:
    make, said = IMPOSSIBLE[name]
    before = sorted(os.listdir(place))
    for write in (check_writable, lambda path: write_text(path, "x"), lambda path: copy_file(place / "file", path)):
        with pytest.raises(CPCError, match=f"(?s)cannot write .*({said})"):
            write(make(place))
    assert sorted(os.listdir(place)) == before and (place / "file").read_text() == "kept"


def test_a_check_leaves_nothing_behind_and_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("kept")
    for path in (tmp_path / "a.txt", tmp_path / "new" / "folder" / "b.txt", None):
        check_writable(path)
    assert os.listdir(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "kept"


def test_long_names_that_the_disk_takes_are_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'é' * 120}.json"
    write_json(path, [1])
    assert os.listdir(tmp_path) == [path.name]


def test_what_the_writer_raises_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mine"), replacing(tmp_path / "a.txt"):
        raise ValueError("mine")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "words",
    [
        ["embed", "RUN", "-o", "PLACE/x.npz"],
        ["score", "RUN", "-o", "PLACE/x.npz"],
        ["score", "RUN", "--picture", "PLACE/x.svg"],
        ["timeline", "RUN", "-o", "PLACE/x.svg"],
        ["segment", "RUN", "-o", "PLACE/x.csv"],
        ["export", "RUN", "-o", "PLACE/x.onnx"],
        ["train", "digits", "-o", "PLACE/run"],
        ["demo", "-o", "PLACE/run"],
    ],
    ids=lambda words: " ".join(words[:1]),
)
def test_every_command_refuses_an_impossible_place_before_it_works(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """RUN is not there either: the place is looked at first."""
    assert main([word.replace("PLACE", str(place / "file")).replace("RUN", str(place / "no-run")) for word in words]) == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "cannot write" in said and "Traceback" not in said
