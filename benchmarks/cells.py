"""One cell of a benchmark: a method trained on one task, limit and seed, then evaluated."""

import os
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

#: dataset id of each task, and the environment that its agents are evaluated in
TASKS = {
    "BallRun": ("presa/ball-run-v0", "presa/SafetyBallRun-v0"),
    "BallCircle": ("presa/ball-circle-v0", "presa/SafetyBallCircle-v0"),
    "CarRun": ("presa/car-run-v0", "presa/SafetyCarRun-v0"),
    "CarCircle": ("presa/car-circle-v0", "presa/SafetyCarCircle-v0"),
}

#: what the paper trains: every pair, plain expectation, a given delta, no anchor, last weights
PAPER = {
    "learning_rate": 3e-4,
    "alpha": 0.1,
    "beta": 0.1,
    "n_attain_steps": 0,
    "anchor_coef": 0.0,
    "unsafe_weight": None,
    "center_utilities": False,
    "preference_filter": "all",
    "normalize_length": False,
    "average_decay": 0.0,
    "multiplier_max": 100.0,
}

#: algorithm class and settings of each method; an empty dictionary is the class's defaults
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "presa": ("PRESA", {}),
    "presa_bfloat16": ("PRESA", {"precision": "bfloat16"}),
    "presa_float32": ("PRESA", {"precision": "float32"}),
    "no_preference": ("PRESA", {"preference_coef": 0.0}),
    "no_safety": (
        "PRESA",
        {"n_attain_steps": 0, "multiplier_init": 0.0, "multiplier_max": 0.0},
    ),
    "no_safety_labels": ("PRESA", {}),
    "paper": ("PRESA", PAPER),
    "bc_all": ("BC", {"data": "all"}),
    "bc_safe": ("BC", {"data": "safe"}),
    "bc_preferred_safe": ("BC", {"data": "preferred-and-safe"}),
}


@dataclass(frozen=True)
class Cell:
    """
    What is trained and how it is evaluated.

    :param task: key of ``TASKS``
    :param cost_limit: cost limit of an episode, for the labels and for the evaluation
    :param method: key of ``METHODS``
    :param seed: seed of the labels, the training and (shifted) the evaluation
    :param n_comparisons: comparisons that are labelled
    :param length_divisor: segments have the task's horizon divided by this
    :param flip_preferences: share of flipped preferences
    :param flip_safety: share of flipped safety labels
    """

    task: str
    cost_limit: float
    method: str
    seed: int
    n_comparisons: int = 5000
    length_divisor: int = 1
    flip_preferences: float = 0.0
    flip_safety: float = 0.0
    n_episodes: int = field(default=20, repr=False)

    @property
    def key(self) -> tuple[str, ...]:
        """:return: what identifies the cell among the rows of a results file"""
        return tuple(str(value) for value in asdict(self).values())


def run_cell(cell: Cell) -> dict[str, Any]:
    """
    Trains and evaluates one agent, on one thread.

    :param cell: what to run
    :return: one row of results
    """
    import gymnasium as gym
    import torch as th

    import sb3_presa
    from sb3_presa.benchmark.training import current_commit
    from sb3_presa.data.episodes import load_outcomes, resolve_dataset
    from sb3_presa.envs.tasks import find_task

    th.set_num_threads(1)
    dataset_id, env_id = TASKS[cell.task]
    dataset = resolve_dataset(dataset_id)
    task = find_task(env_id)
    assert task is not None
    feedback = sb3_presa.Feedback.synthetic(
        dataset,
        n_comparisons=cell.n_comparisons,
        segment_length=task.horizon // cell.length_divisor,
        cost_limit=cell.cost_limit,
        seed=cell.seed,
        flip_preferences=cell.flip_preferences,
        flip_safety=cell.flip_safety,
    )
    share_of_safe_labels = float((feedback.p_safe > 0.5).mean())
    if cell.method == "no_safety_labels":
        feedback = sb3_presa.Feedback.create(
            dataset,
            feedback.segments,
            comparisons=feedback.comparisons,
            preferences=feedback.preferences,
        )
    algorithm, settings = METHODS[cell.method]
    start = time.process_time()
    with warnings.catch_warnings():
        # That delta was lowered, or that a class of labels is missing, is in the row
        warnings.simplefilter("ignore", UserWarning)
        model = getattr(sb3_presa, algorithm).load_offline(
            dataset, feedback, seed=cell.seed, device="cpu", **settings
        )
        model.learn()
    seconds = time.process_time() - start
    env = gym.make(env_id)
    result = sb3_presa.evaluate_safety(
        model, env, cost_limit=cell.cost_limit, n_eval_episodes=cell.n_episodes,
        seed=1_000_000 + cell.seed,
    )  # fmt: skip
    env.close()
    returns = load_outcomes(dataset).episode_returns
    own_range = (result.reward_mean - returns.min()) / (returns.max() - returns.min())
    objective = getattr(model, "objective", None)
    return {
        **asdict(cell),
        "dataset": dataset_id,
        **{k: v for k, v in result.as_dict().items() if k != "episodes"},
        "normalized_reward_own_range": float(own_range),
        "share_of_safe_labels": share_of_safe_labels,
        "multiplier": float(objective.multiplier) if objective else None,
        "delta": float(objective.delta) if objective else None,
        "train_cpu_seconds": round(seconds, 1),
        "commit": current_commit(),
    }


def use_local_datasets() -> None:
    """Datasets are those of this checkout unless ``MINARI_DATASETS_PATH`` says otherwise."""
    os.environ.setdefault("MINARI_DATASETS_PATH", str(ROOT / "datasets"))
