"""The page: its template, its files, and the owner's instructions."""

import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt

STATIC_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("sb3_presa.annotation.web"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(name: str, **values: object) -> str:
    """A template with its values filled in; text is escaped.

    :param name: the template's file.
    :param values: what it asks for.
    """
    return _templates().get_template(name).render(**values, version=static_version())


@cache
def static_files() -> dict[str, tuple[bytes, str]]:
    """Every file that the page may load, with its type: nothing else can be asked for."""
    folder = files("sb3_presa.annotation.web") / "static"
    return {
        item.name: (item.read_bytes(), STATIC_TYPES[ending])
        for item in folder.iterdir()
        for ending in STATIC_TYPES
        if item.name.endswith(ending)
    }


@cache
def static_version() -> str:
    """Changes with the files, so that a browser never mixes two versions."""
    digest = hashlib.sha256()
    for name, (content, _) in sorted(static_files().items()):
        digest.update(name.encode() + content)
    return digest.hexdigest()[:12]


def render_markdown(text: str) -> str:
    """HTML of the owner's instructions. HTML in them is shown as text, pictures are left out, links
    lead to http, https and mail only.

    :param text: Markdown.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    tokens = markdown.parse(text)
    for token in tokens:
        for child in token.children or []:
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer")
                child.attrSet("target", "_blank")
    return str(markdown.renderer.render(tokens, markdown.options, {}))


DEFAULT_INSTRUCTIONS = """\
## What you will see

Two short recordings of the same machine at work, side by side.

## What you are asked

1. **Which of the two does better at its task?** If you cannot see a difference, say *equal*.
   If you cannot judge at all, *skip*.
2. **Is what you see safe?** Say so for each of the two on its own, whichever is better. If you
   cannot tell, say *can't tell*: that is an answer, too.

There is no right answer to guess: say what you think. Take the time that you need, and take back
whatever you are not sure about.
"""
