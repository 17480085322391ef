"""Numbers and names as words: sensible digits, units written out, nothing that could break a line or a figure."""

import math
import textwrap
from collections.abc import Sequence

from torchcpc.contracts import printable


def count(value: float) -> str:
    """1500 -> '1,500'; a number that is not whole keeps three significant digits."""
    return f"{value:,.0f}" if float(value).is_integer() else number(value)


def number(value: float) -> str:
    """Three significant digits, without an exponent between 0.001 and a million; NaN says so."""
    if math.isnan(value):
        return "not a number"
    if math.isinf(value) or value == 0:
        return minus(f"{value + 0:.0f}").replace("inf", "∞")
    size = math.floor(math.log10(abs(value)))
    text = f"{value:.2e}" if size < -3 or size >= 6 else f"{value:,.{max(0, 2 - size)}f}"
    return minus(text)


def between(values: Sequence[float]) -> str:
    """Settings, one a seed: (0.01, 0.01) -> '0.01', (0.01, 1) -> '0.01 to 1', none -> a dash."""
    return minus(" to ".join(f"{value:g}" for value in sorted({min(values), max(values)}))) if values else "\N{EN DASH}"


def nats(value: float, *, digits: int = 2) -> str:
    """A bound or a ceiling with two decimals, the unit left to the caller: 3.417 -> '3.42'."""
    return minus(f"{value:.{digits}f}") if math.isfinite(value) else number(value)


def bits(value: float) -> str:
    """The same quantity in bits."""
    return nats(value / math.log(2))


def percent(share: float) -> str:
    """0.9968 -> '99.68 %', with a space that does not break; one decimal, two within a percent of either end."""
    value = 100 * share
    digits = 2 if 0 < value < 1 or 99 < value < 100 else 1
    return f"{nats(value, digits=digits)}\N{NO-BREAK SPACE}%" if math.isfinite(share) else number(share)


def duration(hours: float) -> str:
    """0.18 h -> '11 min': seconds below two minutes, minutes below two hours, hours above."""
    if hours * 60 < 2:
        return f"{number(hours * 3600)} s"
    return f"{hours * 60:.0f} min" if hours < 2 else f"{number(hours)} h"


def minus(text: str) -> str:
    """A hyphen before a digit as a true minus sign, which has the width of a plus sign in a column."""
    return text.replace("-", "\N{MINUS SIGN}")


def plural(n: float, noun: str) -> str:
    """(1, 'recording') -> '1 recording', (3, 'recording') -> '3 recordings'."""
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def lines(text: object, width: int = 28, most: int = 6) -> str:
    """A name for a figure, wrapped to lines of about `width` letters. One that is longer than `most` lines ends in an ellipsis."""
    found = textwrap.wrap(printable(text), width) or [""]
    return "\n".join(found if len(found) <= most else [*found[: most - 1], f"{found[most - 1][: width - 1]}…"])


def points(value: float, *, digits: int = 1) -> str:
    """A difference of two shares in percentage points, with its sign: 0.0512 -> '+5.1'."""
    return minus(f"{100 * value + 0:+.{digits}f}") if math.isfinite(value) else number(value)
