"""The package as users get it: what importing it costs, and where its facts are kept."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path

import pytest
import yaml

import sb3_presa
import sb3_presa.cli
import sb3_presa.data

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "stable_baselines3", "pybullet", "bullet_safety_gym", "matplotlib", "tensorboard")


def modules_after(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "unwanted"),
    [
        ("import sb3_presa", (*HEAVY, "minari", "h5py")),
        # The whole of the data package works without torch, not its names alone.
        (
            "import sb3_presa.data as data\nfor name in data.__all__: getattr(data, name)",
            ("torch", "stable_baselines3", "pybullet"),
        ),
        ("import sb3_presa.errors, sb3_presa.envs.tasks", HEAVY),
        ("import sb3_presa.learning.losses", ("stable_baselines3", "minari", "pybullet")),
        ("import sb3_presa.cli", (*HEAVY, "minari", "h5py")),
        ("import gymnasium, sb3_presa; gymnasium.spec('presa/SafetyBallRun-v0')", HEAVY),
    ],
)
def test_imports_are_lazy(code: str, unwanted: tuple[str, ...]) -> None:
    assert not modules_after(code).intersection(unwanted)


def test_every_public_name_is_there() -> None:
    for package in (sb3_presa, sb3_presa.data):
        for name in package.__all__:
            assert getattr(package, name) is not None
            assert name in dir(package)
    for name in sb3_presa.ALGORITHMS:
        assert getattr(sb3_presa, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        sb3_presa.nothing_of_the_kind  # noqa: B018


def test_the_version_is_written_once() -> None:
    assert version("sb3_presa") == sb3_presa.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" in project["dynamic"] and "version" not in project
    line = re.compile(rf"""^__version__ = "{re.escape(sb3_presa.__version__)}"$""", re.MULTILINE)
    where = [path for path in ROOT.glob("sb3_presa/**/*.py") if line.search(path.read_text())]
    assert where == [ROOT / "sb3_presa" / "_version.py"]


def test_what_is_cited_is_the_paper_of_the_documentation() -> None:
    """And the version is not written again."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (cited["title"], cited["license"]) == (project["name"], project["license"])
    assert cited["abstract"] == project["description"]
    assert [author["name"] for author in cited["authors"]] == [
        a["name"] for a in project["authors"]
    ]
    assert "version" not in cited
    paper = cited["preferred-citation"]
    bibtex = (ROOT / "docs" / "presa.md").read_text(encoding="utf-8").partition("```bibtex")[2]
    names = " and ".join(f"{a['family-names']}, {a['given-names']}" for a in paper["authors"])
    for text in (paper["title"], names, paper["collection-title"], str(paper["year"])):
        assert f"{{{text}}}" in bibtex
    assert f"{{{paper['identifiers'][0]['value']}}}" in bibtex


def test_the_command_is_installed() -> None:
    (command,) = (
        entry for entry in entry_points(group="console_scripts") if entry.name == "sb3-presa"
    )
    assert command.load() is sb3_presa.cli.main
    done = subprocess.run(
        [Path(sys.executable).with_name("sb3-presa"), "label", "toy/none-v0", "--cost-limit", "1"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ") and "toy/none-v0" in done.stderr
    assert "Traceback" not in done.stderr


def test_pytorch_is_named_once() -> None:
    """The release that CI takes stands in the Makefile alone."""
    release = re.search(r"^TORCH_VERSION \?= (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert release is not None
    files = [ROOT / "pyproject.toml", ROOT / "setup.py", ROOT / "README.md", ROOT / ".ci" / "run"]
    for path in [*files, *ROOT.glob("docs/*.md")]:
        assert release[1] not in path.read_text(), path
