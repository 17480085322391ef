"""What every record of a domain holds, and what is learned before training."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest

from torchcpc.contracts import Item, silent
from torchcpc.data.arrays import Arrays
from torchcpc.domains import DOMAINS
from torchcpc.domains.record import learn_scale

PACKAGE = Path(__file__).parents[2] / "src" / "torchcpc"


@pytest.mark.parametrize("name", DOMAINS)
def test_every_reader_takes_what_the_program_gives(name: str) -> None:
    domain = DOMAINS[name]
    given = [p for p in inspect.signature(domain.reader).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    assert domain.name == name and [p.name for p in given] == ["roots", "cache", "progress"]
    assert domain.source and domain.step


def test_the_scale_is_learned_from_the_training_sources_once(tmp_path: Path) -> None:
    rows = np.array([[1.0, 10.0], [3.0, 50.0]], dtype=np.float32)
    sources = Arrays([rows, rows + 100], [Item("a", "a"), Item("b", "b")])
    settings = {"encoder": {"name": "sensor_rows", "mean": [], "scale": []}}
    learned = learn_scale(settings, sources.select([0]), tmp_path, silent)
    assert learned["encoder"] == {"name": "sensor_rows", "mean": [2.0, 30.0], "scale": [1.0, 20.0]}
    assert learn_scale(learned, sources, tmp_path, silent) is learned
    other = {"encoder": {"name": "vectors"}}
    assert learn_scale(other, sources, tmp_path, silent) is other


def test_the_process_behind_synthetic_data_follows_the_marginal() -> None:
    truth = DOMAINS["synthetic"].truth
    for name in ("speakers", "speakers-same-group"):
        for marginal, known in (("all", 1.832), ("same_group", 0.446)):
            process = truth({"name": "synthetic", "process": name, "bits": 0, "warped": False}, marginal)
            assert process.information(1).value == pytest.approx(known, abs=1e-3)
    coins = truth({"name": "synthetic", "process": "ar1", "bits": 2, "warped": False}, "same_group")
    assert coins.dim == 3
    assert DOMAINS["audio"].truth({"name": "audio"}, "all") is None


def test_nobody_else_compares_the_name_of_a_domain() -> None:
    """No `== "text"` and the like outside domains/."""
    names = "|".join(DOMAINS)
    compared = re.compile(rf"""(==|!=|\bin\b)\s*[\[({{]?\s*["']({names})["']""")
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if "domains" not in path.parts
        for line in path.read_text(encoding="utf8").splitlines()
        if compared.search(line)
    ]
    assert found == []
