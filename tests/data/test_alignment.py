import csv

import numpy as np
import pytest

from torchcpc.contracts import CPCError, Item
from torchcpc.data.alignment import read_steps, read_table
from torchcpc.data.arrays import Arrays

HEADER = "recording,start_s,end_s,phone\n"


def written(folder, text, name="phones.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_frame_takes_the_label_at_its_centre(tmp_path):
    path = written(tmp_path, HEADER + "a,0.030,0.045,Ε\na,0.012,0.030,E\nb,0.0,0.007,SIL\na,0.061,0.5,E\n")
    alignment = read_table(path, column="phone")
    assert alignment.names == ("E", "SIL", "Ε")  # Latin E and Greek Ε are two letters
    # Centres 5, 15, 25, 35, 45, 55, 65 ms; 45 is the end of an interval, which is not in it.
    np.testing.assert_array_equal(alignment.frames("a", 7), [-1, 0, 0, 2, -1, -1, 0])
    np.testing.assert_array_equal(alignment.frames("b", 2), [1, -1])
    assert alignment.frames("a", 0).shape == (0,)


def test_a_delay_asks_about_the_past(tmp_path):
    alignment = read_table(written(tmp_path, HEADER + "a,0.0,0.02,x\na,0.02,0.04,y\n"), column="phone")
    np.testing.assert_array_equal(alignment.frames("a", 6, delay_s=0.02), [-1, -1, 0, 0, 1, 1])


@pytest.mark.parametrize(
    "body, message",
    [
        ("a,0.1,0.3,x\na,0.2,0.4,y\n", r"'a': the interval from 0.2 s starts before the one from 0.1 s ends \(0.3 s\)"),
        ("a,0.3,0.1,x\n", "line 2: from 0.3 s to 0.1 s is not an interval"),
        ("a,0.1,0.2,x\na,zero,1,x\n", "line 3: start_s 'zero' and end_s '1' must be numbers"),
        ("a,nan,1,x\n", "is not an interval"),
        ("a,0.1,0.2\n", "line 2: the recording or its phone is missing"),
    ],
)
def test_faulty_lines_are_named(tmp_path, body, message):
    with pytest.raises(CPCError, match=message):
        read_table(written(tmp_path, HEADER + body), column="phone")


def test_absent_columns_files_and_recordings_are_named(tmp_path):
    path = written(tmp_path, HEADER + "a,0,1,x\n")
    with pytest.raises(CPCError, match="no column word among recording, start_s, end_s, phone"):
        read_table(path, column="word")
    with pytest.raises(CPCError, match="cannot be read"):
        read_table(tmp_path / "none.csv", column="word")
    with pytest.raises(CPCError, match=r"2 recordings have no labels \(b, c\), while the labels name 1 \(a\)"):
        read_table(path, column="phone").require(["a", "b", "c"])
    with pytest.raises(CPCError, match="1 recording has no labels"):
        read_table(path, column="phone").frames("b", 3)


@pytest.mark.parametrize(
    "header, row",
    [
        ("recording,start,end,phone", "a,0.5,0.75,x"),
        ("path,phone,start_s,end_s", "a,x,0.5,0.75"),
        ("file,Begin,End,phone", "a,0.5,0.75,x"),
        ("file_name,onset,offset,phone", "a,0.5,0.75,x"),
        ("filename,start_time,end_time,phone", "a,0.5,0.75,x"),
        ("record,onset,duration,phone", "a,0.5,0.25,x"),
        ("recording,start,duration_s,end,phone", "a,0.5,9,0.75,x"),  # an end says more than a duration
        ("recording,start,end,start_s,end_s,phone", "a,8000,12000,0.5,0.75,x"),  # and a unit more than none
        ("recording,sample,start,end,phone", "a,8000,0.5,0.75,x"),
    ],
)
def test_times_go_by_the_usual_names(tmp_path, header, row):
    alignment = read_table(written(tmp_path, f"{header}\n{row}\n"), column="phone", rate=16_000)
    start_s, end_s, _ = alignment.spans["a"]
    assert (start_s.tolist(), end_s.tolist(), alignment.names) == ([0.5], [0.75], ("x",))


def test_missing_times_say_which_columns_are_needed_and_a_label_which_one_is_near(tmp_path):
    with pytest.raises(CPCError, match="no column start and end in seconds among recording, from, phone. It needs the columns"):
        read_table(written(tmp_path, "recording,from,phone\na,0,x\n"), column="phone")
    with pytest.raises(CPCError, match="no column Phones among .* Did you mean 'phone'"):
        read_table(written(tmp_path, HEADER + "a,0,1,x\n"), column="Phones")
    with pytest.raises(CPCError, match="onset '0' and duration 'x' must be numbers"):
        read_table(written(tmp_path, "recording,onset,duration,phone\na,0,x,y\n"), column="phone")


def test_ten_millisecond_files_are_read_label_for_label(tmp_path):
    labels = np.random.default_rng(0).integers(0, 41, size=1500)
    labels[7] = 40
    alignment = read_steps(written(tmp_path, f"19-198-0 {' '.join(map(str, labels))}\n\n26-1 3 0\n", "labels.txt"))
    assert alignment.names == tuple(str(n) for n in range(41))
    np.testing.assert_array_equal(alignment.frames("19-198-0", 1500), labels)
    np.testing.assert_array_equal(alignment.frames("26-1", 4), [3, 0, -1, -1])


@pytest.mark.parametrize(
    "text, message",
    [("a 1 x\n", "line 1: after 'a'"), ("a 1\na 2\n", "line 2: recording 'a' is listed twice"), ("\n", "no line with labels")],
)
def test_faulty_ten_millisecond_files_are_named(tmp_path, text, message):
    with pytest.raises(CPCError, match=message):
        read_steps(written(tmp_path, text, "labels.txt"))


def test_the_phones_of_mboshi_cover_their_time(shared_data):
    path = shared_data / "speech" / "mboshi" / "phones.csv"
    alignment = read_table(path, column="phone")
    assert len(alignment.names) == 28
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["recording"] == "abiayi_train_000"]
    frames = alignment.frames("abiayi_train_000", 300)
    slow = [
        next((r["phone"] for r in rows if float(r["start_s"]) <= 0.01 * t + 0.005 < float(r["end_s"])), None)
        for t in range(300)
    ]
    assert [alignment.names[label] if label >= 0 else None for label in frames] == slow


def test_an_event_labels_the_first_step_that_asks_at_or_after_it(tmp_path):
    path = written(tmp_path, "record,sample,beat\nr,5,N\nr,7,V\nr,30,N\n", "beats.csv")
    alignment = read_table(path, column="beat", rate=10.0)  # at 0.5, 0.7 and 3.0 s
    # Steps of 0.4 s ask at 0.2, 0.6, 1.0, ...: 0.5 s is asked about at 0.6 s, 0.7 s at 1.0 s, 3.0 s at 3.0 s.
    assert alignment.frames("r", 8, step_s=0.4).tolist() == [-1, 0, 1, -1, -1, -1, -1, 0]
    assert alignment.frames("r", 4, step_s=0.4, begin_s=1.6).tolist() == [-1, -1, -1, 0]
    assert alignment.frames("r", 9, step_s=0.4, delay_s=0.4).tolist() == [-1, -1, 0, 1, -1, -1, -1, -1, 0]
    with pytest.raises(CPCError, match=r"line 2: sample '1\.5' must be a whole number"):
        read_table(written(tmp_path, "record,sample,beat\nr,1.5,N\n", "bad.csv"), column="beat", rate=10.0)
    with pytest.raises(CPCError, match="no column beat"):
        read_table(written(tmp_path, "record,sample\nr,1\n", "bad.csv"), column="beat", rate=10.0)


def test_frames_of_a_clip_are_those_of_the_recording(tmp_path):
    path = written(tmp_path, "recording,start_s,end_s,phone\na,0.03,0.11,x\na,0.2,0.34,y\n")
    alignment = read_table(path, column="phone")
    whole = alignment.frames("a", 40)
    np.testing.assert_array_equal(alignment.frames("a", 13, begin_s=0.07), whole[7:20])


def test_times_with_decimal_commas(tmp_path) -> None:
    path = written(tmp_path, "recording;start_s;end_s;phone\na;0,0;0,02;x\na;0,02;0,05;y\n")
    assert read_table(path, column="phone").frames("a", 5).tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("unit", [1000, 100])
def test_times_in_another_unit_are_refused(tmp_path, unit):
    rows = "".join(f"{name},{n * unit / 10},{(n + 1) * unit / 10},x\n" for name in "abc" for n in range(10))
    sources = Arrays([np.zeros((11, 2))] * 3, [Item(name, name, seconds=1.0) for name in "abc"])
    found = read_table(written(tmp_path, HEADER + rows), column="phone")
    with pytest.raises(CPCError, match=rf"labels of a end at {unit} s, and it lasts 1 s: .*another unit"):
        found.matched(sources)
    long = Arrays([np.zeros((11, 2))] * 3, [Item(name, name, seconds=unit / 3) for name in "abc"])
    assert set(found.matched(long).spans) == set("abc")


def test_a_class_beyond_any_number_of_classes_is_refused(tmp_path):
    with pytest.raises(CPCError, match="line 2: class 12345678 after 'b' is above 999,999"):
        read_steps(written(tmp_path, "a 0 1 2\nb 3 12345678\n", "steps.txt"))
