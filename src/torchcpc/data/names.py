"""Compare names: columns of tables, values of labels, and parts of a split.

All readers and all questions compare names here. Names that differ only by case, blanks or the composition of accents are
alike. Many words name the parts of a split.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

# Characters without width, which programs leave in copied text.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))

SPLIT = "split"  # the column that names the parts
TRAIN, VALIDATION, TEST, UNLABELLED = "train", "validation", "test", "unlabeled"
# Words in a value that name a part, without digits. If a value names several parts, the first of them in this order counts.
_WORDS: Mapping[str, frozenset[str]] = {
    TEST: frozenset("tst eval evaluation evaluate heldout holdout held unseen".split()),
    TRAIN: frozenset("trn learn learning".split()),
    VALIDATION: frozenset("val valid validation validate validating dev devel development valset devset".split()),
    UNLABELLED: frozenset("unlabeled unlabelled unsupervised unsup extra".split()),
}
# A word that contains one of these names the part: testing, testset, devtest, trainval, pretraining.
_INSIDE = {TEST: "test", TRAIN: "train"}
_PLAIN = frozenset((TRAIN, "training", TEST, "testing", "val", "valid", VALIDATION, "dev", UNLABELLED, "unlabelled"))
# Words in the names of columns that identify the origin of a source, and words that may be next to them.
_GROUPS = frozenset(
    "speaker spk group subject patient person participant individual author writer reader singer artist performer user client donor "
    "child animal bird".split()
)
_NUMBERED = frozenset("id no nr num number name code key".split())
# Words in names of files and folders. Only whole words count, since latest.csv is no test part.
_OF_FILES: Mapping[str, frozenset[str]] = {
    TEST: frozenset("test testing tests testset tst eval evaluation heldout holdout".split()),
    TRAIN: frozenset("train training trn trainset trainval".split()),
    VALIDATION: frozenset("val valid validation dev devel development valset devset".split()),
}


def clean(value: object) -> str:
    """Return the text of a value, without blanks around it and with accents composed; "" for None.

    Args:
        value: Any value.
    """
    return "" if value is None else unicodedata.normalize("NFC", str(value)).strip()


def alike(name: object) -> str:
    """Return a form of a name that is equal for all names that are alike.

    Args:
        name: The name.
    """
    text = unicodedata.normalize("NFKC", str(name)).translate(_INVISIBLE)
    return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())


def same_names(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that `name` means: the identical one first, then those that are alike.

    Args:
        name: The name.
        names: Names to choose from.
    """
    wanted = alike(name)
    return sorted((other for other in names if other == name or alike(other) == wanted), key=lambda other: other != name)


def matching(value: str, values: Collection[str]) -> set[str]:
    """Return the values that `value` means: only itself if it is among them, otherwise those that are alike.

    Args:
        value: The value.
        values: Values to choose from.
    """
    return {value} if value in values else set(same_names(value, values))


def first_label(labels: Mapping[str, object], columns: Iterable[str]) -> str:
    """Return the first label that is not empty, clean; "" if there is none.

    Args:
        labels: Label by column, of one source.
        columns: Columns to search.
    """
    return next((label for column in columns if (label := clean(labels.get(column)))), "")


def variants(values: Iterable[str]) -> list[list[str]]:
    """Return groups of two or more different values that are alike, in alphabetical order.

    Args:
        values: The values.
    """
    groups: dict[str, list[str]] = {}
    for value in sorted(set(values)):
        groups.setdefault(alike(value), []).append(value)
    return [group for group in groups.values() if len(group) > 1]


@lru_cache(maxsize=1 << 12)
def part_of(value: str) -> str:
    """Return the part of the data that a value of the column `split` names.

    A value that may name a test part counts as one. A source that is excluded by mistake is reported, while a test source
    in the training would go unnoticed.

    Args:
        value: The value.

    Returns:
        "train", "validation", "test" or "unlabeled"; "" if it names none.
    """
    words = _words(value)
    words = {*words, "".join(words)}  # this finds t e s t, too
    inside = {part for part, text in _INSIDE.items() if any(text in word for word in words)}
    return next((part for part, known in _WORDS.items() if part in inside or words & known), "")


def is_plain_part(value: str) -> bool:
    """Return whether a value is a usual name of a part, apart from case and blanks.

    Nobody would understand it differently.

    Args:
        value: The value.
    """
    return alike(value) in _PLAIN


def part_of_file(stem: str) -> str:
    """Return the part that the name of a file or folder indicates.

    Args:
        stem: Name without the suffix.

    Returns:
        "train", "validation" or "test"; "" if it indicates none or several.
    """
    parts = [part for part, known in _OF_FILES.items() if known & set(_words(stem))]
    return parts[0] if len(parts) == 1 else ""


def names_groups(column: str) -> bool:
    """Return whether a label column identifies the origin of a source, such as speaker, Patient ID or client_id.

    Args:
        column: Name of the column.
    """
    words = set(_words(column))
    return bool(words & _GROUPS) and words <= _GROUPS | _NUMBERED


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W\d_]+", alike(text)) if word]
