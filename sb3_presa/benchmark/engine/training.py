"""Runs one cell: labels, trains and evaluates, and returns its row."""

import importlib
import json
import os
import platform
import subprocess
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sb3_presa.benchmark.engine.data_identity import (
    COLUMN,
    FEEDBACK_COLUMN,
    data_hash,
    feedback_hash,
)
from sb3_presa.benchmark.suites.cell import Cell, Labels
from sb3_presa.errors import ConfigError

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
_PACKAGES = ("torch", "numpy", "stable-baselines3", "gymnasium", "minari")


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
    _check_env(dataset, cell)
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
        **_outcome_columns(cell, dataset, run.result, run.reference),
        "reads_outcomes": "outcomes" in algorithm.needs,
        **_option_columns(cell, horizon),
        **_label_columns(feedback),
        **_identity_of_data(cell, "outcomes" in algorithm.needs),
        **run.learnt,
        "warnings": _summary([*of_labels, *run.warned]),
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
    objective = getattr(model, "objective", None)
    learnt = {
        "trained_steps": model.num_timesteps,
        "multiplier": _number(getattr(objective, "multiplier", None)),
        "delta": _number(getattr(objective, "delta", None)),
    }
    times = _time_columns(training, Seconds.now().since(start), spared)
    return Run(result, reference, learnt, times, tuple(caught))


@cache
def _clones() -> "SharedClones":
    from sb3_presa.benchmark.engine.shared_cloning import SharedClones

    return SharedClones()


@cache
def _runs() -> "SharedRuns":
    from sb3_presa.benchmark.engine.shared_runs import SharedRuns

    return SharedRuns()


def _time_columns(training: "Seconds", total: "Seconds", spared: "Seconds") -> dict[str, float]:
    """The times of the agent, including a shared cloning phase that it did not run itself."""
    return {
        "train_wall_seconds": round(training.wall + spared.wall, 2),
        "train_cpu_seconds": round(training.cpu + spared.cpu, 2),
        "wall_seconds": round(total.wall + spared.wall, 2),
        "cpu_seconds": round(total.cpu + spared.cpu, 2),
    }


def identity_columns(cell: Cell) -> dict[str, Any]:
    """
    :param cell: a cell
    :return: the columns with its names, which change if the suite renames them
    """
    return {
        "task": cell.task,
        "dataset": cell.dataset,
        "cost_limit": cell.cost_limit,
        "algorithm": cell.algorithm,
        "seed": cell.seed,
        "study": cell.study,
        "key": cell.key,
    }


def _outcome_columns(
    cell: Cell,
    dataset: "MinariDataset",
    result: "SafetyEvaluation",
    reference: tuple[str, float, float],
) -> dict[str, Any]:
    from sb3_presa.data.episodes import load_outcomes

    outcomes = load_outcomes(dataset, missing_costs="nan")
    returns = outcomes.episode_returns
    safe = returns[outcomes.episode_costs <= cell.cost_limit]
    own = float(returns.min()), float(returns.max())
    kind, low, high = reference
    if kind == "own":
        low, high = own
    named = identity_columns(cell)
    normalized = _normalized(result.reward_mean, low, high)
    first = ("task", "dataset", "cost_limit", "algorithm", "seed")
    return {
        **{name: named.pop(name) for name in first},
        "reward_mean": result.reward_mean,
        "cost_mean": result.cost_mean,
        "normalized_reward": normalized,
        "normalized_cost": result.normalized_cost,
        "safe": result.safe,
        "safe_episode_ratio": result.safe_episode_ratio,
        "cost_cvar90": result.cost_cvar90,
        **named,
        "reward_std": result.reward_std,
        "cost_std": result.cost_std,
        "reward_reference": kind,
        "dsrl_normalized_reward": normalized if kind == "dsrl" else None,
        "own_range_reward": _normalized(result.reward_mean, *own),
        # The ceiling of an agent that imitates whole episodes
        "best_safe_reward": _normalized(float(safe.max()), *own) if len(safe) else None,
        "env": cell.env,
        "class": cell.class_name,
    }


def _option_columns(cell: Cell, horizon: int) -> dict[str, Any]:
    return {
        "settings": json.dumps(dict(cell.settings), sort_keys=True),
        "steps": cell.steps,
        "n_episodes": cell.n_episodes,
        "device": cell.device,
        **_label_options(cell.labels, horizon),
        "horizon": horizon,
    }


def _label_options(labels: Labels, horizon: int) -> dict[str, Any]:
    """The options of synthetic labels, or the name of people's labels."""
    options = asdict(labels) | {"segment_length": _segment_length(labels, horizon)}
    del options["completed"]  # the names of algorithms say so; results have one set of columns
    if labels.feedback is not None:
        return dict.fromkeys(options) | {"feedback": labels.feedback}
    return options


def _segment_length(labels: Labels, horizon: int) -> int:
    return labels.segment_length or horizon // labels.length_divisor


def _identity_of_data(cell: Cell, reads_outcomes: bool) -> dict[str, str | None]:
    named = None if reads_outcomes else cell.labels.feedback
    return {
        COLUMN: data_hash(cell.dataset),
        FEEDBACK_COLUMN: None if named is None else feedback_hash(cell.dataset, named),
    }


def _label_columns(feedback: "Feedback | None") -> dict[str, Any]:
    """Statistics of the labels; empty for an agent that does not read labels."""
    if feedback is None:
        shares: dict[str, float | None] = dict.fromkeys(("safe", "ties", "winner_safe"))
        return {"n_segments": None, "n_preferences": None} | {
            f"share_{name}": share for name, share in shares.items()
        }
    known = feedback.p_safe[~np.isnan(feedback.p_safe)]
    decided = feedback.preferences != 0.5
    first = feedback.preferences > 0.5
    winners = np.where(first, feedback.comparisons[:, 0], feedback.comparisons[:, 1])[decided]
    return {
        "n_segments": len(feedback.segments),
        "n_preferences": len(feedback.comparisons),
        "share_safe": _mean(known > 0.5),
        "share_ties": _mean(~decided),
        "share_winner_safe": _mean(feedback.p_safe[winners] > 0.5),
    }


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
        _segment_length(labels, horizon),
        cost_limit=cell.cost_limit,
        seed=cell.seed,
        flip_preferences=labels.flip_preferences,
        flip_safety=labels.flip_safety,
        unlabelled_preferences=labels.unlabelled_preferences,
        unlabelled_safety=labels.unlabelled_safety,
    )


def _check_env(dataset: "MinariDataset", cell: Cell) -> None:
    """Check the evaluation environment before training."""
    from sb3_presa.data.datasets import names_environment

    if cell.env is None:
        if not names_environment(dataset):
            raise ConfigError(
                f"tasks.{cell.task}.env must be given, since dataset {cell.dataset} does not name "
                "its environment"
            )
        return
    import gymnasium as gym

    module, _, name = cell.env.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        gym.spec(name)
    except (ImportError, gym.error.Error) as error:
        raise ConfigError(
            f"tasks.{cell.task}.env must be the id of an environment (module:Id-v0 if your own "
            f"module registers it), got {cell.env!r}: {error}"
        ) from error


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


def _normalized(value: float, low: float, high: float) -> float | None:
    return (value - low) / (high - low) if high > low else None


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _number(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def _summary(caught: list[warnings.WarningMessage]) -> str:
    """Each UserWarning once, in one line."""
    texts = [" ".join(str(w.message).split()) for w in caught if w.category is UserWarning]
    return "; ".join(dict.fromkeys(text[:200] for text in texts))


@cache
def versions() -> Mapping[str, str]:
    """
    :return: versions of Python and of each package that affects results
    """
    found = {"python": platform.python_version(), "sb3_presa": _version("sb3_presa")}
    return {**found, **{name: _version(name) for name in _PACKAGES}}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


@cache
def current_commit() -> str:
    """
    :return: the commit of the checkout that this package was imported from, with ``-dirty`` if the
        package was changed since; ``SB3_PRESA_COMMIT``, or else ``unknown``, outside one
    """
    package = Path(__file__).resolve().parents[2]
    try:
        head = _git(package, "rev-parse", "--short=12", "HEAD")
        if not _git(package, "ls-files", "--", "__init__.py"):
            raise OSError("the repository around this package does not contain it")
        changed = _git(package, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("SB3_PRESA_COMMIT", "unknown")
    return f"{head}-dirty" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
