"""Check that series belong together: the same channels in one order, at one rate."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from torchcpc.contracts import CPCError, counted
from torchcpc.data.series.readings import Readings

# Clocks drift, so rates within this relative difference count as equal.
_SAME_RATE = 0.01
# Ratio of two rates whose times are in different units.
_UNITS = {"milliseconds": 1e3, "microseconds": 1e6, "nanoseconds": 1e9, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}


def usual_of(cases: Sequence[Readings]) -> Readings:
    """Return the first series with the channels and the rate of most series.

    One odd file must not exclude all others.

    Args:
        cases: All series.
    """
    if not cases:
        return Readings(np.zeros((0, 0)), ())
    channels = Counter(frozenset(case.channels) for case in cases).most_common(1)[0][0]
    same = [case for case in cases if frozenset(case.channels) == channels]
    rates = [case.rate for case in same if case.rate]
    near = Counter(round(math.log(rate) / _SAME_RATE) for rate in rates).most_common(1)
    return next((case for case in same if case.rate and round(math.log(case.rate) / _SAME_RATE) == near[0][0]), same[0])


def alike(case: Readings, usual: Readings, *, fixed: bool) -> Readings:
    """Return a series with its channels in the order of the usual series.

    Args:
        case: The series.
        usual: The usual series.
        fixed: Whether the rate is set, so that it is not compared.

    Raises:
        CPCError: If it has other channels or another rate.
    """
    if set(case.channels) != set(usual.channels) or case.values.shape[1] != len(case.channels):
        known = f" ({'; '.join(case.notes)})" if case.notes else ""
        count = counted(case.values.shape[1], "channel", "channels")
        raise CPCError(
            f"{count} {', '.join(case.channels)} instead of {', '.join(usual.channels)}{known}; name those that all have (data.channels)"
        )
    if not fixed and case.rate and usual.rate and abs(case.rate / usual.rate - 1) > _SAME_RATE:
        unit = next(
            (unit for unit, s in _UNITS.items() if abs(max(case.rate / usual.rate, usual.rate / case.rate) / s - 1) < 0.01), ""
        )
        same = f" (as if one of them were in {unit})" if unit else ""
        raise CPCError(f"{case.rate:g} rows per second instead of {usual.rate:g}{same}; resample it, or fix data.rate")
    if case.channels == usual.channels:
        return case
    order = [case.channels.index(name) for name in usual.channels]
    return replace(case, values=case.values[:, order], channels=usual.channels)
