"""The two ablations of the paper's Table 2 at small scale: how many steps ahead, and which competitors.

It trains `speech-waveform` at 64 channels for 400 updates on recordings of few speakers. The variants have K steps ahead, and each of
the five rules for negatives, with the same seeds. The linear probe of `cpc probe` reads phones from z and c.

    python benchmarks/speech_parts.py FOLDER phones.csv [section.key=value ...] -o OUT [--seeds 3]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ablation import compare

from torchcpc.data.alignment import read_table
from torchcpc.probes.question import ProbeSpec

# Four windows of each of three speakers an update, so that every rule has competitors to choose from.
SMALL = (
    *("encoder.channels=64", "context.dim=64", "windows.batch=12", "windows.windows_per_group=4"),
    *("training.steps=400", "training.warmup=40", "training.validate_every=400"),
)
VARIANTS = {
    "K = 12, mixed": (),
    **{f"K = {count}, mixed": (f"predictor.count={count}",) for count in (2, 4, 8, 16)},
    **{
        f"K = 12, {strategy}": (f"candidates.strategy={strategy}",)
        for strategy in ("same_group", "mixed_excluding", "same_group_excluding", "current_only")
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", help="a folder of recordings of three or more speakers")
    parser.add_argument("alignment", type=Path, metavar="FILE", help="frame labels: csv recording,start_s,end_s,phone")
    parser.add_argument("changes", nargs="*", metavar="section.key=value", help="settings of every variant")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3, help="pre-training seeds of every variant (default: %(default)s)")
    parser.add_argument("--every", type=int, default=10, help="frames between those that are asked (default: %(default)s)")
    given = parser.parse_args()
    labels = read_table(given.alignment, column="phone", rate=16_000)
    spec = ProbeSpec("phone", alignment=labels, unit="frame", every=given.every)
    compare("speech-waveform", VARIANTS, given.data, spec, seeds=given.seeds, changes=[*SMALL, *given.changes], out=given.out)


if __name__ == "__main__":
    main()
