"""Which rows a column of labels calls anomalous: numbers above 0, or words."""

from collections.abc import Sequence

import numpy as np

from torchcpc.contracts import CPCError

# What people write for a row in which nothing is wrong; every other word in such a column is a kind of anomaly.
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
# What they write where something is; a column with these alone leaves the normal rows blank.
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
    """The column that `COLUMN` or `COLUMN=VALUE,VALUE` names, and the values, in small letters, that it calls anomalous."""
    column, _, values = label.partition("=")
    return column, [value.strip().lower() for value in values.split(",") if value.strip()]


def anomalous(labels: Sequence[np.ndarray], label: str) -> list[np.ndarray]:
    """For the rows of each source 1 where they are anomalous, 0 where they are normal, NaN where they bear no label. Numbers above 0 are
    anomalous; of words those that `label` names, or else all but the usual words for normal. Raises CPCError where words do not say."""
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
    # A column that marks anomalies alone leaves all other rows blank.
    blank = 0.0 if set(known) == bad else np.nan
    return [np.array([blank if not word else float(word in bad) for word in rows]) for rows in words]


def _word(value: object) -> str:
    word = str(value).strip().lower()
    return "" if value is None or word in _BLANK else word


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _is_zero(word: str) -> bool:
    return _is_number(word) and float(word) <= 0


def _some(known: Sequence[str]) -> str:
    return ", ".join(map(repr, known[:5])) + (f" and {len(known) - 5} more" if len(known) > 5 else "") if known else "none"
