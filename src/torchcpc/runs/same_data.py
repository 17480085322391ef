"""Check that a resumed run has the same data. Digests of the sources tell what has changed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from torchcpc.atomic import write_json
from torchcpc.contracts import CPCError, Sources
from torchcpc.data.digest import difference, digests, of_all
from torchcpc.runs.record import RunRecord

NAME = "sources.json"
FORMAT = 1


def note_data(record: RunRecord, sources: Sources, folder: Path) -> RunRecord:
    """Return the record of a new run with the digest of its sources. The digest of each source is written to `folder`."""
    now = _digests(record, sources)
    write_json(folder / NAME, {"format": FORMAT, "sources": now})
    return replace(record, sources=of_all(now))


def check_data(
    record: RunRecord, sources: Sources, folder: Path, *, accept_changed: bool, note: Callable[[str], None]
) -> RunRecord:
    """Check the data of a run that is resumed. A run of an old version has no digest and accepts any data.

    Args:
        record: Record of the run.
        sources: The opened sources.
        folder: Run folder.
        accept_changed: Whether changed data are accepted.
        note: Hears what has changed.

    Returns:
        The record, with the new digest if the data have changed.

    Raises:
        CPCError: If the data have changed and that is not accepted.
    """
    if not record.sources or record.sources == of_all(now := _digests(record, sources)):
        return record
    before = _remembered(folder / NAME)
    if of_all(before) == record.sources:
        said = difference(before, now)
    else:
        said = f"{NAME} does not tell how; then they were {record.data.get('recordings', 'others')}, now {len(now)}"
    if not accept_changed:
        raise CPCError(
            f"the data of {folder} changed since it began: {said}. Restore them, or continue with --accept-changed-data "
            "(accept_changed_data=True)."
        )
    note(f"the data of {folder} changed since it began: {said}; the run continues with them as they are now")
    changed = note_data(record, sources, folder)
    return replace(changed, data={}, accepted=(*record.accepted, said))


def _digests(record: RunRecord, sources: Sources) -> dict[str, str]:
    rules = record.settings["split"].get("exclude", ())
    return digests(sources, sorted({rule.partition("=")[0] for rule in rules}))


def _remembered(path: Path) -> Mapping[str, str]:
    """Return the digests of a run folder, or none if the file is missing or damaged. An error can then not say what changed."""
    try:
        content = json.loads(path.read_bytes())
        sources = content["sources"] if content["format"] == FORMAT else {}
        return {str(key): str(digest) for key, digest in sources.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
