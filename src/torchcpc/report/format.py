"""Numbers and names as text: sensible digits, units, and nothing that could break a line or a figure."""

import math
import textwrap
from collections.abc import Sequence

from torchcpc.contracts import printable


def count(value: float) -> str:
    """Format a number of things: 1500 is '1,500'. A number that is not whole keeps three significant digits."""
    return f"{value:,.0f}" if float(value).is_integer() else number(value)


def number(value: float) -> str:
    """Format a number with three significant digits.

    There is no exponent between 0.001 and a million. NaN is 'not a number'.
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value) or value == 0:
        return minus(f"{value + 0:.0f}").replace("inf", "∞")
    size = math.floor(math.log10(abs(value)))
    text = f"{value:.2e}" if size < -3 or size >= 6 else f"{value:,.{max(0, 2 - size)}f}"
    return minus(text)


def between(values: Sequence[float]) -> str:
    """Format the range of some settings: (0.01, 0.01) is '0.01', (0.01, 1) is '0.01 to 1', and an empty one is a
    dash.
    """
    return minus(" to ".join(f"{value:g}" for value in sorted({min(values), max(values)}))) if values else "\N{EN DASH}"


def nats(value: float, *, digits: int = 2) -> str:
    """Format a bound or a ceiling with two decimals and without a unit: 3.417 is '3.42'."""
    return minus(f"{value:.{digits}f}") if math.isfinite(value) else number(value)


def bits(value: float) -> str:
    """Format a number of nats in bits."""
    return nats(value / math.log(2))


def percent(share: float) -> str:
    """Format a share in percent, with a space that does not break: 0.9968 is '99.68 %'.

    There is one decimal, and two within one percent of either end.
    """
    value = 100 * share
    digits = 2 if 0 < value < 1 or 99 < value < 100 else 1
    return f"{nats(value, digits=digits)}\N{NO-BREAK SPACE}%" if math.isfinite(share) else number(share)


def duration(hours: float) -> str:
    """Format hours as seconds, minutes or hours: 0.18 is '11 min'."""
    if hours * 60 < 2:
        return f"{number(hours * 3600)} s"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{number(hours)} h"


def minus(text: str) -> str:
    """Replace hyphens by true minus signs, which are as wide as plus signs."""
    return text.replace("-", "\N{MINUS SIGN}")


def plural(n: float, noun: str) -> str:
    """Format a number with its noun: '1 recording', '3 recordings'."""
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def lines(text: object, width: int = 28, most: int = 6) -> str:
    """Wrap a name for a figure to lines of about `width` letters. A name with more than `most` lines ends in an
    ellipsis.
    """
    found = textwrap.wrap(printable(text), width) or [""]
    return "\n".join(found if len(found) <= most else [*found[: most - 1], f"{found[most - 1][: width - 1]}…"])


def points(value: float, *, digits: int = 1) -> str:
    """Format a difference of two shares in percentage points, with its sign: 0.0512 is '+5.1'."""
    return minus(f"{100 * value + 0:+.{digits}f}") if math.isfinite(value) else number(value)
