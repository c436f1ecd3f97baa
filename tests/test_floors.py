"""The map in CONTRIBUTING.md is the package: its rooms are the folders, and no import goes up."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "sb3_presa"
_ROW = re.compile(r"^\| (\d+) \| ((?:`[\w/.]+`(?:, )?)+) \| (.+) \|$", re.MULTILINE)


@cache
def floors() -> Mapping[str, int]:
    """Rooms and files of the package by their floor in the map, the lowest first."""
    rows = _ROW.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    return {
        place.strip("`").removesuffix(".py").rstrip("/"): int(floor)
        for floor, places, _ in rows
        for place in places.split(", ")
    }


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the package by its dotted name below the package; ``""`` is its own."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(text: str) -> Iterator[str]:
    """Modules of the package that a source imports, in functions and for type checkers too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.split(".")[0] == "sb3_presa":
                    yield name.name.partition(".")[2]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sb3_presa":
            inside = (node.module or "").partition(".")[2]
            for name in node.names:
                member = f"{inside}.{name.name}".lstrip(".")
                yield member if member in modules() else inside


@cache
def arrows() -> Mapping[str, frozenset[str]]:
    return {
        module: frozenset(imports_of(path.read_text(encoding="utf-8"))) - {module}
        for module, path in modules().items()
    }


def floor_of(module: str) -> int:
    """The floor of a module's room; ``__init__`` and ``__main__`` are the roof."""
    return floors()[module.split(".", maxsplit=1)[0]] if module not in ("", "__main__") else 1_000


def test_every_room_is_on_the_map_and_every_entry_of_the_map_is_there() -> None:
    rooms = {module.split(".")[0] for module in modules()} - {"", "__main__"}
    assert set(floors()) == rooms


def test_no_import_goes_up() -> None:
    up = [
        f"{module or 'sb3_presa'} -> {target}"
        for module, targets in arrows().items()
        for target in targets
        if target not in modules() or floor_of(target) > floor_of(module)
    ]
    assert up == []


def test_no_file_imports_in_a_circle() -> None:
    assert _circle(arrows()) is None


def _circle(graph: Mapping[str, frozenset[str]]) -> list[str] | None:
    """One circle of the graph, or ``None``: depth first, with what is on the way."""
    done: set[str] = set()

    def visit(module: str, way: list[str]) -> list[str] | None:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return None
        for target in sorted(graph.get(module, ())):
            if found := visit(target, [*way, module]):
                return found
        done.add(module)
        return None

    for module in sorted(graph):
        if found := visit(module, []):
            return found
    return None


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, ["a", "b", "c", "a"]),
        ({"a": {"b", "c"}, "b": {"c"}, "c": set()}, None),
    ],
)
def test_a_circle_is_seen(graph: dict[str, set[str]], circle: list[str] | None) -> None:
    assert _circle({name: frozenset(targets) for name, targets in graph.items()}) == circle


@pytest.mark.parametrize(
    ("text", "imported"),
    [
        ("from sb3_presa.data import episodes", ["data.episodes"]),
        ("def f():\n    from sb3_presa.files import atomic_path", ["files"]),
        ("import sb3_presa.registry as r", ["registry"]),
        ("import sb3_presa", [""]),
        ("from sb3_presa import PRESA", [""]),
        ("import numpy", []),
    ],
)
def test_imports_are_found_wherever_they_stand(text: str, imported: list[str]) -> None:
    assert list(imports_of(text)) == imported


def test_the_lengths_of_paths_are_those_that_were_counted() -> None:
    figures = json.loads((ROOT / "benchmarks/results/path_length.json").read_text(encoding="utf-8"))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"<!-- path length -->(.*?)<!-- up to here -->", text)
    said = {name.strip("` "): int(count) for name, count in re.findall(r"([^,\d]+) (\d+)", words)}
    assert said == figures["files"]
