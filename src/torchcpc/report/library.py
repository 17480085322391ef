"""The check that bokeh is installed, which draws the page of a source. It loads nothing."""

from importlib.util import find_spec

from torchcpc.contracts import CPCError


def check_library() -> None:
    """Check that bokeh is installed.

    Raises:
        CPCError: If it is not.
    """
    if find_spec("bokeh") is None:
        raise CPCError(
            "bokeh draws this page and is not installed: pip install 'torchcpc[pages]', or name an .svg or a .png file."
        )
