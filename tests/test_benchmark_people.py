"""Suites on data and labels of one's own: feedback by its name, and logs that hold no costs."""

import warnings
from html import unescape
from pathlib import Path
from typing import Any

import minari
import numpy as np
import pytest
import yaml
from algorithm_data import tiny_feedback
from benchmark_cells import Here
from benchmark_rows import row
from minari import MinariDataset
from minari.data_collector import EpisodeBuffer
from rich.console import Console
from toy_envs import env_id
from typer.testing import CliRunner

from sb3_presa import Feedback
from sb3_presa.benchmark.engine.data_identity import feedback_hash
from sb3_presa.benchmark.engine.progress import RunProgress
from sb3_presa.benchmark.engine.results import ResultFile, read_rows
from sb3_presa.benchmark.engine.run import missing_cells, run_suite
from sb3_presa.benchmark.engine.training import run_cell
from sb3_presa.benchmark.suites.cell import Cell, Labels
from sb3_presa.benchmark.suites.suite import Suite
from sb3_presa.cli import app
from sb3_presa.data.minari_store import write_dataset
from sb3_presa.errors import ConfigError, DatasetError, FeedbackError


def without_costs(dataset: MinariDataset, **spec: Any) -> str:
    """The same episodes as somebody logged who counts no costs."""
    buffers = [
        EpisodeBuffer(
            observations=e.observations,
            actions=e.actions,
            rewards=e.rewards,
            terminations=e.terminations,
            truncations=e.truncations,
        )
        for e in dataset.iterate_episodes()
    ]
    spaces = {"observation_space": dataset.observation_space, "action_space": dataset.action_space}
    write_dataset("mine/logs-v0", buffers, **spaces, **spec)
    return "mine/logs-v0"


def people_said(dataset: MinariDataset, name: str, seed: int = 0) -> Feedback:
    """Some labels beside the dataset, a few of them missing."""
    feedback = tiny_feedback(dataset, seed=seed, unlabelled_safety=0.2)
    feedback.save(minari.load_dataset("mine/logs-v0"), name)
    return feedback


def a_cell(class_name: str = "BC", **changes: Any) -> Cell:
    found: dict[str, Any] = {"n_episodes": 2, "steps": 4, "env": env_id("box")}
    labels = Labels(feedback="people")
    found |= {"labels": labels, "seed": 0} | changes
    return Cell("Mine", "mine/logs-v0", 5.0, class_name, class_name, **found)


def test_an_agent_learns_from_what_people_said(box_dataset: MinariDataset) -> None:
    """The row tells how much they said and nothing of options that made no label."""
    without_costs(box_dataset)
    said = people_said(box_dataset, "people")
    row = run_cell(a_cell("BC", settings={"data": "preferred-and-safe"}))
    assert (row["feedback"], row["n_segments"]) == ("people", len(said.segments))
    assert row["n_preferences"] == len(said.comparisons) == 60
    assert row["share_safe"] == pytest.approx(np.mean(said.p_safe[said.p_safe >= 0] > 0.5))
    made = ("n_comparisons", "segment_length", "flip_safety", "unlabelled_preferences")
    assert [row[name] for name in made] == [None] * 4
    assert row["reward_reference"] == "own" and row["normalized_reward"] is not None
    assert 0 <= row["cost_mean"] <= 20


def test_labels_that_do_not_fit_the_data_or_are_not_there(box_dataset: MinariDataset) -> None:
    without_costs(box_dataset)
    with pytest.raises(FeedbackError, match="people"):
        run_cell(a_cell())
    with pytest.raises(DatasetError, match=r"infos\['cost'\] must be given"):
        run_cell(a_cell(labels=Labels(n_comparisons=10)))


def test_rows_of_labels_that_have_changed_are_missing(box_dataset: MinariDataset) -> None:
    """Which is asked of the labels themselves: those that were saved again are the same."""
    without_costs(box_dataset)
    people_said(box_dataset, "people")
    cell = a_cell()
    rows = {cell.key: {name: str(value) for name, value in run_cell(cell).items()}}
    suite = Suite("mine", (cell,), 0)
    assert missing_cells(suite, rows) == []
    people_said(box_dataset, "people")
    assert missing_cells(suite, rows) == []
    people_said(box_dataset, "people", seed=1)
    assert missing_cells(suite, rows) == [cell]


def test_rows_that_are_run_again_are_counted(box_dataset: MinariDataset, tmp_path: Path) -> None:
    """A suite that goes on with other labels would else mix them without a word."""
    without_costs(box_dataset)
    people_said(box_dataset, "people")
    people_said(box_dataset, "others")
    labels = [Labels(feedback=name) for name in ("people", "people", "others")]
    cells = tuple(a_cell(labels=of, seed=seed) for seed, of in enumerate(labels))
    suite, path = Suite("mine", cells, 0), tmp_path / "mine.csv"
    progress = RunProgress(Console(stderr=True))

    def run() -> list[str]:
        with ResultFile(path).open() as file, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert run_suite(suite, file, Here(), progress) == []
        return [str(one.message) for one in caught]

    with ResultFile(path).open() as file:
        for cell in cells:
            name = str(cell.labels.feedback)
            found = {"feedback": name, "feedback_hash": feedback_hash(cell.dataset, name)}
            file.add(row(cell, 0.5, 0.5) | found)
    assert run() == []
    people_said(box_dataset, "people", seed=1)
    (said,) = run()
    assert said.startswith(f"2 rows of {path} are of other episodes or labels than those that")
    assert said.endswith("their cells are run again")


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (None, "tasks.Mine.env must be given, since dataset mine/logs-v0 does not name"),
        ("Typo-v0", "tasks.Mine.env must be .* .module:Id-v0.*, got 'Typo-v0': .*Typo"),
        ("nowhere_to_be_found:Id-v0", "No module named 'nowhere_to_be_found'"),
    ],
)
def test_what_cannot_be_evaluated_is_not_trained(
    box_dataset: MinariDataset, env: str | None, said: str
) -> None:
    """There are no labels either, so this comes before anything is read of them."""
    without_costs(box_dataset)
    with pytest.raises(ConfigError, match=said):
        run_cell(a_cell(env=env))


def test_a_suite_of_feedback_by_name(box_dataset: MinariDataset, tmp_path: Path) -> None:
    """A sweep over two people's labels, too; the report has a picture of it."""
    without_costs(box_dataset)
    for seed, name in enumerate(("ann", "bob")):
        people_said(box_dataset, name, seed)
    suite = {
        "tasks": {"Mine": {"dataset": "mine/logs-v0", "env": f"toy_envs:{env_id('box')}"}},
        "cost_limits": [5],
        "seeds": [0, 1],
        "n_episodes": 2,
        "steps": 3,
        "labels": {"feedback": "ann"},
        "algorithms": {"PRESA": {}, "BC": {}},
        "sweeps": [{"vary": "labels.feedback", "values": ["ann", "bob"], "algorithms": ["BC"]}],
    }
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(suite))
    arguments = ["benchmark", "run", str(path), "--out", str(tmp_path), "--workers", "1"]
    dry = CliRunner().invoke(app, [*arguments, "--dry-run"])
    assert "Mine, limit 5, BC (feedback = bob), seed 1" in dry.output, dry.output
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    assert (
        "Warning: training warned for 2 agents of 'PRESA': `total_timesteps` should be above"
        in ran.stderr
    )
    rows = read_rows(tmp_path / "mine.csv")
    assert sorted(row["feedback"] for row in rows) == ["ann"] * 4 + ["bob"] * 2
    page = CliRunner().invoke(app, ["benchmark", "report", str(tmp_path / "mine.csv")])
    assert page.exit_code == 0, page.output
    text = unescape((tmp_path / "mine-report/report.html").read_text())
    assert "2 agents of 'PRESA': `total_timesteps` should be above" in text
    assert (tmp_path / "mine-report/ablation_labels_feedback.png").exists()
