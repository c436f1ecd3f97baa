"""Cells that differ only in what their algorithm does not read are trained and evaluated once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from algorithm_data import tiny_feedback
from minari import MinariDataset
from toy_envs import env_id

from sb3_presa import CPL
from sb3_presa.benchmark.engine import training
from sb3_presa.benchmark.engine.shared_runs import Run, SharedRuns
from sb3_presa.benchmark.engine.training import run_cell
from sb3_presa.benchmark.suites.cell import Cell, Labels
from sb3_presa.evaluation.safety import SafetyEvaluation
from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

pytestmark = pytest.mark.filterwarnings("ignore")
TIMES = ("train_wall_seconds", "train_cpu_seconds", "wall_seconds", "cpu_seconds")


def a_cell(dataset: MinariDataset, class_name: str, **changes: Any) -> Cell:
    given: dict[str, Any] = {"seed": 0, "steps": 4, "n_episodes": 3, "env": env_id("box")}
    given["labels"] = Labels(n_comparisons=30)
    settings = {"CPL": {"n_cloning_steps": 2}}.get(class_name, {})
    given["settings"] = settings
    return Cell("Toy", dataset.id, 5.0, class_name, class_name, **(given | changes))


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The classes of the agents that learnt, in order; nothing is kept from other tests."""
    found: list[str] = []
    learn = OfflineAlgorithm.learn

    def counted(self: OfflineAlgorithm, *args: Any, **kwargs: Any) -> Any:
        found.append(type(self).__name__)
        return learn(self, *args, **kwargs)

    monkeypatch.setattr(OfflineAlgorithm, "learn", counted)
    training._runs.cache_clear()
    return found


def but_for_times(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in TIMES}


@pytest.mark.parametrize(
    ("class_name", "settings"), [("CPL", {"n_cloning_steps": 2}), ("BC", {"data": "all"})]
)
def test_who_reads_no_safety_label_is_trained_once_for_all_limits(
    box_dataset: MinariDataset, trained: list[str], class_name: str, settings: dict[str, Any]
) -> None:
    """And each row is that of an agent of its own, judged by the limit of its cell."""
    cells = [
        replace(a_cell(box_dataset, class_name, settings=settings), cost_limit=limit)
        for limit in (0.0, 2.0, 20.0)
    ]
    shared = [run_cell(cell) for cell in cells]
    assert trained == [class_name]
    for cell, row in zip(cells, shared, strict=True):
        training._runs.cache_clear()
        training._clones.cache_clear()
        assert but_for_times(row) == but_for_times(run_cell(cell))
        assert row["train_cpu_seconds"] == shared[0]["train_cpu_seconds"] > 0
    assert [row["safe"] for row in shared] == [
        row["cost_mean"] <= row["cost_limit"] for row in shared
    ]
    assert shared[0]["share_safe"] < shared[-1]["share_safe"]  # labels of the cell's own limit


def test_other_agents_are_not_shared(box_dataset: MinariDataset, trained: list[str]) -> None:
    """Those who read safety labels; another seed, labels, setting, environment, more episodes."""
    cell = a_cell(box_dataset, "CPL")
    others = [
        cell,
        replace(cell, seed=1),
        replace(cell, labels=Labels(n_comparisons=31)),
        replace(cell, labels=Labels(n_comparisons=30, flip_preferences=0.4)),
        replace(cell, settings={"n_cloning_steps": 3}),
        replace(cell, n_episodes=4),
        replace(cell, steps=5),
        *[replace(a_cell(box_dataset, "SafetyOnly"), cost_limit=limit) for limit in (2.0, 19.0)],
    ]
    for count, one in enumerate(others, 1):
        run_cell(one)
        assert len(trained) == count
    # True outcomes are read at a limit, which is among the settings
    for limit in (5.0, 20.0):
        run_cell(replace(a_cell(box_dataset, "TraC"), cost_limit=limit))
    assert trained[-2:] == ["TraC", "TraC"]
    run_cell(cell)
    assert len(trained) == len(others) + 2


def test_labels_that_weigh_segments_otherwise_are_others(box_dataset: MinariDataset) -> None:
    """Completed labels have weights, which may change with the limit where comparisons do not."""
    cell, runs = a_cell(box_dataset, "CPL"), SharedRuns()
    labels = tiny_feedback(box_dataset, seed=0)
    weighed = replace(labels, weights=np.ones(len(labels.segments), dtype=np.float32))
    result = SafetyEvaluation.from_episodes([1.0], [2.0], [3], cost_limit=5.0)
    found: list[Run] = []

    def run() -> Run:
        found.append(Run(result, ("own", 0.0, 1.0), {}, {}, ()))
        return found[-1]

    model = CPL.load_offline(box_dataset, labels, seed=0, n_cloning_steps=2)
    for count, one in enumerate((labels, weighed), 1):
        for _ in range(2):
            runs.of(cell, model, one, run)
        assert len(found) == count
