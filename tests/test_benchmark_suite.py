"""Suites: what they expand to, how their cells are named for ever, what they refuse."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sb3_presa import ALGORITHMS
from sb3_presa.benchmark.engine.ray_backend import RayBackend
from sb3_presa.benchmark.report.page import write_report
from sb3_presa.benchmark.suites.cell import Cell, Labels
from sb3_presa.benchmark.suites.suite import Suite, load_suite
from sb3_presa.collect.collection import CollectRecipe
from sb3_presa.envs import all_tasks
from sb3_presa.errors import ConfigError
from sb3_presa.registry import GIVEN, algorithm_class, settings_of

ROOT = Path(__file__).parent.parent
SUITES = sorted((ROOT / "benchmarks" / "suites").glob("*.yaml"))
PAPER = ROOT / "benchmarks" / "suites" / "paper.yaml"
RECIPES = ROOT / "datasets" / "recipes"

WHOLE: dict[str, Any] = {
    "tasks": {
        "BallRun": {"dataset": "presa/ball-run-v0", "env": "presa/SafetyBallRun-v0"},
        "Toy": {"dataset": "toy/box-v0", "cost_limits": [3, 1, 2]},
    },
    "cost_limits": [10, 20],
    "seeds": [0, 1],
    "labels": {"n_comparisons": 100},
    "algorithms": {
        "PRESA": {"seeds": [0, 1, 2], "settings": {"alpha": 0.1}, "resources": {"gpus": 0.25}},
        "BC, safe": {"class": "BC", "settings": {"data": "safe"}, "steps": 7, "tasks": ["Toy"]},
        "TraC": {"cost_limits": "middle"},
    },
    "sweeps": [
        {"vary": "labels.n_comparisons", "values": [50, 100], "algorithms": ["PRESA"], "seeds": [0]}
    ],
}


def load(tmp_path: Path, content: Mapping[str, Any] | str) -> Suite:
    path = tmp_path / "mine.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return load_suite(path, trust=True)


def changed(where: str, value: Any) -> dict[str, Any]:
    """The whole suite with another value somewhere."""
    suite: dict[str, Any] = yaml.safe_load(yaml.safe_dump(WHOLE))
    *path, last = where.split("/")
    inner: Any = suite
    for key in path:
        inner = inner[int(key) if key.isdigit() else key]
    inner[last] = value
    return suite


def test_a_suite_is_its_grid(tmp_path: Path) -> None:
    suite = load(tmp_path, WHOLE)
    assert suite.name == "mine"
    main = [cell for cell in suite.cells if cell.study == "main"]
    found = {(c.algorithm, c.task, c.cost_limit, c.seed) for c in main}
    limits = {"BallRun": (10, 20), "Toy": (1, 2, 3)}
    expected = {("PRESA", t, x, s) for t in limits for x in limits[t] for s in (0, 1, 2)}
    expected |= {("BC, safe", "Toy", x, s) for x in limits["Toy"] for s in (0, 1)}
    expected |= {("TraC", t, x, s) for t, x in (("BallRun", 20), ("Toy", 2)) for s in (0, 1)}
    assert found == expected
    assert len(main) == len(expected)
    assert {c.steps for c in main if c.algorithm == "BC, safe"} == {7}
    assert {(c.gpus, c.settings["alpha"]) for c in main if c.algorithm == "PRESA"} == {(0.25, 0.1)}
    # seed by seed, so that an unfinished run has every algorithm on the same cells
    assert [c.seed for c in main] == sorted(c.seed for c in main)
    # of the sweep, what the comparison has already is not there again
    rest = [cell for cell in suite.cells if cell.study != "main"]
    assert {c.labels.n_comparisons for c in rest} == {50}
    assert len(rest) == 5
    assert len({cell.key for cell in suite.cells}) == len(suite.cells)


def test_a_key_is_what_decides_the_numbers() -> None:
    cell = Cell(
        "BallRun", "presa/ball-run-v0", 20.0, "PRESA", "PRESA", 3, settings={"b": 1, "a": 2}
    )
    # A results file of years ago must still be known for what it is
    assert cell.key == "presa-ball-run-v0_20_PRESA_3_" + cell.key[-12:]
    assert Cell.from_dict(cell.as_dict()).key == cell.key
    same = replace(cell, algorithm="Mine", task="BR", study="labels.x", cpus=4.0, gpus=1.0)
    assert replace(same, settings={"a": 2, "b": 1}).key == cell.key
    for change in (
        {"seed": 4},
        {"cost_limit": 10.0},
        {"steps": 10},
        {"settings": {"a": 2}},
        {"labels": Labels(flip_safety=0.1)},
        {"n_episodes": 21},
        {"env": "presa/SafetyBallRun-v0"},
    ):
        assert replace(cell, **change).key != cell.key


def test_keys_stay() -> None:
    """The key of a plain cell, written down: changing it would orphan every results file."""
    cell = Cell("BallRun", "presa/ball-run-v0", 20.0, "PRESA", "PRESA", 0)
    assert cell.key == "presa-ball-run-v0_20_PRESA_0_350639713265"


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        ("taks", 1, r"keys of the file must be among name, tasks, .*got 'taks'"),
        ("seeds", None, r"seeds must be given in every suite, got None"),
        ("seeds", [0, 0], r"seeds\[1\] must be different .* got 0"),
        ("seeds", [0.5], r"seeds\[0\] must be an integer in \[0, 4294967295\], got 0.5"),
        ("seeds", [0, 2**32], r"seeds\[1\] must be an integer in .*, got 4294967296"),
        ("cost_limits", [-1], r"cost_limits\[0\] must be a number >= 0, got -1"),
        (
            "tasks/BallRun/dataset",
            None,
            r"tasks\.BallRun\.dataset must be a non-empty string, got None",
        ),
        (
            "tasks/BallRun/data",
            "x",
            r"keys of tasks\.BallRun must be among dataset, env.*got 'data'",
        ),
        ("labels/flip_safety", 1.5, r"labels\.flip_safety must be a number in \[0, 1\], got 1.5"),
        ("labels/flips", 0.5, r"keys of labels must be among n_comparisons.*got 'flips'"),
        ("labels", {"segment_length": 9, "length_divisor": 2}, r"segment_length or length_div"),
        (
            "algorithms/PRESA/steps",
            "many",
            r"algorithms\.PRESA\.steps must be an integer >= 1, got 'many'",
        ),
        (
            "algorithms/PRESA/settings",
            {"seed": 3},
            r"algorithms\.PRESA\.settings\.seed must be left out.* got 3",
        ),
        (
            "algorithms/TraC/cost_limits",
            "mean",
            r"algorithms\.TraC\.cost_limits must be .*middle.* got 'mean'",
        ),
        (
            "algorithms/TraC/cost_limits",
            [10, 99],
            r"algorithms\.TraC\.cost_limits must be among those of BallRun \(10, 20\), got 99",
        ),
        (
            "algorithms/BC, safe/cost_limits",
            [10],
            r"algorithms\.BC, safe\.cost_limits must be among those of Toy \(1, 2, 3\), got 10",
        ),
        (
            "sweeps/0/cost_limits",
            [20],
            r"sweeps\[0\]\.cost_limits must be among those of Toy \(1, 2, 3\), got 20",
        ),
        (
            "algorithms/TraC/tasks",
            ["Ball"],
            r"algorithms\.TraC\.tasks must be one of BallRun.* got 'Ball'",
        ),
        (
            "algorithms/PRESA/resources",
            {"cpus": 0},
            r"resources\.cpus must be .*greater than 0, got 0",
        ),
        ("algorithms/PRESA/preset", "papr", r"algorithms\.PRESA: `preset` .* paper, got 'papr'"),
        ("algorithms/TraC/preset", "paper", r"algorithms\.TraC: `preset` of TraC must be left out"),
        ("sweeps/0/vary", "noise", r"sweeps\[0\]\.vary must be labels\.OPTION .* got 'noise'"),
        ("sweeps/0/values", [], r"sweeps\[0\]\.values must be .*at least one item, got \[\]"),
        (
            "sweeps/0/algorithms",
            ["CPL"],
            r"sweeps\[0\]\.algorithms must be one of .*PRESA.* got 'CPL'",
        ),
        ("name", "../x", r"name must be a valid file name, got '\.\./x'"),
    ],
)
def test_refusals_name_file_key_found_and_allowed(
    tmp_path: Path, where: str, value: Any, said: str
) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml: .*" + said):
        load(tmp_path, changed(where, value))


@pytest.mark.parametrize(
    ("module", "extra", "use"),
    [
        ("yaml", "benchmark", lambda: load_suite(SUITES[0])),
        ("jinja2", "benchmark", lambda: write_report([], Path("report"), title="None")),
        ("ray", "ray", RayBackend),
    ],
)
def test_what_an_extra_brings_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, module: str, extra: str, use: Callable[[], object]
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"extra '{extra}'.* pip install \"\.\[{extra}\]\""):
        use()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_settings_are_what_a_constructor_takes(name: str) -> None:
    """Also where a class hands on to its parent what it does not name."""
    algorithm = algorithm_class(name)
    settings = settings_of(algorithm)
    assert {"learning_rate", "policy_kwargs"} <= set(settings)
    assert GIVEN.isdisjoint(settings) and not {"self", "kwargs", "_init_setup_model"} & {*settings}
    limit = {"cost_limit": 5} if "outcomes" in algorithm.needs else {}
    model = algorithm("MlpPolicy", None, **limit)  # type: ignore[arg-type]
    assert [s for s in settings if not hasattr(model, s) and not hasattr(model, f"_{s}")] == []


def test_what_yaml_would_swallow(tmp_path: Path) -> None:
    text = "tasks: {T: toy/box-v0}\ncost_limits: [5]\nseeds: [0]\nalgorithms:\n  PRESA:\n"
    suite = load(tmp_path, text + "    settings: {learning_rate: 3e-4}\n")
    assert suite.cells[0].settings["learning_rate"] == 3e-4  # plain YAML reads a text there
    with pytest.raises(
        ConfigError, match=r"mine\.yaml, line 6: keys must be different, got 'PRESA' twice"
    ):
        load(tmp_path, text + "  PRESA: {steps: 1}\n")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        load(tmp_path, "tasks: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(ConfigError, match=r"one name, got algorithms\.PRESA and algorithms\.Other"):
        load(tmp_path, text + "  Other: PRESA\n")


def test_classes_and_settings_that_there_are_not(tmp_path: Path) -> None:
    load(tmp_path, WHOLE).check_algorithms()
    for name, said in (
        ("Bc", "the algorithm must be one of BC, .*, or your own class as .*, got 'Bc'"),
        ("nowhere_to_be_found:Mine", "cannot be imported: No module named 'nowhere_to_be_found'"),
        (":Mine", "cannot be imported"),
        ("benchmark_cells:Mine", "cannot be imported: .* no attribute 'Mine'.* PYTHONPATH"),
        (
            "benchmark_cells:work",
            "benchmark_cells:work must be a subclass of OfflineAlgorithm, got <function",
        ),
    ):
        with pytest.raises(ConfigError, match=rf"suite mine: algorithms\.BC, safe: .*{said}"):
            load(tmp_path, changed("algorithms/BC, safe/class", name)).check_algorithms()
    wrong = load(tmp_path, changed("algorithms/PRESA/settings", {"dleta": 0.9}))
    with pytest.raises(ConfigError, match=r"algorithms\.PRESA: settings .*\bdelta\b.*got 'dleta'"):
        wrong.check_algorithms()
    for settings, said in (
        ({"delta": 2.0}, "`delta` must be in"),
        ({"n_pairs": "x"}, "`n_pairs` must be a whole"),
    ):
        wrong_value = load(tmp_path, changed("algorithms/PRESA/settings", settings))
        with pytest.raises(ConfigError, match=rf"algorithms\.PRESA cannot be made .*{said}"):
            wrong_value.check_algorithms()
    with pytest.raises(ConfigError, match=r"algorithm must be one of 'PRESA', .*got 'presa'"):
        wrong.only(algorithms=["presa"])
    assert {cell.task for cell in wrong.only(tasks=["Toy"]).cells} == {"Toy"}


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_the_suites_that_ship(path: Path) -> None:
    suite = load_suite(path)
    suite.check_algorithms()
    per_algorithm = Counter((cell.algorithm, cell.class_name) for cell in suite.cells)
    if suite.name == "comparison":
        # Eight tasks at the middle limit; the others, these at three limits and three tasks at one
        truth = ("TraC", "BCQLag")
        for (name, class_name), n in per_algorithm.items():
            assert n == (8 * 3 if class_name in truth else (8 * 3 + 3) * 3), name
        assert len({cell.task for cell in suite.cells}) == 11
        limits = {cell.cost_limit for cell in suite.cells if cell.class_name in truth}
        assert limits == {5.0, 20.0, 40.0}
    if suite.name == "comparison_more_seeds":
        assert set(per_algorithm.values()) == {4 * 3 * 2}
        assert {cell.seed for cell in suite.cells} == {3, 4}


def test_the_papers_suite_has_the_benchmarks_tasks() -> None:
    """With the table's limits; every dataset has a recipe of the task's environment."""
    suite = load_suite(PAPER)
    assert list(dict.fromkeys(cell.task for cell in suite.cells)) == [t.name for t in all_tasks()]
    known = {task.name: task for task in all_tasks()}
    limits: dict[tuple[str, str], set[float]] = {}
    for cell in suite.cells:
        limits.setdefault((cell.task, cell.algorithm), set()).add(cell.cost_limit)
        assert cell.env == known[cell.task].env_id
        recipe = RECIPES / f"{cell.dataset.removeprefix('presa/').removesuffix('-v0')}.toml"
        assert CollectRecipe.from_toml(recipe).env_id == cell.env
    for (task, algorithm), found in limits.items():
        expected = known[task].cost_limits
        if algorithm in ("SafeRLHF", "TraC"):
            expected = expected[1:2]
        assert found == set(expected), (task, algorithm)
    assert {(cell.seed, cell.n_episodes) for cell in suite.cells} == {(s, 20) for s in (0, 1, 2)}
    few = suite.only(["PRESA, few labels"]).cells[0].labels
    assert few == Labels(300, None, 5, flip_preferences=0.1, flip_safety=0.1)


def test_settings_of_the_slow_methods_are_those_of_the_comparison() -> None:
    paper, comparison = load_suite(PAPER), load_suite(PAPER.with_name("comparison.yaml"))
    for name in ("SafeRLHF", "TraC"):
        ours, theirs = paper.only([name]).cells[0], comparison.only([name]).cells[0]
        assert (ours.settings, ours.steps) == (theirs.settings, theirs.steps)


@pytest.mark.parametrize("tasks", ["", "PointGoal2 easymean"])
def test_make_makes_the_data_of_tasks_that_are_named_or_logged(tasks: str) -> None:
    """It replays logs, and collects only for a task that is named."""
    command = ["make", "--dry-run", "--always-make", "benchmark-paper", f"TASKS={tasks}"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    collected = set(re.findall(r"datasets/recipes/([a-z0-9-]+)\.toml", printed))
    replayed = set(re.findall(r"datasets/logs/([a-z0-9-]+)\.npz", printed))
    logged = {path.stem for path in (ROOT / "datasets" / "logs").glob("*.npz")}
    named = {"point-goal2", "metadrive-easymean"}
    datasets = {
        c.dataset.removeprefix("presa/").removesuffix("-v0") for c in load_suite(PAPER).cells
    }
    wanted = named if tasks else datasets & logged
    assert (collected, replayed) == (wanted - logged, wanted & logged)
    assert ("--task PointGoal2 --task easymean" in printed) is bool(tasks)
