"""The house rules that a parser can see. Each is shown to catch a planted fault."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from tests.test_architecture import PACKAGE, parse
from torchcpc.domains import DOMAINS

FILE_LINES, MEDIAN_LINES, FUNCTION_LINES, PARAMETERS, ANY = 300, 80, 60, 10, 60
# Its parameters are the settings of a recipe.
MANY_PARAMETERS = {("training/loop.py", "fit")}
# Attributes that objects of other libraries may lack: (file, attribute).
FOREIGN = {
    ("data/numbers.py", "columns"),
    ("data/pictures/hub_images.py", "int2str"),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[Function]:
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def parameters(function: Function) -> list[ast.arg]:
    """All of them, but for the object itself."""
    own = function.args
    more = [parameter for parameter in (own.vararg, own.kwarg) if parameter]
    return [p for p in (*own.posonlyargs, *own.args, *own.kwonlyargs, *more) if p.arg not in ("self", "cls")]


def any_in_signatures(tree: ast.Module) -> int:
    """How often a parameter or an answer is said to be Any."""
    annotations = [
        note
        for function in functions(tree)
        for note in (*(p.annotation for p in parameters(function)), function.returns)
        if note
    ]
    return sum(isinstance(node, ast.Name) and node.id == "Any" for note in annotations for node in ast.walk(note))


def lines_of_code(text: str) -> int:
    """The lines of a file without its docstrings: a list of arguments, one a line, makes a file no harder to read."""
    tree = ast.parse(text)
    documented = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    return len(text.splitlines()) - sum(map(docstring_lines, [tree, *documented]))


def docstring_lines(node: ast.Module | ast.ClassDef | Function) -> int:
    """The lines that the docstring of a module, class or function takes."""
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1 if ast.get_docstring(node) else 0


def size_faults(name: str, text: str, tree: ast.Module) -> Iterator[str]:
    if lines_of_code(text) > FILE_LINES:
        yield f"more than {FILE_LINES} lines"
    for function in functions(tree):
        lines = (function.end_lineno or 0) - function.lineno + 1 - docstring_lines(function)
        if lines > FUNCTION_LINES:
            yield f"{function.name} has {lines} lines"
        count = len(parameters(function))
        if count > PARAMETERS and (name, function.name) not in MANY_PARAMETERS:
            yield f"{function.name} has {count} parameters"


def call_faults(name: str, call: ast.Call, own_classes: frozenset[str]) -> Iterator[str]:
    match call.func:
        case ast.Name("print") if name != "cli.py":
            yield f"print in line {call.lineno}"
        case ast.Name("hasattr"):
            yield f"hasattr in line {call.lineno}"
        case ast.Name("getattr") if len(call.args) == 3 and isinstance(call.args[1], ast.Constant):
            if (name, call.args[1].value) not in FOREIGN:
                yield f"getattr with a default in line {call.lineno}"
        case ast.Name("isinstance"):
            if own_classes & {n.id for n in ast.walk(call.args[1]) if isinstance(n, ast.Name)}:
                yield f"isinstance on a type of ours in line {call.lineno}"


def compared(node: ast.AST) -> set[object]:
    """The constants that a comparison or a case names."""
    match node:
        case ast.Compare():
            sides = [node.left, *node.comparators]
        case ast.MatchValue():
            sides = [node.value]
        case _:
            return set()
    flat = [part for side in sides for part in (side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else [side])]
    return {part.value for part in flat if isinstance(part, ast.Constant)}


def faults(name: str, text: str, own_classes: frozenset[str] = frozenset()) -> list[str]:
    """House rules broken by one file."""
    tree = ast.parse(text)
    found = list(size_faults(name, text, tree))
    if Path(name).stem in ("utils", "util", "helpers", "common", "misc"):
        found.append("a name that says nothing")
    if not ast.get_docstring(tree) and text.strip():
        found.append("no docstring")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += call_faults(name, node, own_classes)
        if not name.startswith("domains/") and compared(node) & DOMAINS.keys():
            found.append(f"a domain's name in line {node.lineno}")  # pyright: ignore[reportAttributeAccessIssue]
    return found


def files() -> dict[str, str]:
    return {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf8") for path in sorted(PACKAGE.rglob("*.py"))}


def test_house_rules():
    own = frozenset(n.name for tree in parse(PACKAGE).values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    assert {name: broken for name, text in files().items() if (broken := faults(name, text, own))} == {}


def test_files_are_short():
    assert median(map(lines_of_code, files().values())) < MEDIAN_LINES


def test_lines_of_code_leave_docstrings_out():
    text = '"""One.\n\nTwo.\n"""\n\n\ndef f():\n    """Three.\n\n    Args:\n    """\n    return """a\n"""\n'
    assert lines_of_code(text) == len(text.splitlines()) - 4 - 4


def test_few_signatures_say_any():
    counts = {name: count for name, tree in parse(PACKAGE).items() if (count := any_in_signatures(tree))}
    assert sum(counts.values()) < ANY, counts


def test_every_exception_is_needed():
    trees = {name: ast.parse(text) for name, text in files().items()}
    many = {(name, f.name) for name, tree in trees.items() for f in functions(tree) if len(parameters(f)) > PARAMETERS}
    assert many == MANY_PARAMETERS
    constants = {(n, node.value) for n, tree in trees.items() for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert constants >= FOREIGN


LONG = "def f():\n" + "    x = 1\n" * 60
MANY = "def f(self, {}, *, k, **m):\n    pass\n"


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("data/long.py", '"""Long."""\n' + "\n" * 301, "more than 300 lines"),
        ("data/long.py", f'"""Long."""\n{LONG}', "f has 61 lines"),
        ("data/many.py", '"""Many."""\n' + MANY.format("a, b, c, d, e, g, h, i, j"), "f has 11 parameters"),
        ("data/utils.py", '"""Things."""\n', "a name that says nothing"),
        ("data/bare.py", "x = 1\n", "no docstring"),
        ("data/loud.py", '"""Loud."""\nprint(1)\n', "print in line 2"),
        ("data/duck.py", '"""Duck."""\nhasattr(x, "y")\n', "hasattr in line 2"),
        ("data/duck.py", '"""Duck."""\ngetattr(x, "shape", None)\n', "getattr with a default in line 2"),
        ("data/type.py", '"""Type."""\nisinstance(x, (int, Window))\n', "isinstance on a type of ours in line 2"),
        ("runs/run.py", '"""Branch."""\nif config["data"]["name"] == "text":\n    pass\n', "a domain's name in line 2"),
        ("runs/run.py", '"""Branch."""\nx = name not in ("a", "text")\n', "a domain's name in line 2"),
        ("runs/run.py", '"""Branch."""\nmatch name:\n    case "text":\n        pass\n', "a domain's name in line 3"),
    ],
)
def test_a_planted_fault_is_caught(name: str, text: str, fault: str):
    assert faults(name, text, frozenset({"Window"})) == [fault]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cli.py", "print(isinstance(x, int))\n"),
        ("data/numbers.py", 'getattr(x, "columns", None)\n'),
        ("data/fields.py", "getattr(x, name, None)\ngetattr(x, 'shape')\n"),
        ("domains/text.py", 'x = name == "text"\n'),
        ("data/words.py", 'x = {"text": 1}["text"] == "words"\n'),
        ("training/loop.py", MANY.format("a, b, c, d, e, g, h, i, j").replace("def f", "def fit")),
        ("data/few.py", MANY.format("a, b, c, d, e, g, h, i")),
        ("data/short.py", LONG.removesuffix("    x = 1\n")),
    ],
)
def test_what_is_allowed_is_no_fault(name: str, text: str):
    assert faults(name, f'"""What it is."""\n{text}', frozenset({"Window"})) == []


def test_any_is_counted_where_signatures_say_it():
    text = "x: Any = 1\ndef f(a: Any, *b: dict[str, Any], c: int) -> Callable[..., Any]:\n    y: Any\ndef g(a: 'AnyOf'): ...\n"
    assert any_in_signatures(ast.parse(text)) == 3
