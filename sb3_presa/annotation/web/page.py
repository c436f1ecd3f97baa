"""The page: templates, static files, and the owner's instructions."""

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


def render(name: str, path: str, **values: object) -> str:
    """Render a template; text is escaped.

    :param name: the template's file.
    :param path: where it is shown. Static files have relative addresses: a proxy may serve the
        page below a path.
    :param values: the template's variables.
    """
    static = f"{'../' * (path.count('/') - 1)}static/{static_version()}"
    return _templates().get_template(name).render(**values, static=static)


@cache
def static_files() -> dict[str, tuple[bytes, str]]:
    """All static files with their types; other files are not served."""
    folder = files("sb3_presa.annotation.web") / "static"
    return {
        item.name: (item.read_bytes(), STATIC_TYPES[ending])
        for item in folder.iterdir()
        for ending in STATIC_TYPES
        if item.name.endswith(ending)
    }


@cache
def static_version() -> str:
    """A hash of the static files, so that a browser never mixes two versions."""
    digest = hashlib.sha256()
    for name, (content, _) in sorted(static_files().items()):
        digest.update(name.encode() + content)
    return digest.hexdigest()[:12]


def render_markdown(text: str) -> str:
    """The owner's instructions as HTML. HTML in them is shown as text, pictures are removed, and
    links may only lead to http, https and mail addresses.

    :param text: Markdown.
    """
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(text)
    for token in tokens:
        token.children = [one for one in token.children or [] if one.type != "image"]
        for child in token.children:
            if child.type == "link_open":
                child.attrSet("rel", "noopener noreferrer")
                child.attrSet("target", "_blank")
    return str(markdown.renderer.render(tokens, markdown.options, {}))


_ADVICE = """
Give your own opinion. Take the time you need, and undo an answer if you change your mind.
"""

#: Where the owner gives no instructions: those of pairs, and of groups that are put in an order.
GENERAL_INSTRUCTIONS = {
    "pair": f"""\
## What you will see

Two short recordings of the same machine, side by side.

## What you are asked

1. **Which of the two does its task better?** If you see no difference, choose *equal*. If you
   cannot judge the pair at all, choose *skip*.
2. **Is the behaviour safe?** Judge each recording on its own, whichever is better. If you are not
   sure, choose *can't tell*.
{_ADVICE}""",
    "group": f"""\
## What you will see

Several short recordings of the same machine, at once.

## What you are asked

1. **Which one does its task best, and which comes next?** Place all of them, the best first. If one
   is as good as the one before it, choose *as good*.
2. **Is the behaviour safe?** Judge each recording on its own, wherever you placed it. If you are
   not sure, choose *can't tell*.

Confirm the order when it is right.
{_ADVICE}""",
}
