# Sphinx: see https://www.sphinx-doc.org/en/master/usage/configuration.html
from sb3_presa import __version__

project = "sb3_presa"
author = "the sb3_presa authors"
project_copyright = "2026, the sb3_presa authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx_copybutton"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"sb3_presa {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]

# Headings can be linked to as page.md#heading; pages use Markdown, docstrings reStructuredText.
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_preserve_defaults = True

# `make docs` checks spelling with this tag (sphinx-build -t spelling). The pages themselves build
# without Enchant, which is a library of the system and not of Python.
if tags.has("spelling"):  # type: ignore[name-defined]  # noqa: F821 (Sphinx puts it there)
    extensions.append("sphinxcontrib.spelling")
spelling_lang = "en_GB"
spelling_word_list_filename = "spelling_wordlist.txt"
spelling_show_suggestions = True
spelling_exclude_patterns = ["contributing.md"]
