"""The mutual information of two arrays as a table: for a terminal, a page and other programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchcpc.contracts import Result
from torchcpc.results import Interval, SavedResult, flat
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class MutualInformation(SavedResult):
    """I(x; y) in nats.

    Args:
        information: With its interval, of 95 % where the rows are independent.
        bits: The same in bits.
        n: Pairs.
        independent_rows: How many independent rows the pairs are worth.
        lower_bound: Of InfoNCE on held-out rows, less two standard errors, in nats.
        ceiling: The most that this bound can say: the log of `candidates`.
        method: How it was found.
        warnings: What is odd about the rows.
    """

    information: Interval
    bits: float
    n: int
    independent_rows: float
    lower_bound: float
    ceiling: float
    candidates: int
    method: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, found: Result) -> "MutualInformation":
        """What `mutual_information` found."""
        low, high = (found.value if end is None else end for end in (found.low, found.high))
        return cls(Interval(found.value, low, high), n=found.n, **found.detail)

    def records(self) -> Sequence[Mapping[str, object]]:
        return [flat(self)]

    def tables(self) -> Sequence[TextTable]:
        # First what is odd about the rows: whoever reads the number has read it.
        holds = "95 %" if self.independent_rows == self.n else "no 95 % interval, for the rows depend on one another"
        interval = f"{self.information.low:.3f} to {self.information.high:.3f}, {holds}"
        value = f"I(x; y) = {self.information.mean:.3f} nats ({interval}) = {self.bits:.3f} bits, n = {self.n}"
        bound = (
            f"lower bound {self.lower_bound:.3f} nats, its ceiling log {self.candidates} = {self.ceiling:.2f}; {self.method}"
        )
        return [TextTable((), (), notes=[*(f"warning: {warning}" for warning in self.warnings), value, bound])]
