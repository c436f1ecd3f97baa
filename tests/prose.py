"""The sentences of a Markdown page, without its code, tables and the targets of its links."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin

PARSER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin).use(deflist_plugin)
#: MyST's fences that hold prose.
ADMONITIONS = ("{note}", "{tip}", "{warning}", "{important}")
#: Where a sentence ends: at the mark, before white space and what can begin another.
END = re.compile(r"(?<=[.!?])[)\"”*]*\s+(?=[A-Z0-9`(\[\"“*_-])")
#: Points that end no sentence.
ABBREVIATION = re.compile(r"\b(e\.g|i\.e|cf|vs|et al)\.")
#: One word each, whatever they hold.
CODE, MATH, LINK = "CODE", "MATH", "LINK"


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the line on which its paragraph begins (0 in an admonition's inside)."""

    text: str
    line: int

    @property
    def n_words(self) -> int:
        """:return: words; a span of code or a formula is one"""
        return len(re.findall(r"\S*\w\S*", self.text))


def sentences(page: Path) -> list[Sentence]:
    """:return: the sentences of a page, in order"""
    return list(sentences_of(page.read_text(encoding="utf-8")))


def sentences_of(text: str) -> Iterator[Sentence]:
    """:return: the sentences of Markdown, as it is read by MyST"""
    for paragraph, line in _paragraphs(PARSER.parse(text)):
        joined = ABBREVIATION.sub(lambda found: found[0].replace(".", ""), paragraph)
        for sentence in END.split(" ".join(joined.split())):
            if sentence:
                yield Sentence(sentence, line)


def _paragraphs(tokens: Sequence[Token]) -> Iterator[tuple[str, int]]:
    """The text of each paragraph, list item, heading and term outside tables."""
    in_table = False
    for token in tokens:
        if token.type in ("table_open", "table_close"):
            in_table = token.type == "table_open"
        elif token.type == "fence" and token.info.strip().split(" ")[0] in ADMONITIONS:
            yield from ((s.text, s.line) for s in sentences_of(token.content))
        elif token.type == "inline" and not in_table:
            yield _plain(token.children or ()), token.map[0] + 1 if token.map else 0


def _plain(children: Sequence[Token]) -> str:
    """What a reader reads; a link is one word, as its text may be the title of a page."""
    words = {"softbreak": " ", "hardbreak": " ", "code_inline": CODE, "math_inline": MATH}
    found, in_link = [], False
    for token in children:
        if token.type in ("link_open", "link_close"):
            in_link = token.type == "link_open"
            found += [LINK] if in_link else []
        elif not in_link:
            found.append(token.content if token.type == "text" else words.get(token.type, ""))
    return "".join(found)
