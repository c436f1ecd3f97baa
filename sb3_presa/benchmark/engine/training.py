"""Runs one cell: labels, trains and evaluates, and returns its row."""

import json
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sb3_presa.benchmark.engine.build import current_commit, versions
from sb3_presa.benchmark.engine.columns import (
    data_columns,
    label_columns,
    learnt_columns,
    option_columns,
    outcome_columns,
    summary,
    time_columns,
)
from sb3_presa.benchmark.engine.preflight import check_env
from sb3_presa.benchmark.suites.cell import Cell

if TYPE_CHECKING:
    import gymnasium as gym
    from minari import MinariDataset

    from sb3_presa.benchmark.engine.shared_cloning import Seconds, SharedClones
    from sb3_presa.benchmark.engine.shared_runs import Run, SharedRuns
    from sb3_presa.evaluation.safety import SafetyEvaluation
    from sb3_presa.feedback.table import Feedback
    from sb3_presa.learning.offline_algorithm import OfflineAlgorithm

#: Offset of evaluation seeds from the agents' seeds.
EVALUATION_SEED = 1_000_000


def run_cell(cell: Cell) -> dict[str, Any]:
    """
    Trains one agent and evaluates it after its last step. Cells of this process that differ only
    in what their algorithm does not read share one run.

    :param cell: the cell
    :return: its row of results
    """
    import torch as th

    from sb3_presa.benchmark.engine.shared_cloning import Seconds
    from sb3_presa.data.datasets import dataset_horizon, resolve_dataset
    from sb3_presa.registry import algorithm_class

    commit = current_commit()  # before training, since the checkout may change meanwhile
    th.set_num_threads(max(1, int(cell.cpus)))
    start = Seconds.now()
    dataset = resolve_dataset(cell.dataset)
    check_env(dataset, cell)
    algorithm = algorithm_class(cell.class_name)
    settings = dict(cell.settings)
    horizon = dataset_horizon(dataset)
    feedback = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        if "outcomes" in algorithm.needs:
            settings["cost_limit"] = cell.cost_limit
        else:
            feedback = _feedback(dataset, cell, horizon)
        model = algorithm.load_offline(
            dataset, feedback, seed=cell.seed, device=cell.device, **settings
        )
        of_labels = list(caught)
        caught.clear()
        run = _runs().of(
            cell, model, feedback, lambda: _train_and_evaluate(model, dataset, cell, start, caught)
        )
    return {
        **outcome_columns(cell, dataset, run.result, run.reference),
        "reads_outcomes": "outcomes" in algorithm.needs,
        **option_columns(cell, horizon),
        **label_columns(feedback),
        **data_columns(cell, "outcomes" in algorithm.needs),
        **run.learnt,
        "warnings": summary([*of_labels, *run.warned]),
        "commit": commit,
        "versions": json.dumps(versions(), sort_keys=True),
        **run.times,
    }


def _train_and_evaluate(
    model: "OfflineAlgorithm",
    dataset: "MinariDataset",
    cell: Cell,
    start: "Seconds",
    caught: list[warnings.WarningMessage],
) -> "Run":
    from sb3_presa.benchmark.engine.shared_cloning import Seconds
    from sb3_presa.benchmark.engine.shared_runs import Run

    spared = _clones().learn(model, cell.dataset, cell.steps)
    training = Seconds.now().since(start)
    result, reference = _evaluate(model, dataset, cell)
    times = time_columns(training, Seconds.now().since(start), spared)
    return Run(result, reference, learnt_columns(model), times, tuple(caught))


@cache
def _clones() -> "SharedClones":
    from sb3_presa.benchmark.engine.shared_cloning import SharedClones

    return SharedClones()


@cache
def _runs() -> "SharedRuns":
    from sb3_presa.benchmark.engine.shared_runs import SharedRuns

    return SharedRuns()


def _feedback(dataset: "MinariDataset", cell: Cell, horizon: int) -> "Feedback":
    from sb3_presa.completion import complete

    given = _given(dataset, cell, horizon)
    if not cell.labels.completed:
        return given
    return complete(dataset, given, seed=cell.seed).feedback(seed=cell.seed)


def _given(dataset: "MinariDataset", cell: Cell, horizon: int) -> "Feedback":
    from sb3_presa.feedback.table import Feedback

    labels = cell.labels
    if labels.feedback is not None:
        return Feedback.load(dataset, labels.feedback)
    return Feedback.synthetic(
        dataset,
        labels.n_comparisons,
        labels.length_of_segments(horizon),
        cost_limit=cell.cost_limit,
        seed=cell.seed,
        flip_preferences=labels.flip_preferences,
        flip_safety=labels.flip_safety,
        unlabelled_preferences=labels.unlabelled_preferences,
        unlabelled_safety=labels.unlabelled_safety,
    )


def _evaluate(
    model: Any, dataset: "MinariDataset", cell: Cell
) -> tuple["SafetyEvaluation", tuple[str, float, float]]:
    """The evaluation, and the reward reference: the benchmark's, the dataset's, or none."""
    from sb3_presa.data.datasets import reward_reference
    from sb3_presa.evaluation.safety import (
        environment_id,
        evaluate_safety,
        task_reward_reference,
    )

    env = _make_env(dataset, cell)
    try:
        result = evaluate_safety(
            model,
            env,
            cost_limit=cell.cost_limit,
            n_eval_episodes=cell.n_episodes,
            seed=EVALUATION_SEED + cell.seed,
            warn=False,
        )
        for kind, found in (
            ("dsrl", task_reward_reference(environment_id(env))),
            ("dataset", reward_reference(dataset)),
        ):
            if found is not None:
                return result, (kind, *found)
        return result, ("own", np.nan, np.nan)
    finally:
        env.close()


def _make_env(dataset: "MinariDataset", cell: Cell) -> "gym.Env[Any, Any]":
    import gymnasium as gym

    from sb3_presa.data.environments import recover_environment
    from sb3_presa.envs.making import make_environment

    if (env_id := cell.env) is not None:
        return make_environment(env_id, lambda: gym.make(env_id))
    return recover_environment(dataset, trust=cell.trust, eval_env=True)
