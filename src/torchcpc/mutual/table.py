"""The mutual information of two arrays as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torchcpc.contracts import Result
from torchcpc.results import Interval, SavedResult, flat
from torchcpc.text_table import TextTable


@dataclass(frozen=True, slots=True)
class MutualInformation(SavedResult):
    """The estimate of `mutual_information` as a result.

    Args:
        information: The estimate in nats. Its interval holds for 95 % if the rows are independent.
        bits: The estimate in bits.
        n: The number of pairs.
        independent_rows: The effective number of independent rows.
        lower_bound: The InfoNCE bound on held-out rows minus two standard errors, in nats.
        ceiling: The largest value of this bound: the log of `candidates`.
        candidates: The number of candidates of the bound.
        method: How the value was found.
        warnings: What is unusual about the rows.
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
        """Return the result of `mutual_information` as a table."""
        low, high = (found.value if end is None else end for end in (found.low, found.high))
        return cls(Interval(found.value, low, high), n=found.n, **found.detail)

    def records(self) -> Sequence[Mapping[str, object]]:
        return [flat(self)]

    def tables(self) -> Sequence[TextTable]:
        # Warnings come first, so that a reader of the number has seen them.
        holds = "95 %" if self.independent_rows == self.n else "no 95 % interval, because the rows depend on one another"
        interval = f"{self.information.low:.3f} to {self.information.high:.3f}, {holds}"
        value = f"I(x; y) = {self.information.mean:.3f} nats ({interval}) = {self.bits:.3f} bits, n = {self.n}"
        bound = (
            f"lower bound {self.lower_bound:.3f} nats, its ceiling log {self.candidates} = {self.ceiling:.2f}; {self.method}"
        )
        return [TextTable((), (), notes=[*(f"warning: {warning}" for warning in self.warnings), value, bound])]
