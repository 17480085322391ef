import json

import pytest

from torchcpc.runs.training_time import training_time


def test_the_time_is_the_sum_over_the_lines_of_the_log_and_damaged_lines_do_not_count(tmp_path):
    def line(step, speed, event="train"):
        return json.dumps({"event": event, "step": step, "steps_per_second": speed})

    lines = [line(20, 4.0), line(20, 9.0, "valid"), "{", "[]", line(25, None), line(30, 10.0), line(37, 0.0), line(41, 11.0)]
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    found = training_time(tmp_path)
    assert found and (found.updates, found.seconds) == (41, pytest.approx(20 / 4 + 10 / 10 + 11 / 11))


def test_a_folder_without_a_log_has_no_time(tmp_path):
    assert training_time(tmp_path) is None
    (tmp_path / "metrics.jsonl").write_text("")
    assert training_time(tmp_path) is None
