"""The documentation names things that exist: arguments, options, files, targets of make."""

import ast
import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import sb3_presa
from sb3_presa.benchmark.suites.suite import load_suite
from sb3_presa.cli import app
from sb3_presa.evaluation.callbacks import SafetyEvalCallback
from sb3_presa.registry import preset_of

ROOT = Path(__file__).parent.parent
FOLDERS = ("datasets", "examples", "examples/driving_feedback", "examples/own_robot")
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "benchmarks/LOG")),
    *(ROOT / name / "README.md" for name in FOLDERS),
    *sorted(ROOT.glob("docs/*.md")),
]

#: Calls in the pages' Python whose arguments are checked, by their last name.
CALLS: dict[str, Callable[..., Any]] = {
    "create": sb3_presa.Feedback.create,
    "synthetic": sb3_presa.Feedback.synthetic,
    "save": sb3_presa.Feedback.save,
    "set_dataset": sb3_presa.PRESA.set_dataset,
    "learn": sb3_presa.PRESA.learn,
    "evaluate_safety": sb3_presa.evaluate_safety,
    "SafetyEvalCallback": SafetyEvalCallback,
}


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, language: str) -> Iterator[str]:
    for match in re.finditer(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL):
        yield match[1]


def make_targets() -> set[str]:
    named = re.findall(r"^([a-z_-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    recipes = (path.stem for path in ROOT.glob("datasets/recipes/*.toml"))
    return {*named, *(f"dataset-{recipe}" for recipe in recipes)}


def accepted(name: str, owner: str) -> set[str] | None:
    """The keywords that a function of this name takes; None for one that is not ours."""
    if name == "load_offline":  # hands on what it does not know to the constructors
        algorithm = getattr(sb3_presa, owner)
        signatures = [algorithm.load_offline, *(parent.__init__ for parent in algorithm.__mro__)]
        return {word for each in signatures for word in inspect.signature(each).parameters}
    return {*inspect.signature(CALLS[name]).parameters} if name in CALLS else None


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_python_names_arguments_that_exist(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sb3_presa"):
                module = __import__(str(node.module), fromlist=["*"])
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            name = (
                function.attr
                if isinstance(function, ast.Attribute)
                else getattr(function, "id", "")
            )
            owner = getattr(getattr(function, "value", None), "id", "")
            known = accepted(name, owner)
            if known is not None:
                assert known.issuperset(word.arg for word in node.keywords if word.arg), (
                    ast.unparse(node)
                )


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_shell_names_commands_and_options_that_exist(page: Path) -> None:
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    targets = make_targets()
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["sb3-presa"]:
                command = commands[words[1]]
                if hasattr(command, "commands"):  # a group, like ``sb3-presa benchmark``
                    command = command.commands[words[2]]
                options = {option for parameter in command.params for option in parameter.opts}
                assert options.issuperset(word for word in words if word.startswith("-")), line
            if words[:1] == ["make"]:
                assert targets.issuperset(word for word in words[1:] if "=" not in word), line


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_running_text_names_targets_and_suites_that_exist(page: Path) -> None:
    text, targets = page.read_text(), make_targets()
    assert targets.issuperset(re.findall(r"`make ([a-z_-]+)", text))
    for suite in re.findall(r"`(?:benchmarks/suites/)?([a-z_]+\.yaml)`", text):
        assert (ROOT / "benchmarks" / "suites" / suite).is_file(), suite


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_suites_are_suites(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "yaml"):
        if all(re.search(rf"^{key}:", text, re.MULTILINE) for key in ("tasks", "algorithms")):
            path = tmp_path / "suite.yaml"
            path.write_text(text)
            load_suite(path).check_algorithms()


def test_the_example_of_the_paper_is_accepted() -> None:
    """The settings that the page gives as the paper's make a model, and are what is benchmarked."""
    (block,) = [b for b in blocks(ROOT / "docs" / "presa.md", "python") if "PRESA.PAPER" in b]
    assert "**PRESA.PAPER" in block
    model = sb3_presa.PRESA(**sb3_presa.PRESA.PAPER)
    assert model.objective_kwargs["preference_filter"] == "all"
    suite = load_suite(ROOT / "benchmarks" / "suites" / "sensitivity.yaml")
    plain = suite.only(["the paper's plain objective"]).cells
    assert plain and all(cell.settings == preset_of(sb3_presa.PRESA, "paper") for cell in plain)


def test_every_command_has_help_for_every_option() -> None:
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name}"
