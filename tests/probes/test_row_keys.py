"""Names of the rows of a probe: whole sources, stretches of them, and single frames, with and without a clock."""

import numpy as np

from torchcpc.data.clips import Clips, tiles, wholes
from torchcpc.data.series.series import cases
from torchcpc.probes.row_keys import row_keys
from torchcpc.probes.rows import ClipRows


def clips(*, rate: float) -> tuple[Clips, Clips]:
    sources = cases([np.zeros((23, 2)), np.zeros((31, 2))], rate=rate)
    return wholes(sources), tiles(sources, length=7)


def test_a_whole_source_has_its_key_and_a_stretch_says_where_it_begins() -> None:
    whole, cut = clips(rate=5.0)
    first, second = (item.key for item in whole.items)
    rows = [ClipRows(clip, None, np.array([0])) for clip in (0, 1)]
    assert row_keys(whole, rows, 2) == [first, second]
    rows = [ClipRows(clip, None, np.array([0])) for clip in (0, 1, 3)]
    assert row_keys(cut, rows, 2) == [first, f"{first} at 1.40 s", second]


def test_frames_count_from_the_begin_of_their_source() -> None:
    _, cut = clips(rate=5.0)
    key = cut.items[1].key
    assert row_keys(cut, [ClipRows(1, np.array([0, 2]), np.array([0, 1]))], 2) == [f"{key} at 1.40 s", f"{key} at 2.20 s"]
