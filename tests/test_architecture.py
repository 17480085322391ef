"""Imports run one way, and the house rules that a parser can see. Each check is shown to catch a planted fault."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "torchcpc"

# room -> rooms of ours that it may import, besides itself. The order of the table is the order of the house.
ALLOWED: dict[str, set[str]] = {"__init__": set(), "contracts": set()}
ALLOWED |= {room: {"contracts"} for room in ("data", "encoders", "contexts", "scores", "objectives", "streaming", "report")}
# A model offers its own stream, which knows the parts of a model by their contracts alone.
ALLOWED["model"] = {"contracts", "streaming"}
ALLOWED["training"] = {"contracts", "data", "encoders", "contexts", "scores", "objectives", "model"}
ALLOWED["evaluation"] = ALLOWED["training"] | {"training"}
ROOMS = frozenset(ALLOWED)
# Any other single file at the top (config, pretrained, pretraining, ...) puts rooms together: it may import the rooms and its like
# without a circle, but nothing that talks to a terminal. Any other folder is a new room and must be entered in the table.
TERMINAL = ("commands", "cli", "__main__")
# Anyone may read the version.
EVERYONE = {"__init__"}


def sources(package: Path) -> dict[str, ast.Module]:
    """Dotted name within the package ("" for the package itself) -> syntax tree."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text(encoding="utf8"))
    return found


def imports(name: str, tree: ast.Module, known: dict[str, ast.Module], is_package: bool) -> set[str]:
    """Modules of ours that `name` imports anywhere: in functions and under TYPE_CHECKING as well, absolute or relative."""
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
    found = set()
    for target in targets:
        head, _, rest = target.partition(".")
        if head != "torchcpc":
            continue
        while rest and rest not in known:  # the name of a function or class: its module is meant
            rest = rest.rpartition(".")[0]
        found.add(rest)
    return found


def edges(package: Path) -> dict[str, set[str]]:
    known = sources(package)
    packages = {".".join(path.parent.relative_to(package).parts) for path in package.rglob("__init__.py")}
    return {name: imports(name, tree, known, name in packages) for name, tree in known.items()}


def room(module: str) -> str:
    return module.partition(".")[0] or "__init__"


def violations(package: Path) -> list[str]:
    """Every import that the table does not allow, as "importer -> imported"."""
    wrong = []
    for module, found in edges(package).items():
        mine = room(module)
        for target in sorted(found):
            theirs = room(target)
            if mine in TERMINAL:
                allowed = theirs not in TERMINAL or TERMINAL.index(theirs) <= TERMINAL.index(mine)
            elif mine not in ALLOWED and (package / f"{mine}.py").is_file():
                allowed = theirs not in TERMINAL
            elif mine in ALLOWED:
                allowed = theirs == mine or theirs in ALLOWED[mine] | EVERYONE
            else:
                raise AssertionError(f"{mine} is in no table of tests/test_architecture.py: say what it may import")
            if not allowed:
                wrong.append(f"{module} -> {target}")
    return wrong


def test_imports_run_one_way():
    assert violations(PACKAGE) == []


def test_no_module_imports_itself_through_others():
    TopologicalSorter({module: found - {module} - _ancestors(module) for module, found in edges(PACKAGE).items()}).prepare()


def _ancestors(module: str) -> set[str]:
    """`from torchcpc.report import format` inside report/ reads the package only to reach its neighbour."""
    parts = module.split(".")
    return {".".join(parts[:depth]) for depth in range(len(parts))}


def test_every_room_of_the_table_exists():
    present = {room(module) for module in sources(PACKAGE)}
    assert present >= ROOMS | {"config", "cli", "pretrained"}


@pytest.mark.parametrize(
    ("where", "line", "caught"),
    [
        ("data/windows.py", "from torchcpc.training.loop import fit", "data.windows -> training.loop"),
        ("data/windows.py", "import torchcpc.training", "data.windows -> training"),
        ("data/windows.py", "from torchcpc import encoders", "data.windows -> encoders"),
        ("data/windows.py", "from ..training import loop", "data.windows -> training.loop"),
        ("data/__init__.py", "from ..encoders import waveform", "data -> encoders.waveform"),
        ("objectives/contrast.py", "from torchcpc.scores.strategies import codes", "objectives.contrast -> scores.strategies"),
        ("objectives/contrast.py", "def late():\n    import torchcpc.data", "objectives.contrast -> data"),
        (
            "report/page.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torchcpc.model import CPCModel",
            "report.page -> model",
        ),
        ("contracts.py", "from torchcpc.model import CPCModel", "contracts -> model"),
        ("training/loop.py", "from torchcpc.probes import compare", "training.loop -> probes.compare"),
        ("evaluation/bound.py", "from torchcpc.runs.saved import build", "evaluation.bound -> pretrained"),
        ("config.py", "from torchcpc.cli import main", "config -> cli"),
        ("commands/train.py", "from torchcpc.cli import main", "commands.train -> cli"),
    ],
)
def test_a_planted_import_is_caught(tmp_path: Path, where: str, line: str, caught: str):
    for name in ("", "data", "encoders", "scores", "objectives", "training", "report", "evaluation", "commands"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "__init__.py").touch()
    modules = ("contracts", "model", "cli", "config", "pretrained", "data/windows", "encoders/waveform", "training/loop")
    for module in (*modules, "scores/strategies", "evaluation/bound", "objectives/contrast"):
        (tmp_path / f"{module}.py").touch()
    (tmp_path / "data/windows.py").write_text(
        "import torch\nfrom torchcpc.contracts import Window\nfrom torchcpc import __version__\n"
    )
    assert violations(tmp_path) == []
    (tmp_path / where).write_text(line + "\n")
    assert violations(tmp_path) == [caught]


def test_a_planted_circle_is_caught(tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/__init__.py").touch()
    (tmp_path / "data/one.py").write_text("from torchcpc.data import two\n")
    (tmp_path / "data/two.py").write_text("from torchcpc.data.one import thing\n")
    with pytest.raises(CycleError):
        TopologicalSorter(edges(tmp_path)).prepare()


def test_a_new_room_must_be_added_to_the_table(tmp_path: Path):
    (tmp_path / "attic").mkdir()
    (tmp_path / "attic/boxes.py").write_text("import torchcpc\n")
    with pytest.raises(AssertionError, match="attic is in no table"):
        violations(tmp_path)


def faults(name: str, text: str, own_classes: frozenset[str] = frozenset()) -> list[str]:
    """House rules broken by one file."""
    tree = ast.parse(text)
    found = []
    if len(text.splitlines()) > 300:
        found.append("more than 300 lines")
    if Path(name).stem in ("utils", "util", "helpers", "common", "misc"):
        found.append("a name that says nothing")
    if not ast.get_docstring(tree) and text.strip():
        found.append("no docstring")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id == "print" and name != "cli.py":
            found.append(f"print in line {node.lineno}")
        if node.func.id == "hasattr":
            found.append(f"hasattr in line {node.lineno}")
        if node.func.id == "isinstance" and own_classes & {n.id for n in ast.walk(node.args[1]) if isinstance(n, ast.Name)}:
            found.append(f"isinstance on a type of ours in line {node.lineno}")
    return found


def test_house_rules():
    own = frozenset(n.name for tree in sources(PACKAGE).values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    broken = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if found := faults(name, path.read_text(encoding="utf8"), own):
            broken[name] = found
    assert broken == {}


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("data/long.py", '"""Long."""\n' + "\n" * 300, "more than 300 lines"),
        ("data/utils.py", '"""Things."""\n', "a name that says nothing"),
        ("data/bare.py", "x = 1\n", "no docstring"),
        ("data/loud.py", '"""Loud."""\nprint(1)\n', "print in line 2"),
        ("data/duck.py", '"""Duck."""\nhasattr(x, "y")\n', "hasattr in line 2"),
        ("data/type.py", '"""Type."""\nisinstance(x, (int, Window))\n', "isinstance on a type of ours in line 2"),
    ],
)
def test_a_planted_fault_is_caught(name: str, text: str, fault: str):
    assert faults(name, text, frozenset({"Window"})) == [fault]
    assert faults("cli.py", '"""The command line."""\nprint(isinstance(x, int))\n', frozenset({"Window"})) == []


def test_asking_for_help_loads_no_heavy_library():
    code = "import sys, torchcpc.cli; print(*{'torch', 'numpy', 'sklearn', 'matplotlib', 'scipy'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""
