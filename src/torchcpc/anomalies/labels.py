"""Which rows a column of labels calls anomalous: numbers above 0, or words."""

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError

# Words for a normal row. Every other word in such a column is a kind of anomaly.
_NORMAL = {
    "normal",
    "no",
    "false",
    "n",
    "f",
    "ok",
    "good",
    "healthy",
    "benign",
    "regular",
    "nominal",
    "none",
    "negative",
    "clean",
}
# Words for an anomalous row. A column with these alone leaves normal rows blank.
_ANOMALOUS = {
    "anomaly",
    "anomalous",
    "abnormal",
    "outlier",
    "yes",
    "true",
    "y",
    "t",
    "attack",
    "fault",
    "faulty",
    "failure",
    "error",
}
_ANOMALOUS |= {"bad", "positive", "event", "alarm", "defect"}
_BLANK = {"", "nan", "nat", "null", "na", "n/a", "<na>"}


def column_of(label: str) -> tuple[str, list[str]]:
    """Return the column of `COLUMN` or `COLUMN=VALUE,VALUE`, and the values that it calls anomalous, in lower case."""
    column, _, values = label.partition("=")
    return column, [value.strip().lower() for value in values.split(",") if value.strip()]


def anomalous(labels: Sequence[np.ndarray], label: str) -> list[np.ndarray]:
    """Return the labels of the rows of each source: 1 for anomalous, 0 for normal, NaN for unlabelled.

    Numbers above 0 are anomalous. Words are anomalous if `label` names them. If it names none, all words except the
    usual ones for normal are anomalous.

    Args:
        labels: The labels of the rows of each source.
        label: The column, with values if given.

    Raises:
        CPCError: If a named value does not exist, or the words do not show which rows are anomalous.
    """
    column, wanted = column_of(label)
    words = [np.array([_word(value) for value in rows.tolist()], dtype=object) for rows in labels]
    known = sorted({word for rows in words for word in rows} - {""})
    if wanted:
        if absent := [value for value in wanted if value not in known]:
            raise CPCError(f"label {label!r}: no row has the value {absent[0]!r}. Its values are {_some(known)}.")
        bad = set(wanted)
    elif all(map(_is_number, known)):
        bad = {word for word in known if float(word) > 0}
    elif any(word in _NORMAL or _is_zero(word) for word in known):
        bad = {word for word in known if word not in _NORMAL and not _is_zero(word)}
    elif known and set(known) <= _ANOMALOUS:
        bad = set(known)
    else:
        raise CPCError(
            f"label {label!r}: its values {_some(known)} do not say which rows are anomalous. Name those that are: {column}=VALUE,VALUE."
        )
    # In a column that marks only anomalies, blank rows are normal.
    blank = 0.0 if set(known) == bad else np.nan
    return [np.array([blank if not word else float(word in bad) for word in rows]) for rows in words]


def _word(value: object) -> str:
    """Return a value as a word in lower case, "" if it is blank."""
    word = str(value).strip().lower()
    return "" if value is None or word in _BLANK else word


def _is_number(word: str) -> bool:
    """Return whether a word is a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_zero(word: str) -> bool:
    """Return whether a word is a number of at most 0."""
    return _is_number(word) and float(word) <= 0


def _some(known: Sequence[str]) -> str:
    """Return the first values, for a message."""
    return ", ".join(map(repr, known[:5])) + (f" and {len(known) - 5} more" if len(known) > 5 else "") if known else "none"
