"""Messages say ``NAME must be CONSTRAINT, got VALUE``, and texts avoid phrases that stumble."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sb3_presa import errors

PACKAGE = Path(__file__).resolve().parents[1] / "sb3_presa"
#: Phrases that readers stumble over, and what says the same.
PHRASES = {
    r"\ballowed (is|are)\b|[;(] ?allowed\b": "must be CONSTRAINT, got VALUE",
    r"\b(there|here) (is|are) no\b": "NOUN must have ..., got none",
    r"\b(is|are|was|were) (no|none)\b(?! longer)": "is not a NOUN, got ...",
    r"\bno \w+ but\b|\bnothing but\b": "only",
    r"\bfor want of\b|\bin vain\b|\bfor ever\b": "without, forever",
    r", for (there|it|they|this|that|whole)\b": "because, since",
    r"\bbut for (those|that|what)\b": "except",
    r"\b(and|or|of|with|for|from|to|than) what\b": "a noun",
    r"\ball the same\b|\bas (it|they) (is|are|stands?)\b": "anyway, unchanged",
    r"\bturn(ed)? round\b": "flip, swap",
    r", found (?!in\b)": ", got",
    r"\b(a|an|one) (row|cell|step|second|pair|day|hour|agent|processor) (a|an|each)\b": "per",
    r"\b(one (number|value|cost)|shape .*) (a|each) (step|row|cell)\b": "per",
    r"\b(would take|would have|is not finite|are not finite)\b": "must be CONSTRAINT, got VALUE",
}
FIRST_WORDS = re.compile(r"(What|Who|Whose|Where|How) ")


def sources(suffixes: tuple[str, ...]) -> Iterator[Path]:
    """All files of the package with one of the suffixes."""
    yield from (path for path in sorted(PACKAGE.rglob("*")) if path.suffix in suffixes)


def docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    """Docstrings, and the texts below module and class attributes."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else []:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                yield statement.value


def literals(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every string but docstrings; values in f-strings are ``{}``."""
    tree = ast.parse(source)
    skipped = {id(node) for node in docstrings(tree)}
    skipped |= {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and id(node) not in skipped:
            texts = [node.value] if isinstance(node.value, str) else []
            yield from ((node.lineno, text) for text in texts)


def stumbles(text: str) -> list[str]:
    """The phrases of a text that are not used, each with what says the same."""
    return [
        f"{match[0]!r}: {better}"
        for phrase, better in PHRASES.items()
        if (match := re.search(phrase, text, re.IGNORECASE))
    ]


def test_no_message_says_what_readers_stumble_over() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{line}: {problem}"
        for path in sources((".py",))
        for line, text in literals(path.read_text(encoding="utf-8"))
        for problem in stumbles(text)
    ]
    assert found == []


def test_no_page_says_what_readers_stumble_over() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{number}: {problem}"
        for path in sources((".html", ".js"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        for problem in stumbles(line)
    ]
    assert found == []


def test_docstrings_begin_with_what_it_is_or_does() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}: {str(node.value).strip().splitlines()[0]}"
        for path in sources((".py",))
        for node in docstrings(ast.parse(path.read_text(encoding="utf-8")))
        if FIRST_WORDS.match(str(node.value).strip())
    ]
    assert found == []


def raised(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of the errors of this package that are raised where they are written."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            of = getattr(node.exc.func, "id", "")
            if issubclass(getattr(errors, of, Exception), errors.PresaError):
                yield from literals(ast.unparse(node.exc))


def test_an_error_that_says_what_must_be_says_what_is() -> None:
    """``NAME must be CONSTRAINT`` is half of a message; the value, or the cause, is the other."""
    found = [
        f"{path.relative_to(PACKAGE)}: {text}"
        for path in sources((".py",))
        for _, text in raised(path.read_text(encoding="utf-8"))
        if re.search(r"\bmust (?!be given|be left out|exist|\{\})", text)
        and not re.search(r", got |, but |: \{\}", text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "stumbled"),
    [
        ("alpha is -1; allowed is a number", True),
        ("there is no algorithm 'sac'", True),
        ("{} is no results file", True),
        ("{} holds no results but rows", True),
        ("`alpha` must be a number >= 0, got -1", False),
        ("the dataset has no costs (toy/x-v0)", False),
        ("Clips can no longer be drawn: {}", False),
    ],
)
def test_phrases(text: str, stumbled: bool) -> None:
    assert bool(stumbles(text)) is stumbled


def test_strings_are_found_wherever_they_stand() -> None:
    source = '"""Doc."""\nX = 1\n"""Of X."""\nraise ValueError(f"{X} of " "two", "three")\n'
    assert list(literals(source)) == [(4, "{} of two"), (4, "three")]
