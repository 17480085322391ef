"""Print the mean words a sentence of the docstrings, the README and the docs.

Run it as ``python docs/words_per_sentence.py``; ``--longest 20`` also lists the longest sentences and where they stand.

A sentence ends at ``.``, ``!`` or ``?``, at an empty line, and where a list item or an argument begins. Code blocks,
tables and headings do not count. Fragments of one or two words do not count either: they are labels.
"""

import argparse
import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GOALS = {"docstrings": 14, "README": 14, "docs": 15}  # words a sentence, as CONTRIBUTING.md asks for
SHORTEST = 3  # words

SENTENCE_END = r"(?<=[.!?])\s+"
EMPTY_LINE = r"\n\s*\n"
LIST_ITEM = r"\n(?=\s*(?:[-*] |\d+\. ))"
ARGUMENT = r"\n(?=\s*\*{0,2}\w+(?: \([^)]*\))?:(?:\s|$))"  # `name: ...` and `name (int): ...`, also `Args:`
BREAKS = re.compile("|".join([SENTENCE_END, EMPTY_LINE, LIST_ITEM, ARGUMENT]))


def sentences(text: str) -> list[str]:
    """The sentences of a text whose code blocks and tables are gone."""
    return [" ".join(part.split()) for part in BREAKS.split(text) if len(part.split()) >= SHORTEST]


def prose_of_page(markdown: str) -> str:
    """A page without code blocks, comments, tables, headings, images and front matter."""
    markdown = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.S)
    markdown = re.sub(r"^ *```.*?^ *```", "", markdown, flags=re.S | re.M)
    markdown = re.sub(r"<!--.*?-->", "", markdown, flags=re.S)
    return "\n".join("" if line.lstrip().startswith(("|", "#", "!", ":::")) else line for line in markdown.splitlines())


def prose_of_module(source: str) -> list[str]:
    """The docstrings of a module, its classes and its functions, without code blocks."""
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = (ast.get_docstring(node) or "" for node in ast.walk(ast.parse(source)) if isinstance(node, documented))
    return [without_code(docstring) for docstring in docstrings]


def without_code(docstring: str) -> str:
    """A docstring without doctest lines, fenced blocks and the indented blocks that follow a double colon."""
    docstring = re.sub(r"```.*?```", "", docstring, flags=re.S)
    docstring = re.sub(r"::\n\n(?:(?: {4,}.*)?\n)+", "\n\n", docstring + "\n")
    return "\n".join("" if line.lstrip().startswith((">>>", "...", "|")) else line for line in docstring.splitlines())


def places() -> dict[str, list[tuple[str, str]]]:
    """The places whose words are counted, each with its texts: (file, text)."""
    modules = sorted((ROOT / "src").rglob("*.py"))
    pages = sorted(page for page in (ROOT / "docs").rglob("*.md") if "notebook" not in page.parts)
    return {
        "docstrings": [(str(file.relative_to(ROOT)), text) for file in modules for text in prose_of_module(file.read_text())],
        "README": [("README.md", prose_of_page((ROOT / "README.md").read_text()))],
        "docs": [(str(page.relative_to(ROOT)), prose_of_page(page.read_text())) for page in pages],
    }


def main() -> None:
    """Print a line a place, and the longest sentences where they are asked for."""
    parser = argparse.ArgumentParser(description="Mean words a sentence of the docstrings, the README and the docs.")
    parser.add_argument("--longest", type=int, default=0, metavar="N", help="also list the N longest sentences of each place")
    parser.add_argument("--under", default="", metavar="PATH", help="count only files whose path starts with PATH")
    args = parser.parse_args()
    for place, texts in places().items():
        found = [
            (len(one.split()), file, one) for file, text in texts if file.startswith(args.under) for one in sentences(text)
        ]
        if not found:
            continue
        mean = sum(words for words, _, _ in found) / len(found)
        verdict = "met" if mean < GOALS[place] else "missed"
        print(f"{place}: {mean:.1f} words a sentence in {len(found)} sentences (goal: under {GOALS[place]}, {verdict})")
        for words, file, one in sorted(found, reverse=True)[: args.longest]:
            print(f"  {words} words, {file}: {one}")


if __name__ == "__main__":
    main()
