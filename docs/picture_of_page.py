"""Photograph the top of an HTML page with Chromium, in 64 colours: `python docs/picture_of_page.py page.html picture.png`."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

SIZE = "900,1060"  # pixels
WAIT = 8000  # milliseconds of the page's clock, for its scripts
LIMIT = 120  # seconds


def photograph(page: Path, picture: Path) -> None:
    if not page.is_file():
        sys.exit(f"{page} is not a file. Name a page that exists.")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE}"]
    options += [f"--virtual-time-budget={WAIT}", f"--screenshot={picture.resolve()}"]
    subprocess.run(["chromium", *options, page.resolve().as_uri()], check=True, timeout=LIMIT, capture_output=True)
    Image.open(picture).convert("RGB").quantize(64).save(picture, optimize=True)


if __name__ == "__main__":
    photograph(Path(sys.argv[1]), Path(sys.argv[2]))
