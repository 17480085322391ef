"""Which parts of the picture recipe help: augmentation, the skipped row, four directions of reading?

It trains `pictures` as shipped, and then with one part changed at a time. All variants have the same seeds and the same folder, with
a folder for each class below train and test. The linear probe of `cpc probe` reads the classes of the test pictures from z and c.

    python benchmarks/picture_parts.py FOLDER [section.key=value ...] -o OUT [--seeds 2] [--only VARIANT ...]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ablation import compare

from torchcpc.probes.question import ProbeSpec

SHIPPED = "as shipped"
VARIANTS = {
    SHIPPED: (),
    "no variation": (
        *("data.margin=0", "data.flip=false"),
        *("encoder.margin=0", "encoder.flip=0.0", "encoder.colour_drop=0.0"),
    ),
    "the next row as well": ("predictor.first=1", "predictor.count=4"),
    "down only": ('encoder.directions=["down"]',),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", metavar="DATA", help="a folder with train/CLASS and test/CLASS")
    parser.add_argument(
        "changes", nargs="*", metavar="section.key=value", help="settings of every variant, e.g. training.steps=200"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=2, help="pre-training seeds of every variant (default: %(default)s)")
    parser.add_argument(
        "--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), help="these and the recipe as shipped"
    )
    given = parser.parse_args()
    chosen = {name: own for name, own in VARIANTS.items() if name in (SHIPPED, *given.only)}
    compare("pictures", chosen, given.data, ProbeSpec("class"), seeds=given.seeds, changes=given.changes, out=given.out)


if __name__ == "__main__":
    main()
