"""The pages are written in short sentences, in the words that the project has agreed on."""

import re
from pathlib import Path

import pytest
from prose import Sentence, sentences, sentences_of

ROOT = Path(__file__).parent.parent
FOLDERS = ("datasets", "examples", "examples/driving_feedback", "examples/own_robot")
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "benchmarks/LOG.md")),
    *(ROOT / name / "README.md" for name in FOLDERS),
    *sorted(ROOT.glob("docs/*.md")),
]
MOST_WORDS = 25
FORBIDDEN = ("allowed is", "there is no ", "what is no ", "is to be had", "for want of")


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_sentences_are_short(page: Path) -> None:
    long = [found for found in sentences(page) if found.n_words > MOST_WORDS]
    assert not long, "\n".join(
        f"{page_id(page)}, paragraph at line {one.line}: {one.n_words} words: {one.text}"
        for one in long
    )


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_forbidden_phrases_are_not_used(page: Path) -> None:
    """In tables, too: what is no sentence is read all the same."""
    text = " ".join(page.read_text(encoding="utf-8").lower().split())
    assert [phrase for phrase in FORBIDDEN if phrase in text] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One two. Three `four five` six?", ["One two.", "Three CODE six?"]),
        ("Costs 0.5 e.g. here. [A page](x.md) says so.", ["Costs 0.5 eg here.", "LINK says so."]),
        ("- one\n- two $x + y$\n", ["one", "two MATH"]),
        ("Above.\n\n| a | b |\n|---|---|\n| no. No. | no |\n\n```python\nno\n```\n", ["Above."]),
        ("```{note}\nInside. Of it.\n```\n", ["Inside.", "Of it."]),
        ("```{toctree}\npage\n```\n", []),
        ("term\n: What it is. **Bold.** Then", ["term", "What it is.", "Bold.", "Then"]),
    ],
)
def test_sentences_are_found(text: str, expected: list[str]) -> None:
    assert [found.text for found in sentences_of(text)] == expected


def test_words_are_counted() -> None:
    assert Sentence("A well-kept CODE, 0.5 -- and MATH.", 1).n_words == 6


def test_readme_is_short_and_has_one_table() -> None:
    """And two pictures at most: of the quickstart, and of all tasks once they have run."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 90
    assert len(re.findall(r"!\[", text)) in (1, 2)
    assert len(re.findall(r"^\|[-|: ]+\|$", text, re.MULTILINE)) == 1
