"""Figures of rankings and boundaries, as dots with intervals."""

from torchcpc.ranking.result import CANDIDATE_POOLS, RankBlock
from torchcpc.report import format
from torchcpc.report.dots import Dot, dots
from torchcpc.report.svg import PageFigure
from torchcpc.segmentation.result import SegmentTable


def ranking(block: RankBlock, index: int) -> PageFigure:
    """Draw how often each method ranks the true future first, the best method first."""
    chance = next((row.top1.mean for row in block.rows if row.role == "chance"), 1 / max(block.candidates, 1))
    methods = sorted((row for row in block.rows if row.role != "chance"), key=lambda row: -row.top1.mean)
    rows = [Dot(row.name, row.top1, row.role == "cpc") for row in methods]
    figure = dots(rows, f"rank-{index}", x="true future first (%)", reference=("chance", chance))
    others = CANDIDATE_POOLS.get(block.pool, block.pool)
    caption = (
        f"The true future is one of {format.count(block.candidates)} candidates. The others come from {format.printable(others)}. Shown: "
        f"{format.plural(block.contexts, 'context')} of {format.plural(block.sources, 'source')}. Bars are 95 % intervals by source."
    )
    return PageFigure(
        f"rank-{index}", f"{format.plural(block.k, 'step')} ahead, {format.printable(block.pool)}", caption, figure
    )


def boundaries(table: SegmentTable) -> list[PageFigure]:
    """Draw R-value and F1 of every curve with each threshold. Both figures are in the order of the R-value."""
    best = sorted(table.rows, key=lambda row: -row.one_to_one.r_value.mean)
    names, learned = [f"{row.curve}, {row.threshold}" for row in best], [row.role == "cpc" for row in best]
    caption = (
        f"True boundaries: {format.count(table.boundaries)} in {format.plural(table.test, 'test source')}. A boundary counts as found "
        f"within {1000 * table.tolerance_s:g} ms. CPC is blue with round dots. Bars are 95 % intervals."
    )
    found = []
    for gid, name, values in (
        ("r-value", "R-value", [row.one_to_one.r_value for row in best]),
        ("f1", "F1", [row.one_to_one.f1 for row in best]),
    ):
        rows = [Dot(*row) for row in zip(names, values, learned, strict=True)]
        found.append(PageFigure(f"boundaries-{gid}", f"{name} of each curve", caption, dots(rows, gid, x=f"{name} (%)")))
        caption = "The same boundaries, in the order of the R-value."
    return found
