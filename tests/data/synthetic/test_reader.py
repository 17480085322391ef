"""Processes as sources: what training and probing read."""

import numpy as np
import pytest

from torchcpc.contracts import CPCError
from torchcpc.data.synthetic import PROCESSES, named, simulate
from torchcpc.settings import construct, resolve


@pytest.mark.parametrize("process", PROCESSES)
def test_sources_are_the_process(process):
    sources = simulate(process=process, sources=11, steps=7, seed=3, bits=2)
    x_BTD, group_B = named(process, bits=2).sample(11, 7, np.random.default_rng(3))
    assert len(sources) == 11 and sources.length(4) == 7
    np.testing.assert_array_equal(sources.read(4, 2, 3), x_BTD[4, 2:5])
    same_group = [[sources.group(i) == sources.group(j) for j in range(11)] for i in range(11)]
    assert same_group == (group_B[:, None] == group_B).tolist()
    assert sources.labels("split") == ["train"] * 9 + ["test"] * 2
    assert sources.select([10, 4]).read(1, 0, 7).tolist() == sources.read(4, 0, 7).tolist()


def test_no_folder_is_needed_and_settings_are_checked():
    readers = {"data": {"synthetic": simulate}}
    section = resolve({"data": {"name": "synthetic", "process": "var1", "sources": 5}}, readers)["data"]
    assert construct(readers["data"], section, []).read(0, 0, 9).shape == (9, 2)
    with pytest.raises(CPCError, match="data.sources = 4"):
        simulate(sources=4)
    with pytest.raises(CPCError, match="data.procces is not a setting"):
        resolve({"data": {"name": "synthetic", "procces": "var1"}}, readers)
