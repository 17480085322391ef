"""Write the pages of the reference from the code: public names, commands, settings, recipes and contracts.

`pages()` returns the text of each page by its path in the site. The hooks of the site add them at each build.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

import torchcpc
from torchcpc.cli import COMMANDS
from torchcpc.results import SavedResult
from torchcpc.runs.build import schema
from torchcpc.settings import load_recipe, meanings, parameters, recipes, rule
from torchcpc.settings.rules import REQUIRED

DOMAINS = ("speech", "pictures", "series", "text", "synthetic")
SECTIONS = {
    "data": "The reader of the data: what kind of data there is, and how it is read.",
    "encoder": "The network that turns each step of raw input into a vector z.",
    "context": "The network that sums up the past of a step in a vector c.",
    "predictor": "The score of a future z under a context c.",
    "candidates": "The candidates that compete with the true future, and how they are drawn.",
    "windows": "The stretches of raw input that make a training batch.",
    "split": "The sources that are held out for validation, and those that are not used.",
    "training": "The updates of the weights.",
}
# The protocols, records and types that a user's own encoder, context or domain meets, each by its module.
CONTRACTS = {
    "contracts.model": ("Encoder", "Context", "Predictor"),
    "contracts.batches": ("Window", "Steps", "Layout"),
    "contracts.sources": ("Item", "Skipped"),
    "domains.record": ("Domain",),
    "runs.open_sources": ("Data",),
    "contracts.progress": ("Progress",),
    "training.record": ("OnEvent",),
}
# The records whose fields are the keywords of a verb of `Run`.
QUESTIONS = {
    "probes.question": ("ProbeSpec",),
    "information.scoring": ("SampleSpec",),
    "information.timeline": ("TimelineSpec",),
    "recording.view": ("ViewSpec",),
    "ranking.questions": ("RankSpec",),
    "representations.nearest": ("NearestSpec",),
    "segmentation.boundaries": ("SegmentSpec",),
    "anomalies.detect": ("AnomalySpec",),
    "mutual.train_critics": ("CriticSettings",),
}
# What verbs of `Run` return besides the public results.
ANSWERS = {
    "information.score": ("Scores",),
    "information.result": ("CandidateTable", "ContinuationTable"),
    "recording.result": ("RecordingView",),
    "runs.expand_vocabulary": ("Expanded",),
}
_WIDTH = 78


def pages() -> dict[str, str]:
    """Return the path and the Markdown of every page of the reference."""
    found = {f"reference/api/{name}.md": name_page(name) for name in torchcpc.__all__}
    found |= {f"reference/commands/{name}.md": command_page(name) for name in COMMANDS}
    found["reference/settings.md"] = settings_page()
    found["reference/recipes.md"] = recipes_page()
    found["reference/contracts.md"] = classes_page(
        "Contracts",
        "A part of your own meets these protocols and records, and [`Sources`](api/Sources.md)."
        " How to use them: [your own encoder](../how-to/your-own-encoder.md) and [your own domain](../how-to/your-own-domain.md).",
        CONTRACTS,
    )
    found["reference/questions.md"] = classes_page(
        "Questions",
        "The verbs of [`Run`](api/Run.md) take the fields of these records as keywords, for example"
        ' `run.probe(label="speaker", test_on="speaker")`. [`ProbeRows`](api/ProbeRows.md) sets the rows of its table.',
        QUESTIONS,
    )
    found["reference/answers.md"] = classes_page(
        "More results", "Some verbs of [`Run`](api/Run.md) return these. The other results have pages of their own.", ANSWERS
    )
    found["reference/index.md"] = index_page()
    return found


def navigation() -> list[object]:
    """Return the nav of the reference, in the form that mkdocs.yml has."""
    api = [{group: [{name: f"reference/api/{name}.md"} for name in names]} for group, names in groups().items()]
    commands = [{f"cpc {name}": f"reference/commands/{name}.md"} for name in COMMANDS]
    rest = {
        "Settings": "settings",
        "Recipes": "recipes",
        "Questions": "questions",
        "More results": "answers",
        "Contracts": "contracts",
    }
    more = [{title: f"reference/{page}.md"} for title, page in rest.items()]
    return ["reference/index.md", {"Python": api}, {"Commands": commands}, *more]


def groups() -> dict[str, list[str]]:
    """Return the public names by what they are."""
    found: dict[str, list[str]] = {"Functions": [], "Classes": [], "Results": [], "Constants": []}
    for name in sorted(torchcpc.__all__, key=str.casefold):
        value = getattr(torchcpc, name)
        if inspect.isfunction(value):
            found["Functions"].append(name)
        elif inspect.isclass(value):
            found["Results" if issubclass(value, SavedResult) else "Classes"].append(name)
        else:
            found["Constants"].append(name)
    return found


def index_page() -> str:
    """Return the first page: what there is, with one line each."""
    lines = ["# Reference", "", "These pages are made from the code each time the site is built.", ""]
    for group, names in groups().items():
        rows = [(f"[`{name}`](api/{name}.md)", summary(name)) for name in names]
        lines += [f"## {group}", "", *table(("name", "meaning"), rows), ""]
    rows = [(f"[`cpc {name}`](commands/{name}.md)", text[:1].upper() + text[1:] + ".") for name, text in COMMANDS.items()]
    lines += ["## Commands", "", *table(("command", "what it does"), rows), ""]
    lines += ["## Tables of settings", "", "- [Settings](settings.md): every setting of a recipe, with its range and default."]
    lines += ["- [Recipes](recipes.md): the recipes that ship, whole."]
    lines += ["- [Questions](questions.md): the keywords of the verbs of `Run`."]
    lines += ["- [More results](answers.md): what some of these verbs return."]
    lines += ["- [Contracts](contracts.md): the protocols for parts of your own."]
    return "\n".join(lines) + "\n"


def summary(name: str) -> str:
    """Return the first sentence of the documentation of a public name."""
    value = getattr(torchcpc, name)
    if name == "__version__":
        return "The version of the package, a string."
    text = " ".join(inspect.cleandoc(inspect.getdoc(value) or "").partition("\n\n")[0].split())
    return cell(re.split(r"(?<=[.!?])\s", text)[0])


def name_page(name: str) -> str:
    """Return the page of one public name."""
    lines = ["---", f'title: "{name}"', "---", ""]
    if name == "__version__":
        text = f"{summary(name)} This site describes version {torchcpc.__version__}."
        return "\n".join([*lines, "# `torchcpc.__version__`", "", text, ""])
    return "\n".join([*lines, *directive(f"torchcpc.{torchcpc._MODULES[name]}.{name}", name, level=1)])


def directive(path: str, name: str = "", *, level: int) -> list[str]:
    """Return the lines by which mkdocstrings documents a name. `name` is that of the package, if it is public."""
    heading = [f"      heading: torchcpc.{name}", f"      toc_label: {name}"] if name else []
    return [f"::: {path}", "    options:", f"      heading_level: {level}", *heading, ""]


def classes_page(title: str, about: str, modules: Mapping[str, Iterable[str]]) -> str:
    """Return a page that documents several classes."""
    lines = [f"# {title}", "", about, ""]
    for module, names in modules.items():
        for name in names:
            lines += directive(f"torchcpc.{module}.{name}", level=2)
    return "\n".join(lines) + "\n"


def command_parser(name: str) -> argparse.ArgumentParser:
    """Return the parser of one command, as the command line builds it."""
    text = COMMANDS[name]
    parser = argparse.ArgumentParser(prog=f"cpc {name}", description=text[:1].upper() + text[1:] + ".")
    parser.formatter_class = argparse.HelpFormatter
    import_module(f"torchcpc.commands.{name}").arguments(parser)
    return parser


def command_page(name: str) -> str:
    """Return the page of one command: summary, usage, arguments and options."""
    parser = command_parser(name)
    plain = argparse.HelpFormatter(parser.prog, width=_WIDTH)
    lines = [f"# cpc {name}", "", " ".join((parser.description or "").split()), ""]
    plain.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    lines += ["```text", plain.format_help().rstrip(), "```", ""]
    given = [action for action in parser._actions if not action.option_strings]
    options = [action for action in parser._actions if action.option_strings and action.dest != "help"]
    if given:
        rows = [(f"`{action.metavar or action.dest}`", help_of(action, plain)) for action in given]
        lines += ["## Arguments", "", *wide_table(("argument", "meaning"), rows), ""]
    rows = [(option_names(action), help_of(action, plain)) for action in options]
    if rows:
        lines += ["## Options", "", *wide_table(("option", "meaning"), rows), ""]
    if parser.epilog:
        lines += ["## Notes", "", *epilog(parser.epilog), ""]
    return "\n".join(lines)


def option_names(action: argparse.Action) -> str:
    """Return the spellings of an option, each with the name of its value."""
    choices = f"{{{','.join(action.choices)}}}" if action.choices else ""
    value = "" if action.nargs == 0 else str(action.metavar or choices or action.dest.upper())
    more = " ..." if action.nargs in ("+", "*") else ""
    return "<br>".join(f"`{f'{name} {value}{more}'.rstrip()}`" for name in action.option_strings)


def help_of(action: argparse.Action, formatter: argparse.HelpFormatter) -> str:
    """Return the help of an argument with its default filled in."""
    text = formatter._expand_help(action) if action.help else ""
    return cell(text + " (required)" * (action.required and bool(action.option_strings)))


def epilog(text: str) -> list[str]:
    """Return the notes of a command: paragraphs as prose, and what is laid out in columns as it stands."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        columns = any(line.startswith(" ") for line in paragraph.split("\n"))
        lines += ["```text", paragraph, "```", ""] if columns else [paragraph, ""]
    return lines


def settings_page() -> str:
    """Return the page of all settings, a table for each choice of each section."""
    lines = ["# Settings", "", "A recipe is a TOML file with these sections. Any setting can be changed in the command:", ""]
    lines += ["```bash", "cpc train speech --data recordings/ training.steps=5000 encoder.channels=256", "```", ""]
    lines += ["`name` chooses the kind of a section. The other settings of the section depend on it.", ""]
    for section, target in schema().items():
        lines += [f"## [{section}]", "", SECTIONS.get(section, ""), ""]
        if not isinstance(target, Mapping):
            lines += [description(target), "", *settings_table(section, "", target), ""]
            continue
        for name, choice in target.items():
            lines += [f'### {section}.name = "{name}" {{: #{section}-{name} }}', "", description(choice), ""]
            lines += [*settings_table(section, name, choice), ""]
    return "\n".join(lines)


def settings_table(section: str, choice: str, target: Callable[..., object]) -> list[str]:
    """Return a row for each setting of what a section names."""
    texts = meanings(target)
    rows = []
    for name, parameter in parameters(target).items():
        default = "required" if parameter.default is REQUIRED else f"`{toml(parameter.default)}`"
        anchor = "-".join(filter(None, (section, choice, name)))
        rows.append(
            (f"`{section}.{name}`{{: #{anchor} }}", cell(texts.get(name, "")), cell(rule(parameter.annotation)), default)
        )
    return wide_table(("setting", "meaning", "type and range", "default"), rows) if rows else ["It has no settings."]


def toml(value: object) -> str:
    """Return a default as a recipe writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return str(value)


def description(target: Callable[..., object]) -> str:
    """Return the documentation of a choice before its sections, such as Args and Raises."""
    text = re.split(r"^(?:Args|Attributes|Returns|Raises):\n", inspect.cleandoc(target.__doc__ or ""), flags=re.MULTILINE)[0]
    return text.strip().replace("[", "\\[").replace("*", "\\*")


def recipes_page() -> str:
    """Return the page of the recipes: what each is for, what it costs and gives, and its file."""
    lines = ["# Recipes", "", "A recipe holds all settings of a training. `cpc train NAME` trains one.", ""]
    lines += ["`cpc recipes NAME > mine.toml` writes a recipe with every setting explained.", ""]
    lines += ["Which one to take: [choose a recipe](../how-to/choose-a-recipe.md).", ""]
    found = {name: load_recipe(name) for name in recipes()}
    order = sorted(found, key=lambda name: (DOMAINS.index(found[name]["domain"]), name != found[name]["domain"], name))
    rows = [(f"[`{name}`](#{name})", found[name]["domain"], cell(found[name]["title"])) for name in order]
    lines += [*table(("recipe", "domain", "purpose"), rows), ""]
    for name in order:
        recipe = found[name]
        lines += [f"## {name} {{: #{name} }}", "", f"{recipe['title']}. {recipe['about']}", ""]
        lines += ["```bash", recipe["command"], "```", ""]
        lines += [f"- **Cost**: {recipe['cost']}.", f"- **Expected result**: {recipe['expect']}.", ""]
        source = recipes()[name].read_text(encoding="utf8").rstrip()
        lines += [f'??? note "{name}.toml"', "", "    ```toml", *(f"    {line}".rstrip() for line in source.split("\n"))]
        lines += ["    ```", ""]
    return "\n".join(lines)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]


def wide_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return a table whose first column is never broken and whose second has room for a sentence."""
    return ['<div class="entries" markdown>', "", *table(head, rows), "", "</div>"]


def cell(text: str) -> str:
    """Return a text that can stand in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[")
