"""Write the pages of docs/results from the figures in benchmarks/results.

Run it as ``python docs/build_results.py``. A test holds that the pages are what this script writes, so edit the JSON and
the templates (``docs/results/*.jinja``), never the pages.
"""

from datetime import date
from pathlib import Path
from statistics import mean

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from result_figures import Cell, Comparison, Measured, Table, Target, Task, load

ROOT = Path(__file__).resolve().parent.parent
PAGES_FOLDER = ROOT / "docs/results"

# The pages, each with its title, one line for the reader, and its tasks in order.
PAGES = {
    "speech": (
        "Speech",
        "Digits, phones, speakers and boundaries, on real recordings.",
        [
            "speech-digits-own-recordings",
            "speech-digits-unseen-speakers",
            "speech-digits-raw-samples",
            "speech-digits-known-speakers",
            "speech-phones",
            "speech-negatives",
            "speech-boundaries",
            "speech-speakers-clips",
            "speech-speakers-frames",
        ],
    ),
    "pictures": (
        "Pictures",
        "Classes of small photographs, of land seen from above, and of handwritten digits.",
        ["pictures-cifar10", "pictures-eurosat", "pictures-digits", "pictures-parts"],
    ),
    "series": (
        "Sensor series",
        "Heartbeats of unseen patients, and faults of a water circuit. CPC misses its targets on both.",
        ["series-heartbeats", "series-heartbeats-one-phase", "series-heartbeats-all-patients", "series-anomalies"],
    ),
    "text": (
        "Text",
        "The next sentence of a novel, and labels of single sentences.",
        ["text-next-sentence", "text-labels", "text-labels-phrases"],
    ),
    "mutual-information": (
        "Mutual information",
        "Scores and estimates where the truth is known, and the information in trained scores.",
        ["information-known-truth", "information-two-arrays", "information-in-scores"],
    ),
    "speed": (
        "Speed",
        "Time and memory of the objective, of training steps and of streams.",
        ["speed-objective", "speed-steps", "speed-streams"],
    ),
}


def numbers(cell: Cell) -> list[int | float]:
    """Return the numbers of a cell, without its interval."""
    if cell is None or isinstance(cell, str):
        return []
    if isinstance(cell, Measured):
        return [cell.value]
    return list(cell) if isinstance(cell, list) else [cell]


def verdict(task: Task, line: Comparison) -> str:
    """Return "met", "missed" or "not run".

    Met: CPC is above the untrained network and above the best handmade row, with every seed that the line names. Missed:
    it is not above one of them. Not run: it is above all that was run, but one of the two is missing.
    """
    table = task.table(line.table)
    ours = [value for row in line.cpc for value in numbers(table.cell(row, line.column))]
    untrained = numbers(table.cell(line.untrained, line.column)) if line.untrained else []
    handmade = [value for row in line.handmade for value in numbers(table.cell(row, line.column))]
    if not ours:
        return "not run"
    if any(min(ours) <= value for value in untrained + handmade):
        return "missed"
    return "met" if untrained and handmade else "not run"


def target_verdict(task: Task, line: Target) -> str:
    """Return "met" where every number of the figure keeps to the target, "not run" where there is none, else "missed"."""
    found = numbers(task.table(line.figure.table).cell(line.figure.row, line.figure.column))
    if not found:
        return "not run"
    low = line.at_least if line.at_least is not None else float("-inf")
    high = line.at_most if line.at_most is not None else float("inf")
    return "met" if all(low <= value <= high for value in found) else "missed"


def number(value: float, decimals: int | None, signed: bool = False) -> str:
    """Return a number as text."""
    text = f"{value:,}" if decimals is None else f"{value:,.{decimals}f}"
    return f"+{text}" if signed and value >= 0 and not text.startswith("-") else text


def cell_text(cell: Cell, decimals: int | None = None, signed: bool = False) -> str:
    """Return a cell as text: a number with its interval in brackets, repeats with commas, nothing where it was not measured."""
    if cell is None or isinstance(cell, str):
        return (cell or "").replace("|", "\\|")
    if isinstance(cell, Measured):
        low, high = (number(end, decimals, signed) for end in cell.interval)
        return f"{number(cell.value, decimals, signed)} ({low} to {high})"
    values = cell if isinstance(cell, list) else [cell]
    return ", ".join(number(value, decimals, signed) for value in values)


def table_text(table: Table) -> str:
    """Return a table as Markdown, the best measured row of a column in bold."""
    lines = [[table.corner, *(column.name for column in table.columns)], ["---"] * (1 + len(table.columns))]
    lines += [[row.name] for row in table.rows]
    for place, column in enumerate(table.columns):
        cells = [row.cells[place] for row in table.rows]
        known = [value for row, cell in zip(table.rows, cells, strict=True) if row.role != "paper" for value in numbers(cell)]
        best = {"highest": max, "lowest": min}[column.best](known) if column.best and known else None
        for line, row, cell in zip(lines[2:], table.rows, cells, strict=True):
            text = cell_text(cell, column.decimals, column.signed)
            value, _, rest = text.partition(" (")
            if best is not None and row.role != "paper" and best in numbers(cell) and not isinstance(cell, list):
                text = f"**{value}**" + (f" ({rest}" if rest else "")
            line.append(text)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread_text(values: list[int | float], decimals: int | None) -> str:
    """Return the only value, or the lowest and the highest."""
    ends = [number(end, decimals) for end in sorted({min(values), max(values)})] if values else []
    return " to ".join(ends)


def interval_of(cells: list[Cell]) -> tuple[float, float] | None:
    """Return the interval of a single cell that has one."""
    return cells[0].interval if len(cells) == 1 and isinstance(cells[0], Measured) else None


def gap_closed(ours: list[Cell], untrained: list[Cell], supervised: list[Cell]) -> str:
    """Return (CPC - untrained) / (supervised - untrained) of the means in percent, or why there is none.

    There is none if the supervised network is not above the untrained one, or if their intervals overlap. The cell is empty
    if one of the three was not measured.
    """
    means = [
        mean(found) if (found := [n for cell in cells for n in numbers(cell)]) else None
        for cells in (ours, untrained, supervised)
    ]
    cpc, low, high = means
    if cpc is None or low is None or high is None:
        return ""
    if high < low:
        return "supervised below untrained"
    below, above = interval_of(untrained), interval_of(supervised)
    if high == low or (below and above and above[0] <= below[1]):
        return "supervised not shown above untrained"
    return f"{100 * (cpc - low) / (high - low):.0f} %"


def comparison_line(page: str, task: Task, line: Comparison) -> list[str]:
    """Return the cells of the first table of the index."""
    table, decimals = task.table(line.table), task.table(line.table).decimals(line.column)
    ours = [value for row in line.cpc for value in numbers(table.cell(row, line.column))]
    untrained = numbers(table.cell(line.untrained, line.column)) if line.untrained else []
    handmade = {row: max(found) for row in line.handmade if (found := numbers(table.cell(row, line.column)))}
    best = max(handmade, key=lambda row: handmade[row], default=None)
    other = line.supervised
    supervised = numbers(task.table(other.table).cell(other.row, other.column)) if other else []
    result = verdict(task, line)
    return [
        task.domain,
        f"{line.task}, {line.unit}",
        spread_text(ours, decimals),
        spread_text(untrained, decimals),
        f"{number(handmade[best], decimals)} ({best})" if best else "",
        spread_text(supervised, decimals),
        gap_closed(
            [table.cell(row, line.column) for row in line.cpc],
            [table.cell(line.untrained, line.column)] if line.untrained else [],
            [task.table(other.table).cell(other.row, other.column)] if other else [],
        ),
        "" if line.paper is None else number(line.paper, decimals),
        f"**{result}**" if result == "missed" else result,
        f"[{PAGES[page][0].lower()}]({page}.md#{anchor(task)})",
    ]


def target_line(page: str, task: Task, line: Target) -> list[str]:
    """Return the cells of the second table of the index."""
    table = task.table(line.figure.table)
    decimals = table.decimals(line.figure.column)
    figure = numbers(table.cell(line.figure.row, line.figure.column))
    target = f"at most {line.at_most:,}" if line.at_most is not None else f"at least {line.at_least:,}"
    result = target_verdict(task, line)
    return [
        task.domain,
        line.what,
        spread_text(figure, decimals),
        target,
        f"**{result}**" if result == "missed" else result,
        f"[{PAGES[page][0].lower()}]({page}.md#{anchor(task)})",
    ]


def anchor(task: Task) -> str:
    """Return the anchor that the site gives to the heading of a task."""
    kept = "".join(letter for letter in task.task.lower() if letter.isalnum() or letter in " -_")
    return "-".join(kept.split())


def entry_link(name: str) -> str:
    """Return a link to an entry of the notebook, by its heading."""
    heading = (ROOT / f"docs/notebook/{name}.md").read_text(encoding="utf8").partition("\n")[0].removeprefix("# ")
    return f"[{heading}](../notebook/{name}.md)"


def day(when: date) -> str:
    """Return a date in words."""
    return f"{when.day} {when:%B %Y}"


def pages() -> dict[str, str]:
    """Return the text of every page, by its name."""
    tasks = {page: [load(name) for name in names] for page, (_, _, names) in PAGES.items()}
    templates = Environment(
        loader=FileSystemLoader(PAGES_FOLDER), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    templates.filters |= {"table": table_text, "day": day, "entry_link": entry_link}
    compared = [comparison_line(page, task, line) for page, some in tasks.items() for task in some for line in task.comparisons]
    targets = [target_line(page, task, line) for page, some in tasks.items() for task in some for line in task.targets]
    noted: dict[str, list[str]] = {}
    for task in (task for some in tasks.values() for task in some if task.paper_note):
        noted.setdefault(task.paper_note, []).append(task.task)
    index = templates.get_template("index.md.jinja").render(compared=compared, targets=targets, noted=noted)
    shape = templates.get_template("page.md.jinja")
    made = {page: shape.render(title=title, lead=lead, tasks=tasks[page]) for page, (title, lead, _) in PAGES.items()}
    return {"index": index.rstrip() + "\n"} | {page: text.rstrip() + "\n" for page, text in made.items()}


def main() -> None:
    """Write every page."""
    for page, text in pages().items():
        (PAGES_FOLDER / f"{page}.md").write_text(text, encoding="utf8")


if __name__ == "__main__":
    main()
