"""The gap closed, as records and as a table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torchcpc.results import Interval, Real
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class GapClosed:
    """The share of the gap from the untrained to the supervised network that CPC features close.

    In accuracy, it is (CPC - untrained) / (supervised - untrained). CPC and untrained features have the same linear
    probe. The second figure is CPC minus the best handmade features.

    Attributes:
        features: The CPC features.
        untrained: The untrained features.
        supervised: The network that is trained on the labels.
        labels_per_class: The training labels of each class. None: all.
        cpc_accuracy: The accuracy of the CPC features.
        untrained_accuracy: The accuracy of the untrained features.
        supervised_accuracy: The accuracy of the supervised network. None: it was not trained on so few labels.
        gap: Supervised minus untrained, paired.
        share: The share with its interval. None: the supervised network is not shown to be above the untrained one, so
            there is no gap.
        handmade: The handmade features with the highest accuracy, or "".
        handmade_accuracy: Their accuracy.
        above_handmade: CPC minus these, paired.
    """

    features: str
    untrained: str
    supervised: str
    labels_per_class: int | None
    cpc_accuracy: Interval
    untrained_accuracy: Interval
    supervised_accuracy: Interval | None
    gap: Interval | None
    share: Interval | None
    handmade: str = ""
    handmade_accuracy: Interval | None = None
    above_handmade: Interval | None = None

    def cell(self) -> str:
        """Return the share in percent, or why there is none."""
        if self.share is not None:
            return self.share.text(0, scale=100)
        if self.gap is None:
            return "-"
        if self.gap.mean < 0:
            return "supervised below untrained"
        return "supervised not shown above untrained"

    def text(self) -> str:
        """Return the share as a sentence."""
        if self.share is not None:
            return f"{self.features} closes {self.share.text(0, scale=100)} % of the gap from {self.untrained} to {self.supervised}."
        side = "below" if self.gap and self.gap.mean < 0 else "not shown to be above"
        return f"The gap closed has no meaning here: {self.supervised}, supervised, is {side} {self.untrained}."


@dataclass(frozen=True, slots=True)
class Effort:
    """How long networks were trained.

    Attributes:
        network: What they are.
        networks: Their number.
        updates: Updates of each, on average.
        minutes: Minutes of training of each, without the validations, on average.
        best: The update of the best validation, on average. NaN: not known.
    """

    network: str
    networks: int
    updates: Real
    minutes: Real
    best: Real = math.nan

    def text(self) -> str:
        """Return it in words."""
        each = f", for each of {self.networks} networks" if self.networks > 1 else ""
        best = f"; best validation after {self.best:,.0f}" if math.isfinite(self.best) else ""
        time = f"{self.minutes:.1f}" if self.minutes >= 1 else f"{self.minutes:.2g}"
        return f"{self.network}: {self.updates:,.0f} updates in {time} minutes{each}{best}"


def gap_table(gaps: Sequence[GapClosed], efforts: Sequence[Effort]) -> TextTable:
    """Return the gap closed at each number of labels as a table.

    Args:
        gaps: At least one.
        efforts: How long the networks were trained.
    """
    first = gaps[0]
    rows = [
        (
            "all" if gap.labels_per_class is None else f"{gap.labels_per_class:,}",
            *(_share(value) for value in (gap.cpc_accuracy, gap.untrained_accuracy, gap.supervised_accuracy)),
            f"{_share(gap.handmade_accuracy)} ({gap.handmade})" if gap.handmade else "-",
            gap.cell(),
            gap.above_handmade.text(1, scale=100, sign="+") if gap.above_handmade else "-",
        )
        for gap in gaps
    ]
    head = ("labels per class", "CPC", "untrained", "supervised", "best handmade", "gap closed %", "CPC minus handmade")
    caption = (
        f"Gap closed = (CPC - untrained) / (supervised - untrained), in accuracy: {first.features}, {first.untrained} and "
        f"{first.supervised}"
    )
    notes = [f"training: {'. '.join(own.text() for own in efforts)}"] if efforts else []
    if any(gap.supervised_accuracy is None for gap in gaps):
        notes.append("-: the supervised network was not trained on so few labels (--supervised-curve)")
    return TextTable(head, rows, caption, notes)


def _share(value: Interval | None) -> str:
    return "-" if value is None else f"{100 * value.mean:.1f}"
