"""The library that draws the page of a source, an extra: whether it is there, told without loading it or anything else."""

from importlib.util import find_spec

from torchcpc.contracts import CPCError


def check_library() -> None:
    """Raises CPCError where bokeh is not installed."""
    if find_spec("bokeh") is None:
        raise CPCError(
            "a page is drawn by bokeh, which is not installed: pip install 'torchcpc[pages]', or name an .svg or a .png file."
        )
