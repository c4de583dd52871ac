"""The site, all pages of the repository as HTML: `sphinx-build -W -n -c docs . site` (extra `dev`)."""

import re
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent.parent)]

import jaxsched  # noqa: E402 (the path is set for the script's sake)

project = "jaxsched"
release = jaxsched.__version__
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**", "benchmarks/README.md"]
extensions = ["myst_parser", "sphinx.ext.mathjax"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4  # the levels of headings that a link may name, as on GitHub
html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False


def _formulas(app: Any, name: str, source: list[str]) -> None:
    """GitHub's way of writing a formula within a line, which is no other's."""
    source[0] = re.sub(r"\$`([^`]+)`\$", r"{math}`\1`", source[0])


def setup(app: Any) -> None:
    app.connect("source-read", _formulas)
