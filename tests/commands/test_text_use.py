"""Ranking, the timeline of a document, nearest sentences and candidates in words: on a world of known bigrams."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.commands import bigrams
from torchcpc.cli import main
from torchcpc.data.text.sentences import is_heading
from torchcpc.data.text.texts import split_sentences
from torchcpc.runs.saved import from_pretrained


def test_a_trained_model_ranks_far_above_word_overlap(walker: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """About one in 31 of the others is of the true state and may come first, so that 99 others allow 1 in 4 at best."""
    command = ["rank", str(walker), "--contexts", "15", "--k", "1", "3", "--pool", "any source"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "the true future among 100, others from all the sources ranked; 120 contexts of 8 sources" in said
    assert "validation sources" in said
    for k in (1, 3):
        rows = bigrams.rows_of(walker, "any source", k)
        assert rows["CPC"]["top1"]["mean"] > 0.15 and rows["CPC"]["rank"]["mean"] < 8
        for last in (1, 5):
            # Consecutive sentences share no word: overlap is no better than chance.
            assert rows[f"TF-IDF overlap, last {last}"]["top1"]["mean"] < 0.02
        assert rows["chance"]["top1"]["mean"] == pytest.approx(0.01)
        assert rows["chance"]["gap"]["low"] > 0 and rows["CPC"]["gap"] is None
        for row in rows.values():
            assert 0 <= row["top1"]["low"] <= row["top1"]["mean"] + 1e-9 <= row["top1"]["high"] + 2e-9 <= 1 + 2e-9
    assert "k = 3: the true future among 100" in (walker / "report.html").read_text()


def test_ranks_of_other_data_and_several_runs(
    walker: Path, walks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = bigrams.write(tmp_path / "other", documents=3, length=41, seed=0)
    few = ["--contexts", "7", "--candidates", "11", "--pool", "same source"]
    assert main(["rank", str(walker), str(other), "--seed-runs", str(walker), *few]) == 0
    said = capsys.readouterr()
    assert "others from the source of the context; 21 contexts of 3 sources" in said.out and "2 runs" in said.out
    assert "too good" not in said.err
    assert main(["rank", str(walker), str(walks), *few]) == 0
    assert "trained on these sources, so their numbers are too good" in capsys.readouterr().err


def test_short_sources_are_left_out_of_their_own_pool_and_told(
    walker: Path, tmp_path: Path, refused, capsys: pytest.CaptureFixture[str]
) -> None:
    """Held out are documents of 67 steps, of which none has 99 others of its own."""
    few = ["--contexts", "7", "--k", "1"]
    assert main(["rank", str(walker), *few]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "k = 1: the pool 'same source' is left out, with all 8 sources, whose own steps (67 at most)" in said
    assert [block["pool"] for block in json.loads((walker / "ranking.json").read_text())["blocks"]] == ["any source"]
    assert "67 steps of the source of the context cannot give 99 other" in refused("rank", walker, "--pool", "same source")
    mixed = bigrams.write(tmp_path / "mixed", documents=3, length=61, seed=1)
    bigrams.write(tmp_path / "long", documents=1, length=107, seed=2)
    (tmp_path / "long" / "walk00.txt").rename(mixed / "long.txt")
    # The other run has no pool of its own for these, or the same.
    assert main(["rank", str(walker), str(mixed), "--seed-runs", str(walker), *few]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "the pool 'same source' leaves out 3 of 4 sources, whose own steps (61 at most) cannot give 99 other" in said
    assert "others from the source of the context; 7 contexts of 1 sources" in said
    assert "others from all the sources ranked; 28 contexts of 4 sources" in said


def test_overlap_knows_words_that_only_the_documents_asked_about_have(walker: Path, walks: Path, tmp_path: Path) -> None:
    """Names of a book: every second sentence repeats the name in the sentence before it, and no training document has any of them."""
    known = next(walks.glob("*.txt")).read_text(encoding="utf8").split()[0].strip(".")
    names = [f"{known} N{n // 2}x{n // 2}." for n in range(80)]
    (tmp_path / "names.txt").write_text("\n".join(names) + "\n", encoding="utf8")
    assert (
        main(
            ["rank", str(walker), str(tmp_path), "--contexts", "79", "--candidates", "41", "--pool", "same source", "--k", "1"]
        )
        == 0
    )
    assert bigrams.rows_of(walker, "same source", 1)["TF-IDF overlap, last 1"]["top1"]["mean"] > 0.4


def test_a_candidate_of_unknown_words_is_told(walker: Path, walks: Path, tmp_path: Path, refused) -> None:
    lines = (walks / "walk00.txt").read_text().splitlines()
    (tmp_path / "context.txt").write_text("\n".join(lines[:7]))
    (tmp_path / "candidates.txt").write_text(f"{lines[7]}\nкот жил\n{lines[9]}\n", encoding="utf8")
    said = refused("rank", walker, "--context", tmp_path / "context.txt", "--candidates-file", tmp_path / "candidates.txt")
    assert "'кот жил': the model knows no word of it" in said


def test_what_cannot_be_ranked(walker: Path, walks: Path, refused) -> None:
    assert "k = 9: this model predicts 1 to 3 steps ahead" in refused("rank", walker, "--k", "9")
    assert "pool = 'mine' is unknown" in refused("rank", walker, "--pool", "mine")
    assert "cannot give 9999 other candidates" in refused("rank", walker, "--candidates", "10000")
    assert "a seed cannot be negative" in refused("rank", walker, "--seed", "-1")


def test_candidates_in_words(walker: Path, walks: Path, tmp_path: Path, refused, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (walks / "walk00.txt").read_text().splitlines()
    (tmp_path / "context.txt").write_text("\n".join(lines[:7]))
    # Candidates that stand 1, 2 and 3 sentences ahead, and others.
    order = [20, 7, 25, 8, 15, 9, 29]
    (tmp_path / "candidates.txt").write_text("\n\n".join(lines[n] for n in order) + "\n")
    given = [
        "rank",
        str(walker),
        "--context",
        str(tmp_path / "context.txt"),
        "--candidates-file",
        str(tmp_path / "candidates.txt"),
    ]
    for k in (1, 2, 3):
        assert main([*given, "--k", str(k), "--samples", "200"]) == 0
        caption, head, first, *rest = capsys.readouterr().out.splitlines()
        assert "7 sentences" in caption and f"best first at k = {k}" in caption
        assert head.split()[:4] == ["rank", "k", "=", "1"] and first.endswith(lines[6 + k]) and len(rest) == 6
        column = [float(line.split()[k]) for line in (first, *rest)]
        assert column == sorted(column, reverse=True)
        # One state of 31 is foretold: log 31 = 3.43 nats.
        assert column[0] == pytest.approx(3.43, abs=0.8)
    assert "go together" in refused(*given[:4])
    assert "Leave one of them out" in refused(*given, "--step", "walk00.txt:3")
    assert "one --k; --k does not go with it" in refused(*given, "--k", "1", "2")
    (tmp_path / "foreign.txt").write_text("Жил был кот.\nОн спал.\n", encoding="utf8")
    for files in ((*given[:-1], tmp_path / "foreign.txt"), (*given[:3], tmp_path / "foreign.txt", *given[4:])):
        assert "'Жил был кот.'" in (said := refused(*files)) and "the model knows no word of it" in said
    (tmp_path / "empty.txt").write_text("\n \n")
    assert "holds no text" in refused(*given[:-1], tmp_path / "empty.txt")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    assert "cannot be read as UTF-8 text" in refused(*given[:-1], tmp_path / "latin.txt")


def test_nearest_sentences(walker: Path, walks: Path, refused, capsys: pytest.CaptureFixture[str]) -> None:
    """Words of one state are nearest to other words of that state, though few or none are the same sentence."""
    lines = (walks / "walk00.txt").read_text().splitlines()
    state = {word[:2] for word in lines[5].split()}
    command = ["nearest", str(walker), str(walks), "--top", "9"]
    assert main([*command, "--text", lines[5], "--step", "walk00.txt:5"]) == 0
    out = capsys.readouterr().out.split("nearest to: ")[1:]
    assert len(out) == 2
    for block in out:
        found = [line.split() for line in block.strip().splitlines()[2:]]
        assert len(found) == 9 and all({word[:2] for word in line[4:]} == state for line in found)
        cosines = [float(line[1]) for line in found]
        assert cosines == sorted(cosines, reverse=True)
    assert not any(line.split()[2:4] == ["5", "walk00.txt"] for line in out[1].splitlines()[2:]), "not the step itself"
    assert main([*command, "--by", "c", "--step", "walk00.txt:30"]) == 0
    for line in capsys.readouterr().out.splitlines()[2:]:
        assert {word[:2] for word in line.split()[4:]} == {word[:2] for word in lines[30].split()}
    assert "nothing to find" in refused("nearest", walker, walks)
    assert "by = 'q'" in (said := refused("nearest", walker, walks, "--text", "a", "--by", "q")) and "z, c" in said
    assert "'nobody:1': expected SOURCE:STEP" in refused("nearest", walker, walks, "--step", "nobody:1")
    assert "walk00.txt has 67 steps, so its last is 66" in refused("nearest", walker, walks, "--step", "walk00.txt:67")
    assert re.search("sentence.* cannot be empty", refused("nearest", walker, walks, "--text", " "))
    said = refused("nearest", walker, walks, "--text", lines[5], "--text", "Zyzzyva, qwx 7!")
    assert "'Zyzzyva, qwx 7!': the model knows no word of it" in said


def test_the_timeline_of_a_document_and_a_shuffled_stretch(
    walker: Path, tmp_path: Path, refused, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "timeline.svg"
    assert main(["timeline", str(walker), "-o", str(picture), "--shuffle", "0.4:0.7", "--smooth", "5"]) == 0
    content = json.loads((walker / "timeline.json").read_text())
    assert content["horizons"] == [1, 2, 3] and (content["shuffled"]["first"], content["shuffled"]["last"]) == (27, 47)
    for k, ordered, mixed in zip(
        (1, 2, 3), content["shuffled"]["ordered_mean"], content["shuffled"]["shuffled_mean"], strict=True
    ):
        assert ordered > 2.5 and mixed < 0, k
    out = capsys.readouterr().out
    assert "mean PMI  in order  shuffled" in out
    for k, mean in zip((1, 2, 3), content["mean"], strict=True):
        assert f"\n{k}  {mean:8.3f}" in out
    assert "sentence of walk" in picture.read_text()
    assert "How expected each step was" in (walker / "report.html").read_text()
    assert "expected FROM:TO" in refused("timeline", walker, "--shuffle", "0.7:0.4")
    assert "expected FROM:TO" in refused("timeline", walker, "--shuffle", "half")
    assert "source 'none' is none of 8 sources" in refused("timeline", walker, "--source", "none")
    assert "cannot draw a '.gif' file" in refused("timeline", walker, "-o", tmp_path / "c.gif")
    assert "smooth = 0: at least 1" in refused("timeline", walker, "--smooth", "0")


def test_headings() -> None:
    for line in ("CHAPTER 1", "Chapter the First", "Book II.", "XIV", "IV.", "  VOLUME III", "Stave One: Marley's Ghost"):
        assert is_heading(line), line
    for line in (
        "I was there.",
        "Chapter and verse were quoted to him at length, as he had feared they would be.",
        "mild",
        "Part of me was glad.",
        "Book the tickets.",
        "Booking.",
    ):
        assert not is_heading(line), line


def test_text_is_split_as_the_documents_were(walker: Path) -> None:
    _, config = from_pretrained(walker)
    assert split_sentences(config["data"], "One. Two.\n\n  Three \n") == ["One. Two.", "Three"]
    assert split_sentences({**config["data"], "splitting": "prose"}, "One is one. Two is two.\n\nThree is three.") == [
        "One is one.",
        "Two is two.",
        "Three is three.",
    ]
