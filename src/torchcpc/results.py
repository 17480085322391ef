"""What all results share: they are typed, frozen records that are saved as JSON and displayed as tables.

A result is a frozen dataclass that inherits `SavedResult`, states its `FORMAT`, and defines `tables` and `records`.
JSON, text, HTML and data frames follow from these. No result imports torch, so a report needs no torch.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import BeforeValidator, PlainSerializer, PlainValidator, TypeAdapter, ValidationError

from torchcpc.atomic import plain, write_json, write_text
from torchcpc.contracts import CPCError, check_choice, one_line, shown
from torchcpc.text_table import TextTable, distinct

if TYPE_CHECKING:
    import pandas as pd

# Ten times the size of the timeline of a day of speech.
LARGEST_JSON = 1 << 29
# Letters of the name of a field in a message.
_LONGEST_PLACE = 99
# JSON has no NaN: null represents it.
Real = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A float that may be NaN (unknown). It is null in JSON."""
Array = Annotated[
    np.ndarray,
    PlainValidator(lambda value: value if isinstance(value, np.ndarray) else _array(value)),
    PlainSerializer(lambda value: value.tolist()),
]
"""A numpy array of numbers (NaN is null in JSON) or of texts."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval. low and high are NaN where no error is known.

    Attributes:
        mean: The estimate.
        low: The lower end, in the unit of the estimate.
        high: The upper end, in the unit of the estimate.
    """

    mean: Real
    low: Real
    high: Real

    def text(self, digits: int, *, scale: float = 1.0, sign: str = "") -> str:
        """Return a table cell such as "21.5 (18.3 to 24.9)". Without an interval it is the mean alone.

        Args:
            digits: Digits after the decimal point.
            scale: A factor, 100 for percent.
            sign: "+" shows the sign of positive numbers, too.
        """
        mean, low, high = (f"{scale * value:{sign}.{digits}f}" for value in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high})" if math.isfinite(self.low) and math.isfinite(self.high) else mean

    def widened(self, by: float) -> Interval:
        """Return the same estimate with an independent error added.

        Args:
            by: Half the width of the interval of that error.
        """
        low, high = (self.mean + sign * math.hypot(end - self.mean, by) for sign, end in ((-1, self.low), (1, self.high)))
        return Interval(self.mean, low, high)


class SavedResult(ABC):
    """Base class of results: a frozen dataclass that can be saved, loaded and displayed.

    Attributes:
        FORMAT: The version of the JSON format. Raise it when a field changes its meaning.
    """

    FORMAT: ClassVar[int] = 1

    @abstractmethod
    def tables(self) -> Sequence[TextTable]:
        """Return the result as text tables, for a terminal and a page."""

    @abstractmethod
    def records(self) -> Sequence[Mapping[str, object]]:
        """Return one mapping per row, column name to value."""

    def to_json(self, path: Path | str | None = None) -> dict[str, Any]:
        """Return the result as plain data, and write it to a file if asked.

        Args:
            path: The JSON file to write. Default: no file.

        Returns:
            The content, with the format number and the name of the result.

        Raises:
            CPCError: If the file cannot be written.
        """
        content = {"format": self.FORMAT, "result": type(self).__name__, **plain(TypeAdapter(type(self)).dump_python(self))}
        if path is not None:
            write_json(Path(path), content)
        return content

    @classmethod
    def from_json(cls, source: Path | Mapping[str, Any]) -> Self:
        """Load a result that `to_json` made.

        Args:
            source: The JSON file, or its content.

        Returns:
            The result.

        Raises:
            CPCError: If the file is missing or damaged, or has another format.
        """
        name, content = (f"{source}", read_json(source)) if isinstance(source, Path) else ("the data", source)
        found, kind = (content.get(key) for key in ("format", "result")) if isinstance(content, Mapping) else (None, None)
        if (found, kind) != (cls.FORMAT, cls.__name__):
            raise CPCError(
                f"{name} has format {shown(found)} of {shown(kind)}; this torchcpc reads format {cls.FORMAT} of {cls.__name__!r}. "
                "Run the command that wrote it again."
            )
        own = {key: value for key, value in content.items() if key not in ("format", "result")}
        try:
            made = TypeAdapter(cls).validate_python(own)
            # Laying it out shows whether its lists have equal lengths.
            _ = made.tables(), made.records()
            return made
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            fault = f"{'.'.join(map(str, first['loc']))[:_LONGEST_PLACE]}: {first['msg']}"
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, AttributeError) as error:
            fault = f"its parts do not fit together ({one_line(error)})"
        raise CPCError(f"{name} is damaged: {fault}. Run the command that wrote it again.")

    def to_pandas(self) -> pd.DataFrame:
        """Return the records as a data frame. This needs pandas."""
        import pandas

        return pandas.DataFrame(list(self.records()))

    def to_csv(self, path: Path | str | None = None) -> str:
        """Return the records as csv.

        The first line is the header. Shares are fractions, lists are JSON, and an unknown value is an empty cell.

        Args:
            path: A file to write as well. Default: no file.

        Raises:
            CPCError: If the file cannot be written.
        """
        records, text = [plain(record) for record in self.records()], io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for record in records for name in record)), lineterminator="\n")
        writer.writeheader()
        for record in records:
            nested = {name: json.dumps(value) for name, value in record.items() if isinstance(value, (list, dict))}
            writer.writerow({**record, **nested})
        return _written(text.getvalue(), path)

    def to_markdown(self, path: Path | str | None = None) -> str:
        """Return the tables in GitHub's Markdown.

        Args:
            path: A file to write as well. Default: no file.

        Raises:
            CPCError: If the file cannot be written.
        """
        return _written("\n\n".join(table.markdown() for table in distinct(self.tables())) + "\n", path)

    def formatted(self, name: str) -> str:
        """Return the result as a text in one format.

        Args:
            name: "text", "csv", "markdown" or "json".

        Raises:
            CPCError: If the format is unknown.
        """
        check_choice("format", name, FORMATS)
        return FORMATS[name](self)

    def text(self) -> str:
        """Return the tables for a terminal, at most 100 columns wide. Two tables with the same rows appear once."""
        return "\n\n".join(table.text() for table in distinct(self.tables()))

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return "\n".join(table.html() for table in distinct(self.tables()))


FORMATS: Mapping[str, Callable[[SavedResult], str]] = {
    "text": lambda result: result.text(),
    "csv": lambda result: result.to_csv().rstrip("\n"),
    "markdown": lambda result: result.to_markdown().rstrip("\n"),
    "json": lambda result: json.dumps(result.to_json(), ensure_ascii=False),
}


def _written(text: str, path: Path | str | None) -> str:
    """Return a text, and write it to `path` if that is given."""
    if path is not None:
        write_text(Path(path), text)
    return text


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        CPCError: If it is missing, damaged, too large, or not a regular file. Reading a pipe would block.
    """
    if not os.path.exists(path):
        raise CPCError(f"{path} does not exist. Run the command that writes it.")
    try:
        if not os.path.isfile(path):
            raise ValueError("it is not a file")
        if (size := os.path.getsize(path)) > LARGEST_JSON:
            raise ValueError(f"it has {size:,} bytes, of at most {LARGEST_JSON:,}")
        return json.loads(path.read_bytes())
    # A bad file, bad JSON or UTF-8, a number with too many digits, or too deeply nested lists.

    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise CPCError(
            f"{path} cannot be read as JSON ({error}). Restore it, or run the command that wrote it again."
        ) from None


def flat(record: object, prefix: str = "", *, without: Sequence[str] = ()) -> dict[str, object]:
    """Return the fields of a dataclass by name, for `records`.

    An Interval becomes three columns: name, name_low and name_high.

    Args:
        record: The dataclass. None has no fields.
        prefix: A prefix of all names.
        without: Fields to leave out.
    """
    found: dict[str, object] = {}
    for field in fields(record) if record is not None else ():  # pyright: ignore[reportArgumentType]
        value, name = getattr(record, field.name), prefix + field.name
        match value:
            case Interval(mean, low, high):
                found |= {name: mean, f"{name}_low": low, f"{name}_high": high}
            case _ if field.name not in without:
                found[name] = value
    return found


def _array(value: Any) -> np.ndarray:
    """Return lists as an array. null means NaN and makes it an array of floats."""
    try:
        found = np.array(value)
        return found if found.dtype != object else np.array(value, dtype=np.float64)
    except TypeError as error:
        raise ValueError(str(error)) from None
