"""What counts as a command of a page, and what is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import doc_commands

PAGE = """\
# Title

Ask `cpc probe` with `cpc probe RUN --label x`, then see `cpc recipes speech > mine.toml`.

```bash
pip install torchcpc
cpc train speech --data recordings/ \\
    -o runs/mine   # ten minutes
cpc report runs/mine
```

```text
report: runs/mine/report.html
```

| see | `cpc train digits` |
| --- | --- |

```python
open("a.csv", "w").close()
```
"""


def test_commands_come_in_the_order_of_the_page() -> None:
    found = doc_commands.shown(PAGE)
    assert [(one.kind, one.line) for one in found] == [
        *(("skipped", 3), ("cpc", 3), ("skipped", 6), ("cpc", 7), ("cpc", 9), ("cpc", 16), ("python", 20)),
    ]
    pattern, saved, pip, train, report, table, block = found
    assert "pattern" in pattern.reason and "packages" in pip.reason
    assert saved.words == ["recipes", "speech"] and saved.promises == ["mine.toml"]
    assert train.words == ["train", "speech", "--data", "recordings/", "-o", "runs/mine"] and train.promises == ["runs/mine"]
    assert report.promises == ["runs/mine/report.html"] and report.output == ("report: runs/mine/report.html",)
    assert table.promises == ["runs/digits"] and block.promises == ["a.csv"]


@pytest.mark.parametrize(
    ("block", "why"),
    [("```bash\nrm -rf /\n```\n", "NOT_RUN"), ("```\ncpc recipes\n```\n", "no language"), ("```text\n1\n```\n", "text")],
)
def test_what_no_test_would_run_is_refused(block: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        doc_commands.shown(block)


def test_every_tutorial_is_run_and_begins_with_data_that_a_reader_can_make() -> None:
    tutorials = [name for name in doc_commands.PAGES if "/tutorials/" in name]
    assert "README.md" in doc_commands.PAGES and len(tutorials) >= 4
    for name in tutorials:
        text = (doc_commands.ROOT / name).read_text(encoding="utf8")
        first = next(one for one in doc_commands.shown(text) if one.kind != "skipped")
        assert first.kind == "python" or first.words == ["train", "digits", "-o", "runs/digits"]
        for picture in re.findall(r"!\[[^]]+\]\(([^)]+)\)", text):
            assert (doc_commands.ROOT / name).parent.joinpath(picture).stat().st_size < 150_000
