"""What the answers of all questions have in common: a typed, frozen record that is saved as JSON and shown as tables.

A result is a frozen dataclass that inherits `SavedResult`, states its `FORMAT`, and says how it is laid out in `tables`. The rest
(JSON, text, HTML, data frames) follows from its fields and tables. No result imports torch, so that a report is made without it.
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

# The timeline of a day of speech has a tenth of it.
LARGEST_JSON = 1 << 29
# Of the name of a field in a message.
_LONGEST_PLACE = 99
# JSON has no NaN: null stands for it.
Real = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A float that may be NaN ("not known"), null in JSON."""
Array = Annotated[
    np.ndarray,
    PlainValidator(lambda value: value if isinstance(value, np.ndarray) else _array(value)),
    PlainSerializer(lambda value: value.tolist()),
]
"""A numpy array of numbers (NaN is null in JSON) or of texts."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval, all in the unit of the estimate; low and high are NaN where nothing is known of its error."""

    mean: Real
    low: Real
    high: Real

    def text(self, digits: int, *, scale: float = 1.0, sign: str = "") -> str:
        """For a cell of a table: "21.5 (18.3 to 24.9)", the mean alone where there is no interval. scale: 100 for percent; sign: "+"."""
        mean, low, high = (f"{scale * value:{sign}.{digits}f}" for value in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high})" if math.isfinite(self.low) and math.isfinite(self.high) else mean

    def widened(self, by: float) -> Interval:
        """The same estimate where an independent error of `by` (half an interval) is added."""
        low, high = (self.mean + sign * math.hypot(end - self.mean, by) for sign, end in ((-1, self.low), (1, self.high)))
        return Interval(self.mean, low, high)


class SavedResult(ABC):
    """A frozen dataclass that can be written, read and shown. FORMAT: raise it when a field changes its meaning."""

    FORMAT: ClassVar[int] = 1

    @abstractmethod
    def tables(self) -> Sequence[TextTable]:
        """The result as tables of text, for a terminal and a page."""

    @abstractmethod
    def records(self) -> Sequence[Mapping[str, object]]:
        """The rows of a data frame, column by name."""

    def to_json(self, path: Path | str | None = None) -> dict[str, Any]:
        """The result as plain data; written to `path` too, whole or not at all, where one is given."""
        content = {"format": self.FORMAT, "result": type(self).__name__, **plain(TypeAdapter(type(self)).dump_python(self))}
        if path is not None:
            write_json(Path(path), content)
        return content

    @classmethod
    def from_json(cls, source: Path | Mapping[str, Any]) -> Self:
        """The result that `to_json` gave, from the file or the data. Raises CPCError, in one line, for anything else."""
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
            # Lists that must be as long as one another are only compared where they are laid out.
            _ = made.tables(), made.records()
            return made
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            fault = f"{'.'.join(map(str, first['loc']))[:_LONGEST_PLACE]}: {first['msg']}"
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, AttributeError) as error:
            fault = f"its parts do not fit together ({one_line(error)})"
        raise CPCError(f"{name} is damaged: {fault}. Run the command that wrote it again.")

    def to_pandas(self) -> pd.DataFrame:
        """The rows as a data frame (needs pandas)."""
        import pandas

        return pandas.DataFrame(list(self.records()))

    def to_csv(self, path: Path | str | None = None) -> str:
        """The records as csv: one header line, shares as fractions, lists as JSON, nothing where a value is not known."""
        records, text = [plain(record) for record in self.records()], io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(name for record in records for name in record)), lineterminator="\n")
        writer.writeheader()
        for record in records:
            nested = {name: json.dumps(value) for name, value in record.items() if isinstance(value, (list, dict))}
            writer.writerow({**record, **nested})
        return _written(text.getvalue(), path)

    def to_markdown(self, path: Path | str | None = None) -> str:
        """The tables as GitHub writes them."""
        return _written("\n\n".join(table.markdown() for table in distinct(self.tables())) + "\n", path)

    def formatted(self, name: str) -> str:
        """The result in one of FORMATS."""
        check_choice("format", name, FORMATS)
        return FORMATS[name](self)

    def text(self) -> str:
        """The tables for a terminal, at most 100 columns wide; two with the same rows once."""
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
    if path is not None:
        write_text(Path(path), text)
    return text


def read_json(path: Path) -> Any:
    """What a JSON file holds. Raises CPCError for one that is missing or damaged, and for what is no file: a pipe would be waited on."""
    if not os.path.exists(path):
        raise CPCError(f"{path} does not exist. Run the command that writes it.")
    try:
        if not os.path.isfile(path):
            raise ValueError("it is not a file")
        if (size := os.path.getsize(path)) > LARGEST_JSON:
            raise ValueError(f"it has {size:,} bytes, of at most {LARGEST_JSON:,}")
        return json.loads(path.read_bytes())
    # Of the file, of JSON or UTF-8, of a number of too many digits, and of lists in lists in lists.
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise CPCError(
            f"{path} cannot be read as JSON ({error}). Restore it, or run the command that wrote it again."
        ) from None


def flat(record: object, prefix: str = "", *, without: Sequence[str] = ()) -> dict[str, object]:
    """The fields of a dataclass by name, those of an Interval as name, name_low and name_high: for `records`. None has no fields."""
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
    """Lists as an array; null, which stands for NaN, makes it one of floats."""
    try:
        found = np.array(value)
        return found if found.dtype != object else np.array(value, dtype=np.float64)
    except TypeError as error:
        raise ValueError(str(error)) from None
