"""Hooks of the docs site: the reference is generated from the code at each build, and nothing generated is committed."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))
import notebooks
import reference_pages


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the section Reference of the nav."""
    for section in config.nav or []:
        if "Reference" in section:
            section["Reference"] = reference_pages.navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in (reference_pages.pages() | notebooks.pages()).items():
        files.append(File.generated(config, path, content=text))
    return files
