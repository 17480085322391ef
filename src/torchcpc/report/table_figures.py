"""Tables of ranks and of boundaries as dots with intervals."""

from torchcpc.ranking.result import CANDIDATE_POOLS, RankBlock
from torchcpc.report import format
from torchcpc.report.dots import Dot, dots
from torchcpc.report.svg import PageFigure
from torchcpc.segmentation.result import SegmentTable


def ranking(block: RankBlock, index: int) -> PageFigure:
    """How often each method puts the true future first, best first."""
    chance = next((row.top1.mean for row in block.rows if row.role == "chance"), 1 / max(block.candidates, 1))
    methods = sorted((row for row in block.rows if row.role != "chance"), key=lambda row: -row.top1.mean)
    rows = [Dot(row.name, row.top1, row.role == "cpc") for row in methods]
    figure = dots(rows, f"rank-{index}", x="true future first (%)", reference=("chance", chance))
    others = CANDIDATE_POOLS.get(block.pool, block.pool)
    caption = (
        f"The true future among {format.count(block.candidates)}, the others from {format.printable(others)}; "
        f"{format.plural(block.contexts, 'context')} of {format.plural(block.sources, 'source')}. Bars are 95 % intervals by source."
    )
    return PageFigure(
        f"rank-{index}", f"{format.plural(block.k, 'step')} ahead, {format.printable(block.pool)}", caption, figure
    )


def boundaries(table: SegmentTable) -> PageFigure:
    """The R-value of every curve under each way to choose its threshold, best first."""
    best = sorted(table.rows, key=lambda row: -row.one_to_one.r_value.mean)
    rows = [Dot(f"{row.curve}, {row.threshold}", row.one_to_one.r_value, row.role == "cpc") for row in best]
    caption = (
        f"{format.plural(table.boundaries, 'true boundary').replace('boundarys', 'boundaries')} in "
        f"{format.plural(table.test, 'test source')}, found within {1000 * table.tolerance_s:g} ms. CPC is blue with round dots. "
        "Bars are 95 % intervals."
    )
    return PageFigure("boundaries", "R-value of each curve", caption, dots(rows, "boundaries", x="R-value (%)"))
