"""Sphinx makes a site of these pages without a network: ``python -m sphinx -W docs site``."""

from mock_heidi import __version__

project = "mock_heidi"
copyright = "the authors of mock_heidi"
version = release = __version__

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
# The anchors of headings, as code hosts make them.
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = "mock_heidi"
html_copy_source = False
