"""The notebooks of the tutorials: run them, and show them as pages of the site.

``python docs/notebooks.py`` runs each in a temporary folder and writes its text outputs into the file. The pictures go
to ``docs/tutorials/figures/``.
"""

import base64
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "tutorials"
NOTEBOOKS = ("speech", "mutual-information")
LIMIT = 600  # seconds a cell


def read(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf8"))


def executed(name: str, folder: Path) -> dict[str, Any]:
    """Return a notebook with fresh outputs.

    Args:
        name: Its file name, without the suffix.
        folder: Where it runs. What it writes stays there.

    Raises:
        nbclient.exceptions.CellExecutionError: For the first cell that fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.reads((FOLDER / f"{name}.ipynb").read_text(encoding="utf8"), as_version=4)
    client = NotebookClient(notebook, timeout=LIMIT, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return json.loads(nbformat.writes(client.execute()))


def text_of(output: dict[str, Any]) -> str:
    """The text of one output of a cell; nothing for a picture."""
    if output["output_type"] == "stream":
        return "".join(output["text"]) if output["name"] == "stdout" else ""
    data = output.get("data", {})
    return "" if "image/png" in data else "".join(data.get("text/plain", ""))


def with_text_only(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with one text output a cell at most, and nothing that changes from run to run."""
    cells = []
    for number, cell in enumerate(notebook["cells"]):
        kept: dict[str, Any] = {
            "cell_type": cell["cell_type"],
            "id": f"cell-{number}",
            "metadata": {},
            "source": cell["source"],
        }
        if cell["cell_type"] == "code":
            text = "\n".join(said.rstrip("\n") for output in cell["outputs"] if (said := text_of(output)))
            lines = [{"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}] if text else []
            kept |= {"execution_count": None, "outputs": lines}
        cells.append(kept)
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def picture(name: str, number: int) -> Path:
    """The file of the picture that a cell draws; there may be none."""
    return FOLDER / "figures" / f"{name}-{number}.png"


def save_pictures(name: str, notebook: dict[str, Any]) -> None:
    """Write the pictures that the cells have drawn."""
    for number, cell in enumerate(notebook["cells"]):
        for output in cell.get("outputs", []):
            if data := output.get("data", {}).get("image/png"):
                picture(name, number).write_bytes(base64.b64decode("".join(data)))


def page(name: str) -> str:
    """The notebook as a page in Markdown: its cells, what they printed, and what they drew."""
    parts = []
    for number, cell in enumerate(read(name)["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        if text := "\n".join(text_of(output).rstrip("\n") for output in cell["outputs"]):
            parts.append(f"```text\n{text}\n```")
        if picture(name, number).exists():
            parts.append(f"![The picture that this cell draws.](figures/{picture(name, number).name})")
    link = f"[Download this notebook]({name}.ipynb){{ download }}"
    body = "\n\n".join(parts)
    return re.sub(r"^(# .*)$", rf"\1\n\n{link}", body, count=1, flags=re.MULTILINE) + "\n"


def pages() -> dict[str, str]:
    """The pages of all notebooks by their path in the site."""
    return {f"tutorials/{name}-notebook.md": page(name) for name in NOTEBOOKS}


def main() -> None:
    for name in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            notebook = executed(name, Path(folder))
        save_pictures(name, notebook)
        notebook = with_text_only(notebook)
        written = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        temporary = FOLDER / f".{name}.ipynb"
        temporary.write_text(written, encoding="utf8")
        os.replace(temporary, FOLDER / f"{name}.ipynb")


if __name__ == "__main__":
    main()
