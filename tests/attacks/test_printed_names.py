"""Names of others in a terminal, a page and a figure: shown letter by letter, never as markup, never as what moves a cursor."""

from __future__ import annotations

import io
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.report import fabricate
from torchcpc.cli import main
from torchcpc.commands import terminal
from torchcpc.contracts import CPCError, printable, printable_lines, shown
from torchcpc.progress import Terminal
from torchcpc.report import build_report
from torchcpc.text_table import TextTable

MARKUP = "[bold red]a[/] :smile: [/INST] $x^2$ <b>&amp;"
ESCAPED = {
    "a\nb": r"a\nb",
    "\x1b[31mred": r"\x1b[31mred",
    "\x9b31m": r"\x9b31m",
    "exe.\u202egpj": r"exe.\u202egpj",
    "a\u2028b\u2029c": r"a\u2028b\u2029c",
    "latin\udce9": r"latin\udce9",
    "\0\t\r\x7f": r"\x00\t\r\x7f",
    "\ufffe": r"\ufffe",
}
PLAIN = ["é", "你好", "🎵", "👩‍👩‍👧", "نمی‌دانم", "a b c", MARKUP, "back\\slash"]


@pytest.mark.parametrize("name", ESCAPED)
def test_control_characters_are_escaped_once(name: str) -> None:
    assert printable(name) == ESCAPED[name] == printable(printable(name))


@pytest.mark.parametrize("name", PLAIN)
def test_letters_of_all_scripts_stay(name: str) -> None:
    assert printable(name) == name


def test_lines_of_ours_stay_lines() -> None:
    assert printable_lines("a\n\x1bb\n") == "a\n\\x1bb\n"


def test_a_value_of_any_size_is_shown_on_a_line() -> None:
    assert shown("x") == "'x'" and len(shown("x" * 10**6)) < 80 and len(shown(list(range(10**5)))) < 80
    assert shown(10**5000) == "a int too long to show"


def screen_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """What a terminal with colours shows."""
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERM", "xterm-256color")
    return shown.getvalue


@pytest.mark.parametrize("name", [*ESCAPED, *PLAIN])
def test_a_terminal_shows_names_as_they_are(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    screen = screen_of(monkeypatch)
    terminal.note(f"<{name}>")
    terminal.output(f"<{name.replace(chr(10), '')}>")
    assert screen() == f"<{printable(name)}>\n<{printable(name.replace(chr(10), ''))}>\n"


def test_a_bar_shows_names_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = screen_of(monkeypatch)
    monkeypatch.setattr("torchcpc.progress.bars.WORTH_S", 0.0)
    with Terminal().stage(f"{MARKUP}\x1b[2J") as progress:
        progress(1, 2, f"{MARKUP}\x1b[2J")
        time.sleep(0.6)
    assert screen().count(MARKUP) >= 2 and "\x1b[2J" not in screen() and r"\x1b[2J" in screen()


def test_a_table_escapes_its_cells_and_keeps_its_lines() -> None:
    table = TextTable(("na\nme", "n"), [("a\x1b[2J\nb", "1"), (MARKUP, "2")], "first\nsecond", ["note\u202e"])
    assert table.text(200).split("\n")[:2] == ["first", "second"]
    assert r"a\x1b[2J\nb" in table.text(200) and MARKUP in table.text(200) and r"note\u202e" in table.text(200)
    assert "<b>" not in table.html() and "\x1b" not in table.html() and "\u202e" not in table.html()


def test_an_error_is_one_line_whatever_the_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "a\nb\x1b[31m\u202e [red]x[/] :smile:"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and r"a\nb\x1b[31m\u202e [red]x[/] :smile:" in said


def test_several_faults_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "digits", "encoder.a\nb=1", "encoder.\x1bc=2"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 3 and r"a\nb" in said[1] and r"\x1bc" in said[2]
    assert CPCError("m", ["a", "b"]).lines == ("m", "a", "b")


def test_a_page_shows_names_as_they_are(tmp_path: Path) -> None:
    name = f"{MARKUP}<script>alert(1)</script>\x1b[31m\u202e\n\ud800\ufffe"
    table = fabricate.table(name, 0.1, map=fabricate.layout(name, 3, 31))
    settings = {"recipe": name, "settings": {name: {name: name}}, "data": {"recordings": 3}}
    skipped = [{"path": name, "reason": name}]
    run = fabricate.folder(tmp_path / "run", fabricate.lines(train=3, valid=2), table, settings=settings, skipped=skipped)
    page = build_report(run).read_text(encoding="utf8")
    assert "<script>alert" not in page and "\x1b" not in page and "\u202e" not in page and "\ufffe" not in page
    # A dollar sign is a dollar sign, in figures too; as mathematics it would be drawn letter by letter.
    assert "$x^2$" in page and page.count(r"\x1b[31m\u202e\n\ud800\ufffe") >= 5 and not re.search("😄", page)


def test_files_of_any_name_are_listed_printably(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for name in ("[red]x[]:smile:.wav", "esc\x1b[31m.wav", "two\nlines.wav", "\u202egpj.wav"):
        (data / name).write_bytes(b"nothing")
    (data / os.fsdecode(b"latin\xe9.wav")).write_bytes(b"nothing")
    assert main(["train", "speech-waveform", "--data", str(data), "-o", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert "\x1b" not in said and "\u202e" not in said and len(said.splitlines()) == 1
