"""How names are compared: columns of tables, values of labels, and the parts of a split. All readers and all questions compare here.

Names that differ only by case, blanks or the composition of accents are alike. Parts of a split are known by many words.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache

# Characters without width, which programs leave in text that was copied.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))

SPLIT = "split"  # the column that names the parts
TRAIN, VALIDATION, TEST, UNLABELLED = "train", "validation", "test", "unlabeled"
# The words of a value, digits apart, that name a part. A value that names several parts is of the first of them that stands here.
_WORDS: Mapping[str, frozenset[str]] = {
    TEST: frozenset("tst eval evaluation evaluate heldout holdout held unseen".split()),
    TRAIN: frozenset("trn learn learning".split()),
    VALIDATION: frozenset("val valid validation validate validating dev devel development valset devset".split()),
    UNLABELLED: frozenset("unlabeled unlabelled unsupervised unsup extra".split()),
}
# What a word of these parts holds: testing, testset, devtest, trainval, pretraining.
_INSIDE = {TEST: "test", TRAIN: "train"}
_PLAIN = frozenset((TRAIN, "training", TEST, "testing", "val", "valid", VALIDATION, "dev", UNLABELLED, "unlabelled"))
# Words of the columns that name whom or what sources are from, and words that may stand beside them.
_GROUPS = frozenset(
    "speaker spk group subject patient person participant individual author writer reader singer artist performer user client donor "
    "child animal bird".split()
)
_NUMBERED = frozenset("id no nr num number name code key".split())
# As file and folder names say it: whole words only, since latest.csv is no test part.
_OF_FILES: Mapping[str, frozenset[str]] = {
    TEST: frozenset("test testing tests testset tst eval evaluation heldout holdout".split()),
    TRAIN: frozenset("train training trn trainset trainval".split()),
    VALIDATION: frozenset("val valid validation dev devel development valset devset".split()),
}


def clean(value: object) -> str:
    """The text of a value without the blanks around it, accents composed; "" for None."""
    return "" if value is None else unicodedata.normalize("NFC", str(value)).strip()


def alike(name: object) -> str:
    """What two names share exactly when they are alike."""
    text = unicodedata.normalize("NFKC", str(name)).translate(_INVISIBLE)
    return " ".join(unicodedata.normalize("NFKC", text.casefold()).split())


def same_names(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that are meant by `name`: the same one first, then those that are alike."""
    wanted = alike(name)
    return sorted((other for other in names if other == name or alike(other) == wanted), key=lambda other: other != name)


def matching(value: str, values: Collection[str]) -> set[str]:
    """The values that are meant by `value`: it alone where it is among them, else those that are alike."""
    return {value} if value in values else set(same_names(value, values))


def first_label(labels: Mapping[str, object], columns: Iterable[str]) -> str:
    """The first label of one source that is filled in `columns`, clean; "" where none is."""
    return next((label for column in columns if (label := clean(labels.get(column)))), "")


def variants(values: Iterable[str]) -> list[list[str]]:
    """Groups of two or more different values that are alike, in alphabetical order."""
    groups: dict[str, list[str]] = {}
    for value in sorted(set(values)):
        groups.setdefault(alike(value), []).append(value)
    return [group for group in groups.values() if len(group) > 1]


@lru_cache(maxsize=1 << 12)
def part_of(value: str) -> str:
    """The part of the data that a value of the column `split` names: train, validation, test or unlabeled; "" where it names none. A value
    that may name a test part does: what is left out by mistake is reported, and what is trained on by mistake is not found out."""
    words = _words(value)
    words = {*words, "".join(words)}  # t e s t, too
    inside = {part for part, text in _INSIDE.items() if any(text in word for word in words)}
    return next((part for part, known in _WORDS.items() if part in inside or words & known), "")


def is_plain_part(value: str) -> bool:
    """Whether a value is one of the usual names of a part, case and blanks apart: nobody would read it otherwise."""
    return alike(value) in _PLAIN


def part_of_file(stem: str) -> str:
    """The part that the name of a file or folder says it is for: train, validation or test; "" where it says none, or several."""
    parts = [part for part, known in _OF_FILES.items() if known & set(_words(stem))]
    return parts[0] if len(parts) == 1 else ""


def names_groups(column: str) -> bool:
    """Whether a label column names whom or what a source is from: speaker, Patient ID, client_id."""
    words = set(_words(column))
    return bool(words & _GROUPS) and words <= _GROUPS | _NUMBERED


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\W\d_]+", alike(text)) if word]
