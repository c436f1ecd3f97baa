# Sphinx: see https://www.sphinx-doc.org/en/master/usage/configuration.html
from sb3_presa import __version__

project = "sb3_presa"
author = "the sb3_presa authors"
project_copyright = "2026, the sb3_presa authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"sb3_presa {release}"

# Headings can be linked to as page.md#heading; pages use Markdown, docstrings reStructuredText.
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True
