"""Imports run one way, through every room of the house. Each check is shown to catch a planted fault."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "torchcpc"

# A room may import those of earlier lines. Rooms of one line are peers, which do not import each other.
ORDER = (
    ("contracts",),
    ("atomic", "text_table", "signals", "progress"),
    ("results",),
    ("statistics",),
    ("data", "encoders", "contexts", "scores", "objectives", "settings"),
    ("streaming",),
    ("model",),
    ("training", "representations", "baselines"),
    ("domains",),
    ("runs",),
    ("mutual", "ranking"),
    ("information", "probes"),
    ("segmentation", "anomalies"),
    ("recording",),
    ("report",),
    ("sharing",),
    ("api", "estimator"),
    ("__init__",),  # what `import torchcpc` offers
    ("commands",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
# Without torch, so that a report can be made, and a result read, where there is none.
LIGHT = ("contracts", "atomic", "text_table", "signals", "progress", "results")


def parse(package: Path) -> dict[str, ast.Module]:
    """Dotted name within the package ("" for the package itself) -> syntax tree."""
    trees = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        trees[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text(encoding="utf8"))
    return trees


def imports(name: str, tree: ast.Module, modules: dict[str, ast.Module], is_package: bool) -> set[str]:
    """Modules of ours that `name` imports anywhere: in functions and under TYPE_CHECKING as well, absolute or relative.

    What the package itself offers (`torchcpc.load`) is the api. Its version may be read by everyone and is not counted.
    """
    targets = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ["torchcpc", *filter(None, name.split("."))]
            if node.level:
                base = base[: len(base) - node.level + is_package]
            stem = ".".join([*base, node.module] if node.module else base) if node.level else node.module or ""
            targets += [f"{stem}.{alias.name}" for alias in node.names]
    imported = set()
    for target in targets:
        head, _, rest = target.partition(".")
        if head != "torchcpc" or rest == "__version__":
            continue
        while rest and rest not in modules:  # the name of a function or class: its module is meant
            rest = rest.rpartition(".")[0]
        imported.add(rest or "api")
    return imported


def edges(package: Path) -> dict[str, set[str]]:
    modules = parse(package)
    packages = {".".join(path.parent.relative_to(package).parts) for path in package.rglob("__init__.py")}
    return {name: imports(name, tree, modules, name in packages) for name, tree in modules.items()}


def room(module: str) -> str:
    return module.partition(".")[0] or "__init__"


def is_result(module: str) -> bool:
    return module.rpartition(".")[2] == "result"


def allowed(module: str, target: str) -> bool:
    mine, theirs = room(module), room(target)
    for name in (mine, theirs):
        if name not in LEVEL:
            raise AssertionError(f"{name} is in no line of ORDER in tests/test_architecture.py: say what it may import")
    if is_result(module) or mine == "report":
        return theirs in LIGHT or is_result(target) or (mine == theirs == "report")
    return mine == theirs or LEVEL[theirs] < LEVEL[mine]


def violations(package: Path) -> list[str]:
    """Every import that the order does not allow, as "importer -> imported"."""
    return [
        f"{module} -> {target}"
        for module, targets in edges(package).items()
        for target in sorted(targets)
        if not allowed(module, target)
    ]


def test_imports_run_one_way():
    assert violations(PACKAGE) == []


def test_no_module_imports_itself_through_others():
    TopologicalSorter({module: targets - {module} - _ancestors(module) for module, targets in edges(PACKAGE).items()}).prepare()


def _ancestors(module: str) -> set[str]:
    """`from torchcpc.report import format` inside report/ reads the package only to reach its neighbour."""
    parts = module.split(".")
    return {".".join(parts[:depth]) for depth in range(len(parts))}


def test_every_room_of_the_order_exists():
    assert {room(module) for module in parse(PACKAGE)} == LEVEL.keys()


# Modules of a small house in order, and one in which everything is allowed.
SMALL = (
    *("contracts/__init__", "contracts/sources", "results", "statistics/intervals", "data/__init__", "data/windows"),
    *("encoders/__init__", "encoders/waveform", "scores/candidates", "objectives/contrast", "settings", "model"),
    *("training/__init__", "training/loop", "representations/embed", "domains/text", "runs/run", "ranking/compare"),
    *("information/result", "information/measure", "probes/result", "probes/compare", "segmentation/compare"),
    *("anomalies/detect", "report/page", "report/format", "api", "estimator", "__init__", "commands/train", "cli"),
)
GOOD = {
    "data/windows": "import torch\nfrom torchcpc.contracts import Window\nfrom torchcpc.contracts.sources import Sources\n",
    "runs/run": "from torchcpc import __version__\nfrom torchcpc.domains import text\n",
    "segmentation/compare": "from torchcpc.probes.compare import compare\nfrom . import peaks\n",
    "report/page": "from torchcpc.report.format import number\nfrom torchcpc.probes.result import ProbeTable\n",
    "probes/result": "from torchcpc.results import SavedResult\nfrom torchcpc.information.result import InformationTable\n",
    "commands/train": "import torchcpc\nfrom torchcpc import load\n",
}


@pytest.mark.parametrize(
    ("where", "line", "caught"),
    [
        ("data/windows", "from torchcpc.training.loop import fit", "data.windows -> training.loop"),
        ("data/windows", "import torchcpc.training", "data.windows -> training"),
        ("data/windows", "from torchcpc import encoders", "data.windows -> encoders"),
        ("data/windows", "from torchcpc import load", "data.windows -> api"),
        ("data/windows", "import torchcpc", "data.windows -> api"),
        ("data/windows", "from ..training import loop", "data.windows -> training.loop"),
        ("data/__init__", "from ..encoders import waveform", "data -> encoders.waveform"),
        ("objectives/contrast", "from torchcpc.scores.candidates import codes", "objectives.contrast -> scores.candidates"),
        ("objectives/contrast", "def late():\n    import torchcpc.data", "objectives.contrast -> data"),
        (
            "report/page",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torchcpc.model import CPCModel",
            "report.page -> model",
        ),
        ("report/page", "from torchcpc.information.measure import measure", "report.page -> information.measure"),
        ("report/page", "from torchcpc.settings import resolve", "report.page -> settings"),
        ("information/result", "from torchcpc.information.measure import measure", "information.result -> information.measure"),
        ("information/result", "from torchcpc.data.windows import Windows", "information.result -> data.windows"),
        ("contracts/sources", "from torchcpc.model import CPCModel", "contracts.sources -> model"),
        ("training/loop", "from torchcpc.probes.compare import compare", "training.loop -> probes.compare"),
        ("training/loop", "from torchcpc.representations import embed", "training.loop -> representations.embed"),
        ("domains/text", "from torchcpc.runs.run import load_run", "domains.text -> runs.run"),
        ("information/measure", "from torchcpc.probes.compare import compare", "information.measure -> probes.compare"),
        ("anomalies/detect", "from torchcpc.segmentation import compare", "anomalies.detect -> segmentation.compare"),
        ("estimator", "from torchcpc.api import load", "estimator -> api"),
        ("api", "from torchcpc.commands import train", "api -> commands.train"),
        ("settings", "from torchcpc.cli import main", "settings -> cli"),
        ("commands/train", "from torchcpc.cli import main", "commands.train -> cli"),
    ],
)
def test_a_planted_import_is_caught(tmp_path: Path, where: str, line: str, caught: str):
    for name in SMALL:
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(GOOD.get(name, ""))
    assert violations(tmp_path) == []
    (tmp_path / f"{where}.py").write_text(line + "\n")
    assert violations(tmp_path) == [caught]


def test_a_planted_circle_is_caught(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/__init__.py").touch()
    (tmp_path / "data/one.py").write_text("from torchcpc.data import two\n")
    (tmp_path / "data/two.py").write_text("from torchcpc.data.one import thing\n")
    with pytest.raises(CycleError):
        TopologicalSorter(edges(tmp_path)).prepare()


def test_a_new_room_must_be_added_to_the_order(tmp_path: Path):
    (tmp_path / "attic").mkdir()
    (tmp_path / "attic/boxes.py").write_text("import torchcpc\n")
    with pytest.raises(AssertionError, match="attic is in no line"):
        violations(tmp_path)


def loaded(code: str, *libraries: str) -> set[str]:
    """Which of the libraries a fresh Python has loaded after `code`."""
    shown = f"import sys\n{code}\nprint(*{set(libraries)} & set(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("code", ["import torchcpc; dir(torchcpc)", "import torchcpc.cli"])
def test_the_package_and_its_help_load_no_heavy_library(code: str):
    assert loaded(code, "torch", "numpy", "sklearn", "matplotlib", "scipy", "pydantic", "lightning_fabric") == set()


def test_reports_and_results_load_no_torch():
    light = [module for module in parse(PACKAGE) if is_result(module) or room(module) in (*LIGHT, "report")]
    assert loaded("\n".join(f"import torchcpc.{module}" for module in light), "torch") == set()


def test_a_loaded_library_is_seen():
    assert loaded("import torchcpc.model", "torch", "matplotlib") == {"torch"}
